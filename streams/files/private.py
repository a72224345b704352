"""Files with secrets: for their owner's eyes only, written whole, and read so that no change is overlooked."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic_core import ErrorDetails, ValidationError

from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.files.atomic import write_whole
from streams.files.text import LARGEST_TEXT, open_regular, unmarked
from streams.wire.strict_json import check_unambiguous

__all__ = [
    "Stamp",
    "check_private",
    "places_of",
    "read_private",
    "read_private_json",
    "stamp_of",
    "write_privately",
]

V = TypeVar("V")

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
        UsageError: others can read it, or it is too large.
        OSError: it is not there, cannot be read, or is no file.
    """
    with open_regular(path) as file:
        seen, found = time.time_ns(), os.fstat(file.fileno())
        _check(path, what, found)
        data = file.read(LARGEST_TEXT + 1)
    if len(data) > LARGEST_TEXT:
        raise UsageError(f"the {what} {path} has more than {LARGEST_TEXT} bytes; it is none")
    return data, _stamp(found, seen)


def places_of(problem: ErrorDetails) -> list[str]:
    """Return the field that a problem is about, with the way to it; a whole document that cannot be read is ``JSON``."""
    return [".".join(map(str, problem["loc"])) or "JSON"]


def read_private_json(
    path: Path,
    what: str,
    validate: Callable[[bytes], V],
    *,
    make: str,
    hint: str = "",
    places: Callable[[ErrorDetails], list[str]] = places_of,
) -> tuple[V, Stamp]:
    """Read a private file of JSON, with the stamp that it had; no error repeats anything of what it holds.

    Args:
        path: where it is.
        what: what it is, with its article, such as ``a keyring``.
        validate: makes the value of its bytes.
        make: the command that makes one.
        hint: the end of the sentence about a file that is something else.
        places: the fields that a problem is about.

    Raises:
        DependencyUnavailable: it is not there, or cannot be read.
        UsageError: others can read it, or it holds something else.
    """
    name = what.partition(" ")[2]
    try:
        data, stamp = read_private(path, name)
        data = unmarked(data)
        check_unambiguous(data)
        return validate(data), stamp
    except FileNotFoundError:
        raise DependencyUnavailable(
            f"the {name} {path} is not there; make one with '{make} {path}'"
        ) from None
    except OSError as error:
        raise DependencyUnavailable(
            f"the {name} {path} cannot be read: {error.strerror or error}"
        ) from error
    except (RecordError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, RecordError) else "it is not text in UTF-8"
        raise UsageError(f"{path} is not {what} ({why}){hint}") from None
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        where = ", ".join(dict.fromkeys(place for problem in problems for place in places(problem)))
        raise UsageError(f"{path} is not {what} ({where}){hint}") from None


def check_private(path: Path, what: str) -> None:
    """Make sure that only its owner can read a file.

    Raises:
        UsageError: others can, or it is no file.
        OSError: it is not there.
    """
    _check(path, what, path.stat())


def write_privately(path: Path, content: bytes, what: str) -> None:
    """Write a file, all of it or nothing.

    Raises:
        DependencyUnavailable: it cannot be written.
    """
    try:
        write_whole(path, content, mode=0o600)
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} cannot be written to {path}: {error.strerror or error}"
        ) from error


def _check(path: Path, what: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"the {what} {path} is no file; name a file")
    if found.st_mode & 0o077:
        raise UsageError(f"the {what} {path} can be read by others; run 'chmod 600 {path}'")


def _stamp(found: os.stat_result, seen: int) -> Stamp:
    return Stamp(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, seen
    )
