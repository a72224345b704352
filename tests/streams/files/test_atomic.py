from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.errors import DependencyUnavailable
from streams.files import atomic as whole_files
from streams.files.atomic import existing_folder, locked, write_folder, write_whole, writing

OLD, NEW = {"a": b"old a", "b": b"old b"}, {"a": b"new a", "c": b"new c"}


class Killed(BaseException):
    """Simulates a kill: code that handles it is assumed not to run."""


#: Everything that changes what is on the disk.
STEPS = ("open", "replace", "rename", "mkdir", "unlink", "rmdir", "fsync")


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let a number of steps happen, after which the disk does not change any more."""
    left = [1_000_000]

    def limited(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return step(*args, **kwargs)

        return run

    for name in STEPS:
        monkeypatch.setattr(os, name, limited(getattr(os, name)))

    def arm(steps: int) -> None:
        left[0] = steps

    yield arm
    left[0] = 1_000_000


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in existing_folder(folder).iterdir()}


def test_a_kill_at_any_step_leaves_the_old_folder_or_the_new_one(
    tmp_path: Path, kill_after: Callable[[int], None]
) -> None:
    ends = []
    for steps in range(200):
        folder = tmp_path / str(steps) / "bundle"
        write_folder(folder, OLD)
        kill_after(steps)
        try:
            write_folder(folder, NEW)
        except Killed:
            kill_after(1_000_000)
        else:
            kill_after(1_000_000)
            assert _content(folder) == NEW
            break
        ends.append(_content(folder))
        assert ends[-1] in (OLD, NEW), steps
        write_folder(folder, NEW)  # the next writer cleans up
        assert _content(folder) == NEW
        assert sorted(path.name for path in folder.parent.iterdir()) == [".bundle.lock", "bundle"]
    else:
        pytest.fail("writing never ended")
    assert OLD in ends
    assert NEW in ends


def test_a_folder_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "bundle", OLD)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        write_folder(tmp_path / "bundle", NEW)
    assert _content(tmp_path / "bundle") == OLD


def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, kill_after: Callable[[int], None]
) -> None:
    path = tmp_path / "file"
    for steps in range(50):
        write_whole(path, b"old")
        kill_after(steps)
        try:
            write_whole(path, b"new")
        except Killed:
            kill_after(1_000_000)
            assert path.read_bytes() in (b"old", b"new"), steps
        else:
            kill_after(1_000_000)
            break
    assert path.read_bytes() == b"new"


def test_a_failed_write_creates_no_file(tmp_path: Path) -> None:
    def half() -> None:
        with writing(tmp_path / "file") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_its_target_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", b"new", mode=0o600)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600


def test_a_path_that_is_not_a_file_is_written_to_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"through")
    reader.join()
    assert found == [b"through"]


def test_no_change_is_lost_between_writers(tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("0")

    def add() -> None:
        for _ in range(20):
            with locked(path):
                write_whole(path, str(int(path.read_text()) + 1).encode())

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "80"


def test_waiting_for_a_lock_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_files, "_PATIENCE", 0.05)
    with (
        locked(tmp_path / "file"),
        pytest.raises(DependencyUnavailable, match="another process"),
        locked(tmp_path / "file"),
    ):
        pass


def test_the_old_folder_is_restored_if_the_new_one_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "bundle", Path.rename
    write_folder(folder, {"a": b"old"})

    def refusing(path: Path, target: Path) -> Path:
        if path.name.endswith(".draft"):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="No space left"):
        write_folder(folder, {"a": b"new"})
    assert (folder / "a").read_bytes() == b"old"
