"""Standard streams that a shell may have closed, filled, or connected to a pipe without a reader.

If a result cannot be written to standard output, the command fails with one sentence and exit code
3. If a message cannot be written to standard error, it is dropped.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

from streams.errors import DependencyUnavailable

__all__ = ["OutputLost", "finish_output", "open_streams"]


class OutputLost(DependencyUnavailable):
    """Part of the result could not be written to standard output."""


class _Raw(io.FileIO):
    """A file descriptor that discards everything after a failed write.

    The failure raises ``OutputLost`` if the output is ``needed``.
    """

    def __init__(self, descriptor: int, *, needed: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._needed, self._lost = needed, False

    def write(self, data: Any, /) -> int:
        """Write like ``io.FileIO.write``."""
        if self._lost:
            return len(data)
        try:
            return super().write(data) or 0
        except OSError as error:
            self._lost = True
            if not self._needed:
                return len(data)
            why = (
                "closed"
                if isinstance(error, BrokenPipeError) or error.errno == 9
                else str(error.strerror)
            )
        raise OutputLost(
            f"standard output could not be written completely ({why}); "
            "read all of it, or write to a file with --json FILE"
        )


def open_streams() -> None:
    """Replace the standard streams by ones that detect failed writes, and open closed ones.

    A closed descriptor is opened because the next file that is opened would take its number.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            # This takes the lowest free number. Standard output is opened for reading only, so
            # that writes to it fail.
            os.open(os.devnull, mode)
    # Tests replace sys.stdout and sys.stderr, which then stay as they are.
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open until the process ends
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(1, sys.stdout, needed=True)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(2, sys.stderr, needed=False)


def finish_output() -> None:
    """Flush the standard streams.

    Raises:
        OutputLost: standard output could not be written.
    """
    sys.stderr.flush()
    sys.stdout.flush()


def _stream(descriptor: int, before: TextIO | None, *, needed: bool) -> TextIO:
    if before is not None:
        before.flush()
    encoding = "utf-8" if before is None else before.encoding
    raw = _Raw(descriptor, needed=needed)
    lines = raw.isatty() or not needed
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=lines
    )
