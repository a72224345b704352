"""Files with secrets: for their owner's eyes only, written whole, and read so that no change is overlooked."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

from streams.errors import MissingPart, WrongUse
from streams.text_files import LARGEST_TEXT, open_regular
from streams.whole_files import write_whole

__all__ = ["Stamp", "check_private", "read_private", "stamp_of", "write_privately"]

#: Two changes within one tick of a file system's clock can leave the same stamp: a file younger than this, in nanoseconds, is read again.
#: FAT counts in 2 s, all others in less.
_TICK = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a change of a file changes: which file it is, its size, and when its content and its inode were last written."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int
    #: When it was looked at, in nanoseconds.
    seen: int = field(compare=False)

    @property
    def settled(self) -> bool:
        """Whether a change since would surely give another stamp; one from the future is not settled."""
        return self.seen - max(self.modified, self.changed) > _TICK


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of the file that a path leads to now.

    Raises:
        OSError: it is not there.
    """
    return _stamp(path.stat(), time.time_ns())


def read_private(path: Path, what: str) -> tuple[bytes, Stamp]:
    """Read a file that only its owner may read, and the stamp that it had before: of the same open file, whatever is renamed meanwhile.

    Raises:
        WrongUse: others can read it, or it is too large.
        OSError: it is not there, cannot be read, or is no file.
    """
    with open_regular(path) as file:
        seen, found = time.time_ns(), os.fstat(file.fileno())
        _check(path, what, found)
        data = file.read(LARGEST_TEXT + 1)
    if len(data) > LARGEST_TEXT:
        raise WrongUse(f"the {what} {path} has more than {LARGEST_TEXT} bytes; it is none")
    return data, _stamp(found, seen)


def check_private(path: Path, what: str) -> None:
    """Make sure that only its owner can read a file.

    Raises:
        WrongUse: others can, or it is no file.
        OSError: it is not there.
    """
    _check(path, what, path.stat())


def write_privately(path: Path, content: bytes, what: str) -> None:
    """Write a file, all of it or nothing.

    Raises:
        MissingPart: it cannot be written.
    """
    try:
        write_whole(path, content, mode=0o600)
    except OSError as error:
        raise MissingPart(f"the {what} cannot be written to {path}: {error.strerror or error}") from error


def _check(path: Path, what: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise WrongUse(f"the {what} {path} is no file; name a file")
    if found.st_mode & 0o077:
        raise WrongUse(f"the {what} {path} can be read by others; run 'chmod 600 {path}'")


def _stamp(found: os.stat_result, seen: int) -> Stamp:
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, seen)
