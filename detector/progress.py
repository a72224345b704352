"""How long work reports what it has done; the shell draws bars from it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

#: ``progress(stage, done, total)``.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""
