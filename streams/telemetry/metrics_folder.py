"""The folder in which processes share their metrics (``PROMETHEUS_MULTIPROC_DIR``), and what may lie in it.

prometheus_client opens its files there when a metric is declared, and trusts every file whose name ends with ``.db``. Here the folder is
looked at before that, and each file before it is read: one that is no file of metrics costs its own numbers and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from streams.errors import DependencyUnavailable

__all__ = [
    "FOLDER",
    "drop_empty",
    "forget_dead_processes",
    "metrics_files",
    "prepare_folder",
    "readable",
]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: The gauges of one process, in a mode that counts living processes only. Other programs put other things in the place of the number.
_LIVE_GAUGES = re.compile(r"gauge_live[a-z]+_([0-9]{1,10})\.db")
#: Bytes of one file. All metrics of a worker take less than 1 MiB.
_LARGEST = 64 << 20
#: Bytes before the first value: how many are used, and padding.
_HEAD = 8


def drop_empty() -> None:
    """Take an empty variable for one that is not set. prometheus_client would write into the working directory."""
    for name in (FOLDER, FOLDER.lower()):
        if os.environ.get(name) == "":
            del os.environ[name]


def prepare_folder() -> None:
    """Make sure that metrics can be kept in the shared folder, where there is one; before the first metric is declared.

    Raises:
        DependencyUnavailable: it is not there, cannot be written to, or holds something else in the place of this process's files.
    """
    named = os.environ.get(FOLDER) or os.environ.get(FOLDER.lower())
    if not named:
        return
    try:
        with tempfile.TemporaryFile(dir=named):
            pass
        for path in Path(named).glob(f"*_{os.getpid()}.db"):
            if not readable(path):  # left by an earlier process of the same number
                path.unlink()
    except OSError as error:
        raise DependencyUnavailable(
            f"{FOLDER} names {named}, where metrics cannot be kept ({error.strerror or error}); "
            "make it a folder that can be written to, or unset the variable"
        ) from None


def metrics_files(folder: str) -> Iterator[Path]:
    """Yield what is named like a file of metrics, in the order of names.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".db"))
    yield from (Path(folder, name) for name in names)


def readable(path: Path) -> bool:
    """Return whether this is a file whose head agrees with its size. To open a pipe would wait for a writer.

    Raises:
        FileNotFoundError: it has gone.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return False
        if found.st_size == 0:  # another process is just making it
            return True
        with path.open("rb") as file:
            used = int.from_bytes(file.read(4), sys.byteorder, signed=True)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return found.st_size >= _HEAD and 0 <= used <= found.st_size


def forget_dead_processes() -> None:
    """Take the gauges of processes that were killed out of the shared folder, where there is one; counters stay, as they must."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    with suppress(OSError):
        for path in metrics_files(folder):
            named = _LIVE_GAUGES.fullmatch(path.name)
            if named and not _alive(int(named[1])):
                with suppress(OSError):  # another process was faster, or it is a folder
                    path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
