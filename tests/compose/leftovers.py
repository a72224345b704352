"""The folder of a run, and what a run leaves behind if it is killed."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

__all__ = [
    "ACCOUNTING",
    "cgroup",
    "cpu_seconds",
    "held",
    "remove_cgroup",
    "remove_leftovers",
    "temporary_folder",
]

PLACE = Path("/var/tmp")
_PREFIX = "misfire-compose-"
_CGROUPS = Path("/sys/fs/cgroup")
#: Where version 1 of the kernel's control groups counts processor time. The engine itself counts
#: there, too; in version 2 a group with containers in groups of their own has no processes.
ACCOUNTING = _CGROUPS / "cpuacct"
#: Seconds for the kernel to end the processes of a namespace.
_PATIENCE = 20.0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it after a ``with`` block."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=PLACE))
    try:
        yield folder
    finally:
        _again(lambda: shutil.rmtree(folder))


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for a ``with`` block.

    Raises:
        BlockingIOError: another run holds it.
    """
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def remove_leftovers(place: Path = PLACE, cgroups: Path = _CGROUPS) -> None:
    """Remove the folders and control groups of runs that have ended."""
    for lock in place.glob(f"{_PREFIX}*/lock"):
        with suppress(OSError), held(lock.parent):
            shutil.rmtree(lock.parent)
    for group in [*cgroups.glob(f"{_PREFIX}*"), *cgroups.glob(f"*/{_PREFIX}*")]:
        if not Path("/proc", group.name.removeprefix(_PREFIX)).exists():
            with suppress(OSError):
                _remove(group)


def cgroup() -> str:
    """Return the name of this run's control group."""
    return f"{_PREFIX}{os.getpid()}"


def cpu_seconds() -> float:
    """Return the processor time so far of this process, its children, its engine and containers."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(each.ru_utime + each.ru_stime for each in own)
    if ACCOUNTING.is_dir():
        return total + int((ACCOUNTING / cgroup() / "cpuacct.usage").read_text()) / 1e9
    _, usage, *_ = (_CGROUPS / cgroup() / "cpu.stat").read_text().split()
    return total + int(usage) / 1e6


def remove_cgroup() -> None:
    """Remove this run's control groups. Their last processes may still be ending."""
    for group in [_CGROUPS / cgroup(), *_CGROUPS.glob(f"*/{cgroup()}")]:
        with suppress(OSError):
            _again(partial(_remove, group))


def _remove(group: Path) -> None:
    if group.is_dir():
        for each in [*sorted(group.rglob("*/"), reverse=True), group]:
            each.rmdir()


def _again(action: Callable[[], object]) -> None:
    """Call a function until it succeeds; raise its last error after ``_PATIENCE``."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            action()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)
        else:
            return
