"""Standard input, output and error as a shell may leave them: closed, full, or a pipe whose reader is gone.

A result that cannot be written is an error of its own: one sentence and exit code 3. What people are told on standard error is lost
where it cannot be written, and changes nothing.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

from streams.errors import DependencyUnavailable

__all__ = ["OutputLost", "finish_output", "open_streams"]


class OutputLost(DependencyUnavailable):
    """Standard output took less than there was to say."""


class _Raw(io.FileIO):
    """A descriptor. ``needed`` says that what cannot be written there is an error; after one, the rest is thrown away."""

    def __init__(self, descriptor: int, *, needed: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._needed, self._lost = needed, False

    def write(self, data: Any, /) -> int:
        """As ``io.FileIO.write``."""
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
            f"standard output could not be written to its end ({why}); read all of it, or write to a file with --json FILE"
        )


def open_streams() -> None:
    """Open what is closed, so that no file that is opened later is taken for standard output, and see what cannot be written."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(
                os.devnull, mode
            )  # the lowest free number; output to what is open for reading fails, as it should
    # A test that took them over is left alone.
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, open to the end
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(1, sys.stdout, needed=True)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(2, sys.stderr, needed=False)


def finish_output() -> None:
    """Write what is left.

    Raises:
        OutputLost: standard output did not take it.
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
