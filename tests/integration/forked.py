"""Run workers and gateways in processes forked from one that has imported everything.

Importing takes most of a start. A forked process runs the command line in its own session, like
``streams.local.processes.start``; only the interpreter does not start again. ``test_demo.py`` and
``tests/streams/cli`` test processes with a normal start.
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
from multiprocessing import forkserver
from pathlib import Path

__all__ = ["Forked", "start_misfire"]

_PRELOADED = ["tests.integration.preloaded"]
_PR_SET_PDEATHSIG = 1
#: Seconds to wait for a process to exit.
_PATIENCE = 10.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


class Forked:
    """A process with the methods of ``subprocess.Popen`` that tests use.

    It leads its own process group.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        place = str(folder or Path.cwd())
        self._process = _context.Process(
            target=_run, args=(list(arguments), str(log), dict(environment), place), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; negative if a signal ended it, ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, as ``returncode``."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process to exit; return the exit code.

        Raises:
            subprocess.TimeoutExpired: the process still runs.
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
        """Stop the process with SIGTERM, then with SIGKILL."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.wait(_PATIENCE)
        self.kill()
        self.wait()


def start_misfire(
    *arguments: str, log: Path, environment: Mapping[str, str], folder: Path | None = None
) -> Forked:
    """Start ``misfire ARGUMENTS`` in a folder, with its output in ``log``.

    It exits with the test run.
    """
    return Forked(arguments, log, environment, folder)


def _run(arguments: Sequence[str], log: str, environment: Mapping[str, str], folder: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A worker starts a process for its shadow bundles, which a daemon may not.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    # Else the process that forks would not see the end of a test run that is killed.
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["misfire", *arguments]
    from streams.cli import main

    try:
        main()
    except Exception:  # noqa: BLE001 - as the interpreter does with uncaught exceptions
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()
