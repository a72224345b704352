"""The command line, run in the test's own process: a process of its own takes seconds to start, and there are hundreds of runs.

That ``python -m streams.cli`` starts, and what it does with its standard streams, is tested with real processes
in ``tests/streams/cli/test_standard_streams.py`` and wherever a worker or a gateway runs.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest import mock

import pytest

from streams.cli import main

__all__ = ["misfire"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_OF_LOGGING = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing")


def misfire(*arguments: object, **variables: str) -> CompletedProcess[str]:
    """Run ``misfire ARGUMENTS`` in an environment with these variables and without any other of misfire's."""
    command = ["misfire", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MISFIRE_")}
    output, said = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, kept | variables, clear=True),
        redirect_stdout(output),
        redirect_stderr(said),
        _process_unchanged(),
    ):
        code = _exit_code()
    return CompletedProcess(command, code, output.getvalue(), said.getvalue())


def _exit_code() -> int:
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@contextmanager
def _process_unchanged() -> Iterator[None]:
    """Put back what a command sets for the rest of its process: handlers of signals, and how it logs."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    settings = {name: getattr(logging, name) for name in _OF_LOGGING}
    signals = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in signals.items():
            signal.signal(number, handler)
        for name, value in settings.items():
            setattr(logging, name, value)
        logging.captureWarnings(capture=False)
        root.handlers[:], sys.excepthook = handlers, hook
        root.setLevel(level)
