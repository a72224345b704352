"""Worker processes for independent tasks; the results do not depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from detector.progress import Each, one_by_one

__all__ = ["processes"]


@contextmanager
def processes(jobs: int) -> Iterator[Each]:
    """Yield a ``map`` that runs in ``jobs`` processes, or in this process if ``jobs`` is 1."""
    if jobs == 1:
        yield one_by_one
        return
    # Spawn, not fork: a forked process would inherit locks held by threads that it does not have.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map
