"""The folder in which processes share their metrics (``PROMETHEUS_MULTIPROC_DIR``).

prometheus_client opens its files there when a metric is declared, and trusts every file whose
name ends with ``.db``. This module checks the folder before that, and each file before it is
read, so an invalid file costs only its own values.
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
    "forget_dead_processes",
    "metrics_files",
    "prepare_folder",
    "readable",
    "unset_if_empty",
]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: The file of one process's gauges, in a mode that counts only living processes. The number is
#: the process id; files of other programs can have something else in its place.
_LIVE_GAUGES = re.compile(r"gauge_live[a-z]+_([0-9]{1,10})\.db")
#: Largest accepted file, in bytes. All metrics of a worker take less than 1 MiB.
_LARGEST = 64 << 20
#: Bytes before the first value: the number of bytes in use, and padding.
_HEAD = 8


def unset_if_empty() -> None:
    """Unset an empty variable; prometheus_client would write to the working directory."""
    for name in (FOLDER, FOLDER.lower()):
        if os.environ.get(name) == "":
            del os.environ[name]


def prepare_folder() -> None:
    """Check that metrics can be written to the shared folder, if one is configured.

    Call it before the first metric is declared.

    Raises:
        DependencyUnavailable: the folder is missing or not writable, or a path that belongs to
            this process is not a file.
    """
    named = os.environ.get(FOLDER) or os.environ.get(FOLDER.lower())
    if not named:
        return
    try:
        with tempfile.TemporaryFile(dir=named):
            pass
        for path in Path(named).glob(f"*_{os.getpid()}.db"):
            if not readable(path):  # left over from an earlier process with the same id
                path.unlink()
    except OSError as error:
        raise DependencyUnavailable(
            f"{FOLDER} names {named}, where metrics cannot be kept ({error.strerror or error}); "
            "make it a writable folder, or unset the variable"
        ) from None


def metrics_files(folder: str) -> Iterator[Path]:
    """Yield the paths that are named like metrics files, sorted by name.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".db"))
    yield from (Path(folder, name) for name in names)


def readable(path: Path) -> bool:
    """Return whether ``path`` is a metrics file whose header agrees with its size.

    Only regular files are opened: opening a pipe would block until it has a writer.

    Raises:
        FileNotFoundError: the file no longer exists.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return False
        if found.st_size == 0:  # another process is creating it
            return True
        with path.open("rb") as file:
            used = int.from_bytes(file.read(4), sys.byteorder, signed=True)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return found.st_size >= _HEAD and 0 <= used <= found.st_size


def forget_dead_processes() -> None:
    """Delete the gauge files of dead processes from the shared folder, if one is configured.

    Counters stay, because a counter must not decrease.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    with suppress(OSError):
        for path in metrics_files(folder):
            named = _LIVE_GAUGES.fullmatch(path.name)
            if named and not _alive(int(named[1])):
                with suppress(OSError):  # another process deleted it first, or it is a folder
                    path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
