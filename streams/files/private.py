"""Files with secrets: only their owner may read them, and readers detect every change."""

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

#: Nanoseconds. Two changes within one tick of the file system's clock leave the same stamp, so a
#: file that is younger than this is read again. The tick of FAT is 2 s, that of others is shorter.
_TICK = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """Metadata that differs after a change of a file: its identity, size and times."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int
    #: Time of the observation in nanoseconds.
    seen: int = field(compare=False)

    @property
    def settled(self) -> bool:
        """Whether any later change is certain to give another stamp; never for future times."""
        return self.seen - max(self.modified, self.changed) > _TICK


def stamp_of(path: Path) -> Stamp:
    """Return the present stamp of a file.

    Raises:
        OSError: the file does not exist.
    """
    return _stamp(path.stat(), time.time_ns())


def read_private(path: Path, what: str) -> tuple[bytes, Stamp]:
    """Return the content and the stamp of a private file.

    Both belong to the same open file, even if the path is renamed meanwhile. The stamp is taken
    first.

    Raises:
        UsageError: other users can read the file, or it is too large.
        OSError: the file does not exist, cannot be read, or is not a regular file.
    """
    with open_regular(path) as file:
        seen, found = time.time_ns(), os.fstat(file.fileno())
        _check(path, what, found)
        data = file.read(LARGEST_TEXT + 1)
    if len(data) > LARGEST_TEXT:
        raise UsageError(f"the {what} {path} has more than {LARGEST_TEXT} bytes; name another file")
    return data, _stamp(found, seen)


def places_of(problem: ErrorDetails) -> list[str]:
    """Return the dotted path of the field of a problem; ``JSON`` for the whole document."""
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
    """Return the value and the stamp of a private JSON file; no error quotes its content.

    Args:
        path: the file.
        what: name of the kind of file with its article, such as ``a keyring``.
        validate: converts the bytes to a value.
        make: the command that creates such a file.
        hint: end of the message about a file of another kind.
        places: returns the fields of a validation error.

    Raises:
        DependencyUnavailable: the file does not exist or cannot be read.
        UsageError: other users can read the file, or its content is invalid.
    """
    name = what.partition(" ")[2]
    try:
        data, stamp = read_private(path, name)
        data = unmarked(data)
        check_unambiguous(data)
        return validate(data), stamp
    except FileNotFoundError:
        raise DependencyUnavailable(
            f"the {name} {path} does not exist; make one with '{make} {path}'"
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
    """Check that only its owner can read a file.

    Raises:
        UsageError: other users can read it, or it is not a regular file.
        OSError: the file does not exist.
    """
    _check(path, what, path.stat())


def write_privately(path: Path, content: bytes, what: str) -> None:
    """Write a private file atomically.

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    try:
        write_whole(path, content, mode=0o600)
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} cannot be written to {path}: {error.strerror or error}"
        ) from error


def _check(path: Path, what: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"the {what} {path} is not a file; name a file")
    if found.st_mode & 0o077:
        raise UsageError(f"the {what} {path} can be read by others; run 'chmod 600 {path}'")


def _stamp(found: os.stat_result, seen: int) -> Stamp:
    return Stamp(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, seen
    )
