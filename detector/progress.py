"""Progress callbacks and the ``map`` that long-running work takes as arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Each", "Part", "Progress", "Result", "one_by_one", "silent"]

#: ``progress(stage, done, total)``, called as the work advances.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Ignore the progress."""


Part = TypeVar("Part")


Result = TypeVar("Result")


class Each(Protocol):
    """Apply ``work`` to independent ``parts`` and yield the results in the order of the parts."""

    def __call__(
        self, work: Callable[[Part], Result], parts: Iterable[Part], /
    ) -> Iterator[Result]:
        """Return the results."""
        ...


def one_by_one(work: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterator[Result]:
    """Work on the parts one after the other, in this process."""
    return map(work, parts)
