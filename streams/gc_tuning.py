"""Pauses of Python's garbage collector, which nobody who waits for an answer should notice."""

from __future__ import annotations

import gc

__all__ = ["calm_garbage"]

#: New objects until the youngest are looked at; how often until the next older ones, and until the oldest. The oldest are households
#: and answers by the ten thousand, values without cycles: looking through them took 0.3 s on a busy machine and found nothing.
_THRESHOLDS = (20_000, 50, 1_000)


def calm_garbage() -> None:
    """Collect what starting has left and set what stays aside. Called once, when a process is about to answer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
