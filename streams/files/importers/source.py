"""Files of foreign logs as bytes: plain, gzip, a member of a zip archive, or standard input."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from streams.errors import DependencyUnavailable, UsageError
from streams.files.importers.records import Advance
from streams.files.lines import MOST_UNPACKED, STANDARD_INPUT
from streams.files.text import MARKS, kind_of

__all__ = ["LARGEST_RECORD", "Source", "opened"]

#: Largest record in bytes. A record of a voice history has about two thousand.
LARGEST_RECORD = 4 << 20
#: Below this size, any ratio of unpacked to packed size is harmless.
_UNPACKED_FLOOR = 64 << 20
_HEAD = 16
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


class Source(io.RawIOBase):
    """The content of a log; it reports how far it was read and bounds the size of a record.

    Args:
        file: the unpacked content.
        place: returns how many bytes of the file on disk were read.
        total: the size of the file on disk; 0 if it is not known.
        advance: called with both.
        path: named in errors.

    Raises:
        UsageError: on ``read``, if more than ``LARGEST_RECORD`` bytes were read since the last call
            of ``next_record``, or if the content unpacks to far more than its size.
    """

    def __init__(
        self,
        file: IO[bytes],
        place: Callable[[], int],
        total: int,
        advance: Advance,
        path: Path,
    ) -> None:
        self._file, self._place, self._total = file, place, total
        self._advance, self._path = advance, path
        self.head = self._left = file.read(_HEAD)
        self._since_record = self._taken = 0

    def readable(self) -> bool:
        """See ``io.RawIOBase.readable``."""
        return True

    def skip(self, size: int) -> None:
        """Leave out the first bytes; nothing was read before."""
        self._left = self._left[size:]

    def first(self) -> bytes:
        """Return the first byte that is no white space; nothing was read before."""
        while not self._left.strip() and (more := self._file.read(_HEAD)):
            self._left = more
        return self._left.lstrip()[:1]

    def next_record(self) -> None:
        """Begin to count the bytes of another record."""
        self._since_record = 0

    def readinto(self, buffer: Any, /) -> int:
        """See ``io.RawIOBase.readinto``."""
        data = self._left[: len(buffer)] or self._file.read(len(buffer))
        self._left = self._left[len(data) :]
        buffer[: len(data)] = data
        self._taken += len(data)
        self._since_record += len(data)
        if self._since_record > LARGEST_RECORD:
            raise UsageError(
                f"{self._path} has a record of more than {LARGEST_RECORD} bytes; it is not a log of"
                " this kind"
            )
        place = self._place()
        self._advance(place, self._total)
        if self._total and self._taken > max(_UNPACKED_FLOOR, MOST_UNPACKED * place):
            raise UsageError(
                f"{self._path} unpacks to more than {MOST_UNPACKED} times its size; no log does"
            )
        return len(data)


@contextmanager
def opened(path: Path, advance: Advance, member: str | None = None) -> Iterator[Source]:
    """Open a log. ``-`` is standard input.

    Args:
        path: the file.
        advance: called with the bytes read and the size of the file.
        member: end of the name of the member of a zip archive.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is of another kind or damaged.
    """
    with ExitStack() as stack:
        raw = _raw(stack, path)
        try:
            yield _unpacked(stack, path, raw, advance, member)
        except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError):
            raise UsageError(f"{path} is damaged or was cut off; download it again") from None
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not valid {error.encoding}; save it as UTF-8") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def _raw(stack: ExitStack, path: Path) -> io.BufferedReader:
    if path == STANDARD_INPUT:
        return io.BufferedReader(sys.stdin.buffer)  # type: ignore[arg-type]
    try:
        return stack.enter_context(path.open("rb"))
    except OSError as error:
        raise DependencyUnavailable(f"{path} cannot be read: {error.strerror or error}") from None


def _unpacked(
    stack: ExitStack, path: Path, raw: io.BufferedReader, advance: Advance, member: str | None
) -> Source:
    size = path.stat().st_size if path.is_file() else 0
    head = raw.peek(_HEAD)
    file: Any = raw
    if head.startswith(_ZIP) and member and size:
        file = stack.enter_context(_member(stack, path, raw, member))
    elif head.startswith(_GZIP):
        file = stack.enter_context(gzip.GzipFile("", "rb", fileobj=raw))
    place = raw.tell if size else lambda: 0
    source = Source(file, place, size, advance, path)
    if other := kind_of(source.head):
        raise UsageError(f"{path} is {other[0]}; {other[1]}")
    for mark, encoding in MARKS:
        if source.head.startswith(mark):
            if encoding == "utf-8-sig":
                source.skip(len(mark))
                break
            text = codecs.EncodedFile(io.BufferedReader(source), "utf-8", encoding)
            return Source(text, place, size, advance, path)
    return source


def _member(stack: ExitStack, path: Path, file: Any, ending: str) -> Any:
    """Open the one member of a zip archive whose name ends in ``ending``."""
    archive = stack.enter_context(zipfile.ZipFile(file))
    named = [each for each in archive.infolist() if each.filename.endswith(ending)]
    if len(named) != 1:
        raise UsageError(
            f"{path} contains {len(named)} files named *{ending}; unpack it and name one"
        )
    if named[0].flag_bits & 1:
        raise UsageError(f"{path} is encrypted; unpack it first")
    return archive.open(named[0])
