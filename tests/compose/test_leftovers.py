from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.compose.leftovers import held, remove_leftovers


def _folder(place: Path, name: str) -> Path:
    folder = place / f"misfire-compose-{name}"
    (folder / "docker").mkdir(parents=True)
    (folder / "lock").touch()
    return folder


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(BlockingIOError), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_only_what_ended_runs_left_is_removed(tmp_path: Path) -> None:
    ended, running = _folder(tmp_path, "ended"), _folder(tmp_path, "running")
    process = subprocess.Popen(["true"])
    process.wait()
    groups = tmp_path / "cgroup"
    old = groups / "memory" / f"misfire-compose-{process.pid}"
    (old / "a" / "b").mkdir(parents=True)
    ours = groups / f"misfire-compose-{os.getpid()}"
    ours.mkdir()

    with held(running):
        remove_leftovers(tmp_path, groups)

    assert (ended.exists(), running.exists()) == (False, True)
    assert (old.exists(), ours.exists()) == (False, True)
