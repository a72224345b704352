"""Several processes for work whose parts are independent. The results are the same, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from detector.progress import Each, one_by_one

__all__ = ["processes"]


@contextmanager
def processes(jobs: int) -> Iterator[Each]:
    """Yield what does the parts of a work in ``jobs`` processes at a time; one is this process itself."""
    if jobs == 1:
        yield one_by_one
        return
    # Spawned, not forked: a forked process would inherit locks of threads that it does not have.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map
