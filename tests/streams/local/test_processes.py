from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.local.processes import free_port, start, stop
from tests.processes import runs

SLEEPING = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('awake', flush=True); time.sleep(60)"
    ),
]


def _awake(log: Path) -> None:
    give_up = time.monotonic() + 15
    while not log.exists() or b"awake" not in log.read_bytes():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_child_writes_to_its_log_and_ends_on_sigterm(tmp_path: Path) -> None:
    child = start(SLEEPING, log=tmp_path / "log")
    _awake(tmp_path / "log")
    assert stop(child) == -signal.SIGTERM
    assert stop(child) == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.local.processes._TERMINATE_SECONDS", 0.2)
    child = start(STUBBORN, log=tmp_path / "log")
    _awake(tmp_path / "log")
    assert stop(child) == -signal.SIGKILL


def test_a_child_gets_the_given_environment(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import os; print('awake', os.environ.get('COLOUR'), os.environ.get('OTHER'))",
    ]
    child = start(command, log=tmp_path / "log", environment=dict(os.environ) | {"COLOUR": "blue"})
    child.wait(15)
    assert (tmp_path / "log").read_text() == "awake blue None\n"


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(tmp_path: Path) -> None:
    """A child in our process group would get the terminal's signal too, and end early."""
    child = start(SLEEPING, log=tmp_path / "log")
    assert os.getpgid(child.pid) != os.getpgid(0)
    stop(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parents")
def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import sys, time\nfrom pathlib import Path\nfrom streams.local.processes import start\n"
        f"print(start({SLEEPING!r}, log=Path({str(tmp_path / 'log')!r})).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert running.stdout is not None
    child = int(running.stdout.readline())
    _awake(tmp_path / "log")
    running.kill()
    running.wait()
    running.stdout.close()
    give_up = time.monotonic() + 15
    while runs(child):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", free_port()))
        listening.listen()
