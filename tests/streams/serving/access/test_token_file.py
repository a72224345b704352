from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files import private as private_files
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import (
    AccessFile,
    AccessToken,
    Scope,
    change_access,
    new_token,
    read_access,
    revoked,
    with_token,
    write_access,
)

SCOPES = frozenset([Scope.DECIDE])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def drawn(count: int) -> list[AccessToken]:
    return [new_token("acme", SCOPES, 100)[1] for _ in range(count)]


def written(file: Path, *tokens: AccessToken) -> None:
    write_access(file, AccessFile(tenants={"acme": "hacme"}, tokens=tokens))


def test_a_token_created_during_a_revocation_does_not_restore_the_revoked_one(file: Path) -> None:
    old, new = drawn(10), drawn(10)
    written(file, *old)
    changes = [partial(with_token, token=token, household_key=None) for token in new]
    changes += [partial(revoked, name=token.id) for token in old]
    threads = [threading.Thread(target=change_access, args=(file, change)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_access(file).tokens) == set(new)


def test_a_second_writer_waits_for_the_first(file: Path) -> None:
    kept, gone, late = drawn(3)
    written(file, kept, gone)
    reading, going = threading.Event(), threading.Event()

    def slow(access: AccessFile) -> AccessFile:
        reading.set()
        going.wait(5)
        return with_token(access, late, None)

    first = threading.Thread(target=change_access, args=(file, slow))
    first.start()
    reading.wait(5)
    second = threading.Thread(target=change_access, args=(file, partial(revoked, name=gone.id)))
    second.start()
    second.join(0.2)
    assert second.is_alive()
    going.set()
    first.join()
    second.join()
    assert set(read_access(file).tokens) == {kept, late}


def test_a_revocation_between_stat_and_read_is_not_missed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced right after it was read; the old content must not count as the new."""
    token, other = drawn(2)
    written(file, token, other)
    read = private_files.read_private

    def then_revoked(path: Path, what: str) -> Any:
        found = read(path, what)
        monkeypatch.setattr(private_files, "read_private", read)
        written(file, other)
        return found

    monkeypatch.setattr(private_files, "read_private", then_revoked)
    guard = Guard(file)
    assert not guard.knows(token)
    assert guard.knows(other)


@pytest.mark.parametrize("in_place", [False, True])
def test_two_changes_within_one_clock_tick_are_both_noticed(
    file: Path, monkeypatch: pytest.MonkeyPatch, *, in_place: bool
) -> None:
    """Size, time and inode are the same; a file system reuses inodes."""
    one, other = (replace(token, id=f"0000000{number}") for number, token in enumerate(drawn(2)))
    written(file, one)
    look = private_files._stamp
    first = look(file.stat(), 0)
    monkeypatch.setattr(private_files, "_stamp", lambda _, seen: replace(first, seen=seen))
    guard = Guard(file)
    assert guard.knows(one)
    if in_place:
        beside = file.with_name("beside")
        written(beside, other)
        file.write_bytes(beside.read_bytes())
    else:
        written(file, other)
    assert not guard.knows(one)
    assert guard.knows(other)


def test_an_unchanged_file_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (token,) = drawn(1)
    written(file, token)
    os.utime(file, ns=(0, 0))
    monkeypatch.setattr(private_files, "_TICK", -(10**18))
    guard = Guard(file)

    def never(*_: Any) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(private_files, "read_private", never)
    assert guard.knows(token)


def test_ambiguous_json_is_refused(file: Path) -> None:
    written(file, *drawn(1))
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"tokens"', b'"tokens": [], "tokens"', 1))
    with pytest.raises(UsageError, match="twice"):
        read_access(file)
    file.write_bytes(b"\xef\xbb\xbf" + content)
    assert len(read_access(file).tokens) == 1
    file.write_bytes(content.decode().encode("utf-16"))
    assert len(read_access(file).tokens) == 1


def test_a_folder_or_a_pipe_is_not_an_access_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("", "pipe"):
        with pytest.raises(DependencyUnavailable, match="is not a file"):
            read_access(tmp_path / name)
