"""Tunes Python's garbage collector, whose pauses would delay answers."""

from __future__ import annotations

import gc

__all__ = ["tune_gc"]

#: Thresholds of the three generations. Answers wait for each collection, so the youngest two are
#: small: at 20,000 objects, one collection took up to 28 ms. The oldest contains tens of thousands
#: of cached values without reference cycles; collecting it took 0.3 s and freed nothing.
_THRESHOLDS = (2_000, 2, 250_000)


def tune_gc() -> None:
    """Collect the garbage of the start and freeze the rest; call once, before serving requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
