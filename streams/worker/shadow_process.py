"""What runs in the process of the shadow bundles: reads bundles, and decides without effect."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import BundleError
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.rule_set import RuleSet
from detector.decision.shadow import chain_in_shadow, decide_in_shadow
from detector.household.state import HouseholdState
from streams.errors import DependencyUnavailable
from streams.files.signing import read_public_key
from streams.lifecycle.library import read_reference
from streams.wire.announcements import BundleReference

__all__ = ["begin", "decide", "ready"]

#: Added to the niceness: the worker's own decisions come first.
_NICENESS = 5
#: The key's file, once the process has begun.
_KEY_FILE: list[Path | None] = []
#: Bundles kept in memory: the active one, a canary, and a few shadows.
_KEPT = 8


def begin(key: Path | None) -> None:
    """Prepare the process; it ends with the worker, even if the worker is killed.

    ``key`` is the file of the public key that must have signed every bundle, if there is one.
    """
    os.nice(_NICENESS)
    _KEY_FILE.append(key)
    worker = parent_process()
    if worker is not None:
        threading.Thread(target=_end_with, args=(worker.sentinel,), daemon=True).start()


def ready() -> None:
    """Do nothing: the process that runs this has started."""


def decide(
    before: HouseholdState,
    active: BundleReference | None,
    event: IntentEvent,
    shadow: BundleReference,
    *,
    at: float,
    rules: RuleSet,
    published: Verdict,
) -> tuple[Decision, tuple[float, ...]]:
    """Return the shadow's decision, and the bits of its chain if it differs from ``published``.

    See ``decide_in_shadow`` and ``chain_in_shadow``.
    """
    given = before, _active(active), event, _read(shadow)
    decision = decide_in_shadow(*given, at=at, rules=rules)
    differs = decision.verdict is not published
    return decision, chain_in_shadow(*given, at=at) if differs else ()


@lru_cache(maxsize=_KEPT)
def _read(reference: BundleReference) -> Bundle:
    return read_reference(reference, read_public_key(_KEY_FILE[-1] if _KEY_FILE else None))


def _active(reference: BundleReference | None) -> Bundle | None:
    try:
        return None if reference is None else _read(reference)
    except (BundleError, DependencyUnavailable, OSError):  # its directory is gone
        return None


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(0)
