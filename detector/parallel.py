"""How the independent parts of a longer work are done: one after the other here; the shell may give them to several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Each", "one_by_one"]

Part = TypeVar("Part")
Result = TypeVar("Result")


class Each(Protocol):
    """Does ``work`` on each of ``parts``, of which none knows of the others, and yields the results in their order."""

    def __call__(self, work: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterator[Result]:
        """Return the results."""
        ...


def one_by_one(work: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterator[Result]:
    """Do one part after the other, in this process."""
    return map(work, parts)
