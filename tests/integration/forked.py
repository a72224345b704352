"""Workers and gateways as processes that are forked from one which has imported everything: importing takes most of a start.

What runs is the command line in a session of its own, as ``streams.local.processes.start`` runs it; only the interpreter does not start
anew. Processes that start with Python's own start are tested in ``test_demo.py`` and ``tests/streams/cli``.
"""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["Forked", "start_misfire"]

_PRELOADED = ["streams.cli", "streams.worker.run", "streams.gateway.run"]
_PR_SET_PDEATHSIG = 1
#: Seconds that a process may take to end.
_PATIENCE = 10.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


class Forked:
    """A process with the methods of ``subprocess.Popen`` that tests use. It leads a process group of its own."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._process = _context.Process(
            target=_run, args=(list(arguments), str(log), dict(environment)), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; negative where a signal ended it, ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As ``returncode``."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("misfire", timeout or 0.0)
        return self._process.exitcode

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """Ask it to end, and make it end when it does not."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.wait(_PATIENCE)
        self.kill()
        self.wait()


def start_misfire(*arguments: str, log: Path, environment: Mapping[str, str]) -> Forked:
    """Start ``misfire ARGUMENTS``; its output goes to ``log``. It dies with the test run."""
    return Forked(arguments, log, environment)


def _run(arguments: Sequence[str], log: str, environment: Mapping[str, str]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["misfire", *arguments]
    from streams.cli import main

    try:
        main()
    except Exception:  # noqa: BLE001 - as the interpreter does with what nothing catches
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()
