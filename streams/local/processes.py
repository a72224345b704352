"""Child processes that never outlive us, and ports that are free."""

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
_PATIENCE = 10.0


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child whose output goes to ``log``; on Linux it dies with us, even when we are killed."""
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
    """Ask a child to end, make it end when it does not, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port() -> int:
    """Return a port that nobody listens on at the loopback address right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
