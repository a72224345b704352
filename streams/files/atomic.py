"""Atomic writing of files and folders: a killed writer leaves the old content or the new one."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from streams.errors import DependencyUnavailable

__all__ = ["existing_folder", "locked", "write_folder", "write_whole", "writing"]

#: Seconds to wait for another process that writes the same file, which takes milliseconds.
_PATIENCE = 10.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Exclude other writers while a file is read, changed and written back.

    The lock is a separate file, ``.NAME.lock``, which stays: a file that is replaced cannot carry
    its own lock.

    Raises:
        DependencyUnavailable: the lock cannot be acquired.
    """
    place = _resolved(path)
    try:
        lock = os.open(
            place.with_name(f".{place.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise DependencyUnavailable(
            f"{path} cannot be written: {error.strerror or error}"
        ) from error
    try:
        until = time.monotonic() + _PATIENCE
        while not _acquired(lock):
            if time.monotonic() > until:
                raise DependencyUnavailable(
                    f"another process has been writing {path} for {_PATIENCE:g} s; try again later"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)  # releases the lock; the kernel does so if the process is killed


@contextmanager
def writing(path: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Open a file for writing; it gets its name once all of it is on disk, or not at all.

    An existing path that is not a file, such as ``/dev/stdout`` or a named pipe, is written to
    directly.

    Raises:
        OSError: the file cannot be written.
    """
    place = _resolved(path)
    if place.exists() and not place.is_file():
        with place.open("wb") as file:
            yield file
        return
    draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb"
        ) as file:
            _keep_owner(file.fileno(), place, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
        _sync(place.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file atomically.

    Raises:
        OSError: the file cannot be written.
    """
    with writing(path, mode=mode) as file:
        file.write(content)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files atomically; an existing folder is replaced.

    Meanwhile the old folder is named ``.NAME.before``, where ``existing_folder`` finds it.

    Raises:
        OSError: the folder cannot be written; the old one is unchanged.
        DependencyUnavailable: another process is writing the folder.
    """
    place = _resolved(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft, before = place.with_name(f".{place.name}.draft"), _before(place)
    with locked(place):
        if not place.exists() and before.exists():
            before.rename(place)  # a writer was killed between the two renames
        for left in (draft, before):
            shutil.rmtree(left, ignore_errors=True)
        draft.mkdir()
        try:
            for name, content in files.items():
                write_whole(draft / name, content)
            _exchange(draft, place, before)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def existing_folder(path: Path) -> Path:
    """Return the present path of a folder, which a running or killed writer may have renamed."""
    place = _resolved(path)
    return _before(place) if not place.exists() and _before(place).is_dir() else path


def _exchange(draft: Path, place: Path, before: Path) -> None:
    """Rename the old folder away and the new one to its name; both or neither."""
    if place.exists():
        place.rename(before)
    try:
        draft.rename(place)
    except OSError:
        with suppress(FileNotFoundError):
            before.rename(place)
        raise
    _sync(place.parent)


def _keep_owner(descriptor: int, place: Path, mode: int) -> None:
    """Copy owner and permissions of the replaced file, so that root can change a service's file."""
    if place.exists():
        found = place.stat()
        os.fchmod(descriptor, found.st_mode & mode)
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):
                os.fchown(descriptor, found.st_uid, found.st_gid)


def _before(place: Path) -> Path:
    return place.with_name(f".{place.name}.before")


def _resolved(path: Path) -> Path:
    """Return the target of a link: the target is replaced, not the link."""
    return Path(os.path.realpath(path))


def _acquired(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Flush the entries of a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
