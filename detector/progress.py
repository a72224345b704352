"""How long work reports what it has done; the shell draws bars from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Each", "Part", "Progress", "Result", "one_by_one", "silent"]

#: ``progress(stage, done, total)``.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""


Part = TypeVar("Part")


Result = TypeVar("Result")


class Each(Protocol):
    """Does ``work`` on each of ``parts``, of which none knows of the others, and yields the results in their order."""

    def __call__(
        self, work: Callable[[Part], Result], parts: Iterable[Part], /
    ) -> Iterator[Result]:
        """Return the results."""
        ...


def one_by_one(work: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterator[Result]:
    """Do one part after the other, in this process."""
    return map(work, parts)
