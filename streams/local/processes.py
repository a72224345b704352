"""Child processes that end with their parent, and free ports."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["free_port", "start", "stop"]

_PR_SET_PDEATHSIG = 1
#: Seconds after SIGTERM until a child gets SIGKILL.
_TERMINATE_SECONDS = 10.0


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child process with its output in ``log``.

    On Linux the kernel kills the child when this process ends, even on SIGKILL.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own commands, without a shell
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - we start no threads before
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> int:
    """Send SIGTERM to a child, then SIGKILL if it does not end, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_TERMINATE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port() -> int:
    """Return a loopback port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
