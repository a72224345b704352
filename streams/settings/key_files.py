"""Reads the keys and secrets that settings name the files of."""

from __future__ import annotations

from pathlib import Path

from streams.errors import DependencyUnavailable
from streams.files.text import unmarked

__all__ = ["read_key", "read_secret"]

#: Bytes: 128 bits, the minimum that resists guessing.
_SHORTEST_KEY = 16


def read_key(file: Path | None) -> bytes | None:
    """Read a key from a file and strip white space; return ``None`` if no file is given.

    Raises:
        DependencyUnavailable: the file cannot be read, or the key has fewer than 16 bytes.
    """
    found = read_secret(file, "key")
    key = None if found is None else found.encode("utf-8", "surrogateescape")
    if key is not None and len(key) < _SHORTEST_KEY:
        raise DependencyUnavailable(
            f"the key in {file} has {len(key)} bytes; a key needs at least {_SHORTEST_KEY}"
        )
    return key


def read_secret(file: Path | None, what: str) -> str | None:
    """Read a secret from a file and strip white space; return ``None`` if no file is given.

    Raises:
        DependencyUnavailable: the file cannot be read.
    """
    if file is None:
        return None
    try:
        return unmarked(file.read_bytes()).strip().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} file {file} cannot be read ({error.strerror});"
            " create it, or remove the setting"
        ) from error
