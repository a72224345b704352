"""Files with secrets: written whole or not at all, for their owner's eyes only."""

from __future__ import annotations

from pathlib import Path

from streams.errors import MissingPart, WrongUse

__all__ = ["check_private", "write_privately"]


def check_private(path: Path, what: str) -> None:
    """Make sure that only its owner can read a file.

    Raises:
        WrongUse: others can.
        OSError: it is not there.
    """
    if path.stat().st_mode & 0o077:
        raise WrongUse(f"the {what} {path} can be read by others; run 'chmod 600 {path}'")


def write_privately(path: Path, content: bytes, what: str) -> None:
    """Write a file, all of it or nothing.

    Raises:
        MissingPart: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(content)
        draft.rename(path)
    except OSError as error:
        raise MissingPart(f"the {what} cannot be written to {path}: {error.strerror or error}") from error
