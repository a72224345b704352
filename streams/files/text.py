"""Small text files that people edit: settings, policies, keyrings, manifests.

Some editors write a byte order mark or UTF-16, which are accepted (RFC 8259, section 8.1, lets a
reader ignore the mark). For files of other kinds, the error names the kind.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from streams.errors import DependencyUnavailable, UsageError

__all__ = [
    "LARGEST_TEXT",
    "MARKS",
    "is_sqlite",
    "kind_of",
    "open_regular",
    "read_small",
    "read_text",
    "unmarked",
]

#: Largest file in bytes; policies and settings have a few thousand.
LARGEST_TEXT = 1 << 20

_SQLITE = b"SQLite format 3\x00"
#: First bytes of a file, its kind, and how to get text from it.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "unpack it with 'gunzip'"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unpack it with 'unzstd'"),
    (b"\xfd7zXZ\x00", "xz", "unpack it with 'unxz'"),
    (b"BZh", "bzip2", "unpack it with 'bunzip2'"),
    (b"\x04\x22\x4d\x18", "lz4", "unpack it with 'unlz4'"),
    (b"PK\x03\x04", "a zip archive", "unpack it with 'unzip'"),
    (b"PAR1", "Parquet", "export it as JSON lines"),
    (b"Obj\x01", "Avro", "export it as JSON lines"),
    (b"ORC", "ORC", "export it as JSON lines"),
    (_SQLITE, "an SQLite database", "export it as JSON lines"),
    (b"%PDF", "a PDF", "give the text"),
)
#: Byte order marks and their encodings. UTF-32 comes first: its little-endian mark starts with that
#: of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def kind_of(first: bytes) -> tuple[str, str] | None:
    """Return the kind of a file by its first bytes, and what to do; ``None`` if it may be text."""
    return next(((name, todo) for magic, name, todo in _KINDS if first.startswith(magic)), None)


def is_sqlite(path: Path) -> bool:
    """Return whether a path is a regular file that begins like an SQLite database."""
    try:
        with open_regular(path) as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def unmarked(data: bytes) -> bytes:
    """Return text in UTF-8 without a byte order mark.

    Raises:
        UnicodeDecodeError: the text is not in the encoding of its mark.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding).encode()
    return data


@contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file without blocking on a named pipe or device.

    Raises:
        OSError: the file does not exist, cannot be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, f"{path} is not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_small(path: Path, most: int) -> bytes:
    """Read a file of at most ``most`` bytes.

    Raises:
        OSError: as for ``open_regular``, or the file is larger.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(None, f"{path} has more than {most} bytes")
    return data


def read_text(path: Path, what: str, most: int = LARGEST_TEXT) -> str:
    """Read a small text file in UTF-8 or the encoding of its byte order mark. Pipes work as well.

    Raises:
        DependencyUnavailable: the file does not exist or cannot be read.
        UsageError: the file is not text or is too large; the message names its kind.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} {path} cannot be read ({error.strerror}); name another, or leave it out"
        ) from None
    if len(data) > most:
        raise UsageError(f"the {what} {path} has more than {most} bytes; name another file")
    if other := kind_of(data):
        raise UsageError(f"the {what} {path} is {other[0]}, not text; {other[1]}")
    try:
        return unmarked(data).decode()
    except UnicodeDecodeError:
        raise UsageError(f"the {what} {path} is not text in UTF-8; save it as UTF-8") from None
