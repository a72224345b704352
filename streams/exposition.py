"""What ``/metrics`` answers: every metric, in the format that the asker takes, from all processes that share a folder.

Exemplars (the decision behind a point on a graph) are in OpenMetrics only, which Prometheus asks for by itself. Where
``PROMETHEUS_MULTIPROC_DIR`` names a folder, prometheus_client keeps values in it and an answer adds up all processes that share it;
in that mode it has no exemplars.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

__all__ = ["exposition", "forget_dead_processes"]

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def exposition(accept: str | None) -> tuple[bytes, str]:
    """Return the body and the content type for an ``Accept`` header."""
    encode, content_type = choose_encoder(accept or "")
    return encode(_registry()), content_type


def forget_dead_processes() -> None:
    """Take the gauges of processes that were killed out of the shared folder, where there is one; counters stay, as they must."""
    folder = os.environ.get(_FOLDER)
    if not folder:
        return
    for pid in {int(path.stem.rpartition("_")[2]) for path in Path(folder).glob("gauge_live*_*.db")}:
        if not _alive(pid):
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


def _registry() -> CollectorRegistry:
    if not os.environ.get(_FOLDER):
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
