"""Run the command line in the test's own process.

A new process takes seconds to start, and there are hundreds of runs. Real processes test that
``python -m streams.cli`` starts and how it uses its standard streams: in
``tests/streams/cli/test_standard_streams.py``, and wherever a worker or a gateway runs.
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

__all__ = ["log_levels", "misfire"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOGGING_SETTINGS = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing")


def misfire(*arguments: object, **variables: str) -> CompletedProcess[str]:
    """Run ``misfire ARGUMENTS``; ``variables`` replace all MISFIRE_ variables."""
    command = ["misfire", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MISFIRE_")}
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, kept | variables, clear=True),
        redirect_stdout(output),
        redirect_stderr(errors),
        _process_unchanged(),
    ):
        code = _exit_code()
    return CompletedProcess(command, code, output.getvalue(), errors.getvalue())


def _exit_code() -> int:
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@contextmanager
def _process_unchanged() -> Iterator[None]:
    """Restore what a command changes in its process: signal handlers and logging."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    settings = {name: getattr(logging, name) for name in _LOGGING_SETTINGS}
    levels = log_levels()
    signals = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in signals.items():
            signal.signal(number, handler)
        for name, value in settings.items():
            setattr(logging, name, value)
        for name in log_levels().keys() - levels.keys():
            logging.getLogger(name).setLevel(logging.NOTSET)
        logging.captureWarnings(capture=False)
        root.handlers[:], sys.excepthook = handlers, hook
        root.setLevel(level)


def log_levels() -> dict[str, int]:
    """Return the levels of all loggers that have one of their own."""
    loggers = logging.root.manager.loggerDict.items()
    levels = {name: getattr(logger, "level", logging.NOTSET) for name, logger in loggers}
    return {name: level for name, level in levels.items() if level}
