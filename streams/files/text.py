"""Small files as people leave them on disk: settings, policies, keyrings, manifests.

An editor may put a byte order mark before the text, or write UTF-16 (RFC 8259, section 8.1, lets a reader ignore the
mark). Both are text all the same. What is packed or is no text is named as what it is.
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
    "kind_of",
    "open_regular",
    "read_small",
    "read_text",
    "unmarked",
]

#: Bytes; a policy or a settings file has a few thousand.
LARGEST_TEXT = 1 << 20

#: How a file begins, what it is then, and what makes text of it.
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
    (b"SQLite format 3\x00", "an SQLite database", "export it as JSON lines"),
    (b"%PDF", "a PDF", "give the text"),
)
#: Byte order marks and what Python calls their encodings; UTF-32 first, whose little-endian mark begins as that of UTF-16 does.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def kind_of(first: bytes) -> tuple[str, str] | None:
    """Return what a file is that begins so, and what to do with it; ``None`` where it may be text."""
    return next(((name, todo) for magic, name, todo in _KINDS if first.startswith(magic)), None)


def unmarked(data: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark, whatever mark it began with.

    Raises:
        UnicodeDecodeError: it is not in the encoding that its mark says.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding).encode()
    return data


@contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; a named pipe or a device is not waited for.

    Raises:
        OSError: it is not there, cannot be read, or is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, f"{path} is no file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_small(path: Path, most: int) -> bytes:
    """Read a file of at most ``most`` bytes.

    Raises:
        OSError: as for ``open_regular``, or it is larger.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(None, f"{path} has more than {most} bytes")
    return data


def read_text(path: Path, what: str, most: int = LARGEST_TEXT) -> str:
    """Read a small text file: UTF-8, or whatever its byte order mark says. A pipe (``<(…)``) is read as well.

    Raises:
        DependencyUnavailable: it is not there, or cannot be read.
        UsageError: it is no text, is packed, or is too large; the message says what it is.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} {path} cannot be read ({error.strerror}); name another, or leave it out"
        ) from None
    if len(data) > most:
        raise UsageError(f"the {what} {path} has more than {most} bytes; it is none")
    if other := kind_of(data):
        raise UsageError(f"the {what} {path} is {other[0]}, not text; {other[1]}")
    try:
        return unmarked(data).decode()
    except UnicodeDecodeError:
        raise UsageError(f"the {what} {path} is not text in UTF-8; save it as UTF-8") from None
