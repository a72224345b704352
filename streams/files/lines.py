"""Files of lines: their first bytes say what they are, not their names; pipes are read as well as files.

Text in UTF-8 is read, text in UTF-16 or UTF-32 with a byte order mark, and gzip of them. An error names any other kind, and says what
makes lines of it.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
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
    "read_lines",
    "read_objects",
    "write_lines",
]

#: What stands for standard input in place of a file's name.
STANDARD_INPUT = Path("-")
#: Bytes. An event has at most 64 KiB (records.MAX_BYTES), a line of other logs hardly more.
LONGEST_LINE = 1 << 20
#: gzip packs a thousandfold what repeats, and event streams about fifteenfold. Below the floor in bytes any ratio is harmless.
MOST_UNPACKED = 500
_UNPACKED_FLOOR = 64 << 20
#: Bytes that say what a file is.
_HEAD = 16
_GZIP = b"\x1f\x8b"
#: What stands between the columns of a table.
_SEPARATORS = ((b"\t", "tabs"), (b",", "commas"), (b";", "semicolons"), (b"|", "vertical bars"))


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Read the lines of a file that are not empty, with their numbers. ``-`` is standard input; a pipe is read once, like a file.

    Raises:
        DependencyUnavailable: the file is not there.
        UsageError: it cannot be read, or is of a kind that has no lines; the message says which, and what to do.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(_opened(path))
        number = unpacked = 0
        try:
            source = _Counted(raw)
            file, packed = _unpacked(path, source), source.head.startswith(_GZIP)
            while line := file.readline(LONGEST_LINE + 1):
                # Text in another encoding comes as characters.
                line = line if isinstance(line, bytes) else line.encode()
                number, unpacked = number + 1, unpacked + len(line)
                if len(line) > LONGEST_LINE:
                    raise UsageError(f"{path}, line {number}: has more than {LONGEST_LINE} bytes")
                if packed and unpacked > max(_UNPACKED_FLOOR, MOST_UNPACKED * source.taken):
                    raise UsageError(
                        f"{path} unpacks to more than {MOST_UNPACKED} times its size; no stream of events does"
                    )
                if line.strip():
                    yield number, line
        except EOFError:
            raise UsageError(
                f"{path} cannot be read as gzip: it was cut off, {_reached(number, unpacked)}; copy it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UsageError(
                f"{path} cannot be read as gzip: it is damaged ({error}), {_reached(number, unpacked)}; copy it again"
            ) from None
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{path} is not the {error.encoding} that its byte order mark says, {_reached(number, unpacked)}; save it as UTF-8"
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def read_objects(path: Path) -> Iterator[tuple[int, bytes]]:
    """Read the lines of a file that should hold one JSON object each.

    Raises:
        DependencyUnavailable: the file is not there.
        UsageError: as ``read_lines``; or it begins as a JSON array, one object over several lines, or a table does.
    """
    first = True
    for number, line in read_lines(path):
        if first and (other := _no_object(line)):
            raise UsageError(f"{path}, line {number}: {other}")
        first = False
        yield number, line


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines of bytes; a name that ends in ``.gz`` packs them. The file takes its name when all of them are there.

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    try:
        with writing(path) as raw, ExitStack() as stack:
            file: Any = raw
            if path.suffix.lower() == ".gz":
                # No time stamp and no name in the header: the same lines give the same bytes.
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
            f"{path} is not there; give a text file, plain or .gz, or - for standard input"
        )
    try:
        file = path.open("rb")
    except OSError as error:
        raise DependencyUnavailable(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        yield file


class _Counted(io.RawIOBase):
    """A file whose first bytes were looked at and are read again; it need not be seekable. ``taken`` counts what was read."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.head = self._left = raw.read(_HEAD)
        self.taken = 0

    def readable(self) -> bool:
        """As ``io.RawIOBase.readable``."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As ``io.RawIOBase.readinto``."""
        data = self._left[: len(buffer)] or self._raw.read(len(buffer))
        self._left = self._left[len(data) :]
        buffer[: len(data)] = data
        self.taken += len(data)
        return len(data)


def _unpacked(path: Path, source: _Counted) -> Any:
    """Return what has the lines: bytes, or characters where a byte order mark names another encoding."""
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
            f"{path} is not text in UTF-8: it begins with bytes that are zero; save it as UTF-8"
        )
    return file


def _reached(lines: int, size: int) -> str:
    return f"after {lines} lines ({size} bytes)"


def _no_object(line: bytes) -> str | None:
    """Say what a first line begins that is no JSON object; ``None`` where it may be one."""
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
