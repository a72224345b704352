"""Files of lines. Their first bytes determine their kind, not their names; pipes work as well.

UTF-8 is read, UTF-16 and UTF-32 with a byte order mark, and gzip of them. For any other kind, the
error names it and says how to convert it.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from streams.errors import DependencyUnavailable, UsageError
from streams.files.atomic import writing
from streams.files.text import MARKS, kind_of

__all__ = [
    "LONGEST_LINE",
    "MOST_UNPACKED",
    "STANDARD_INPUT",
    "Position",
    "no_position",
    "read_lines",
    "read_objects",
    "write_lines",
]

#: The path that means standard input.
STANDARD_INPUT = Path("-")
#: Longest line in bytes. An event has at most 64 KiB (records.MAX_BYTES), and lines of other logs
#: are hardly longer.
LONGEST_LINE = 1 << 20
#: Largest ratio of unpacked to packed size: gzip reaches 1,000 for repetitive data and about 15 for
#: event streams. Below the floor in bytes any ratio is harmless.
MOST_UNPACKED = 500
_UNPACKED_FLOOR = 64 << 20
#: Bytes that determine the kind of a file.
_HEAD = 16
_GZIP = b"\x1f\x8b"
#: Separators of columns.
_SEPARATORS = ((b"\t", "tabs"), (b",", "commas"), (b";", "semicolons"), (b"|", "vertical bars"))


#: Called with a position in bytes.
Position = Callable[[int], None]


def no_position(taken: int) -> None:
    """Ignore the position."""


def read_lines(path: Path, *, position: Position = no_position) -> Iterator[tuple[int, bytes]]:
    """Yield the non-empty lines of a file with their numbers. ``-`` is standard input.

    Before each line, ``position`` is called with the number of bytes read from the file so far;
    of a compressed file, these are compressed bytes.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file cannot be read or has no lines of text; the message says what to do.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(_opened(path))
        number = unpacked = 0
        try:
            source = _Counted(raw)
            file, packed = _unpacked(path, source), source.head.startswith(_GZIP)
            while line := file.readline(LONGEST_LINE + 1):
                # Lines of other encodings are decoded already.
                line = line if isinstance(line, bytes) else line.encode()
                number, unpacked = number + 1, unpacked + len(line)
                if len(line) > LONGEST_LINE:
                    raise UsageError(f"{path}, line {number}: has more than {LONGEST_LINE} bytes")
                if packed and unpacked > max(_UNPACKED_FLOOR, MOST_UNPACKED * source.taken):
                    raise UsageError(
                        f"{path} unpacks to more than {MOST_UNPACKED} times its size;"
                        " no stream of events does"
                    )
                if line.strip():
                    position(source.taken)
                    yield number, line
        except EOFError:
            raise UsageError(
                f"{path} cannot be read as gzip: it was cut off, {_reached(number, unpacked)};"
                " copy it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UsageError(
                f"{path} cannot be read as gzip: it is damaged ({error}),"
                f" {_reached(number, unpacked)}; copy it again"
            ) from None
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{path} is not valid {error.encoding}, although its byte order mark says so,"
                f" {_reached(number, unpacked)}; save it as UTF-8"
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def read_objects(path: Path, *, position: Position = no_position) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that should have one JSON object per line, like ``read_lines``.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: as for ``read_lines``, or the file starts like a JSON array, an object over
            several lines, or a table.
    """
    first = True
    for number, line in read_lines(path, position=position):
        if first and (other := _other_format(line)):
            raise UsageError(f"{path}, line {number}: {other}")
        first = False
        yield number, line


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines atomically, gzipped if the name ends in ``.gz``.

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    try:
        with writing(path) as raw, ExitStack() as stack:
            file: Any = raw
            if path.suffix.lower() == ".gz":
                # Without time and name in the header, equal lines give equal bytes.
                file = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
            for line in lines:
                file.write(line + b"\n")
    except OSError as error:
        raise DependencyUnavailable(
            f"{path} cannot be written: {error.strerror or error}"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    if not path.exists() or path.is_dir():
        raise DependencyUnavailable(
            f"{path} does not exist; give a text file, plain or .gz, or - for standard input"
        )
    try:
        file = path.open("rb")
    except OSError as error:
        raise DependencyUnavailable(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        yield file


class _Counted(io.RawIOBase):
    """A file, seekable or not, with its first bytes as ``head`` and the bytes read as ``taken``."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.head = self._left = raw.read(_HEAD)
        self.taken = 0

    def readable(self) -> bool:
        """See ``io.RawIOBase.readable``."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """See ``io.RawIOBase.readinto``."""
        data = self._left[: len(buffer)] or self._raw.read(len(buffer))
        self._left = self._left[len(data) :]
        buffer[: len(data)] = data
        self.taken += len(data)
        return len(data)


def _unpacked(path: Path, source: _Counted) -> Any:
    """Return a file of lines: of bytes, or of text if a byte order mark names another encoding."""
    file: Any = io.BufferedReader(source)
    head = source.head
    named = path.suffix.lower() in (".gz", ".gzip") and head
    if named or head.startswith(_GZIP):
        file = io.BufferedReader(_Counted(gzip.GzipFile("", "rb", fileobj=file)))  # type: ignore[arg-type]
        head = file.raw.head
    if packed := kind_of(head):
        raise UsageError(f"{path} is {packed[0]}, not lines of text; {packed[1]}")
    for mark, encoding in MARKS:
        if head.startswith(mark):
            if encoding == "utf-8-sig":
                file.read(len(mark))
                return file
            return io.TextIOWrapper(file, encoding, newline="\n")
    if b"\0" in head:
        raise UsageError(
            f"{path} is not text in UTF-8: it starts with zero bytes; save it as UTF-8"
        )
    return file


def _reached(lines: int, size: int) -> str:
    return f"after {lines} lines ({size} bytes)"


def _other_format(line: bytes) -> str | None:
    """Describe a first line that does not start a JSON object; return ``None`` if it may."""
    text = line.strip()
    if text.startswith(b"["):
        return "it is a JSON array; give one JSON object per line: jq -c '.[]'"
    if text.startswith(b"{") and text.endswith((b"{", b"[", b",")):
        return "it is a JSON object over several lines; give one JSON object per line: jq -c ."
    separator = next(
        (
            name
            for mark, name in _SEPARATORS
            if (b'"%b' % mark if text.startswith(b'"') else mark) in text
        ),
        None,
    )
    if separator and not text.startswith(b"{"):
        return f"it is a table with {separator}, such as CSV; give one JSON object per line"
    return None
