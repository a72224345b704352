"""What was asked and answered, by ``event_id``: the same event again, together or later, is the same question."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from detector.events import IntentEvent, fingerprint
from streams import metrics
from streams.errors import BadRecord
from streams.processing import ID_REUSED

__all__ = ["Asked", "Memory"]

#: Questions that are remembered with their answers, the latest first; ten seconds of a busy gateway, a day of a small one.
_REMEMBERED = 10_000

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Asked(Generic[V]):
    """One question: what it was about, its answer to come, and the worker's reply that it waits for."""

    fingerprint: str
    answer: asyncio.Future[V]
    reply: asyncio.Future[Any]

    def give_up(self) -> None:
        """Wait no longer for the worker. Of several who ask the same, the one with the least time left decides when."""
        if not self.reply.done() and not self.answer.done():
            self.reply.set_exception(TimeoutError())
            self.reply.exception()  # nobody may wait for it any more, and asyncio would complain


class Memory(Generic[V]):
    """The questions that wait, and the last ones that were answered."""

    def __init__(self) -> None:
        self.waiting = 0
        self._asked: OrderedDict[str, Asked[V]] = OrderedDict()

    def find(self, event: IntentEvent) -> Asked[V] | None:
        """Return the question about this event that was asked before.

        Raises:
            BadRecord: with code ``id_reused``, where it was asked about a different event.
        """
        asked = self._asked.get(event.event_id)
        if asked is None:
            return None
        if asked.fingerprint != fingerprint(event):
            metrics.REPEATED.labels("refused").inc()
            raise BadRecord("id_reused", ID_REUSED)
        metrics.REPEATED.labels("same").inc()
        return asked

    def keep(self, event: IntentEvent, answer: asyncio.Future[V], reply: asyncio.Future[Any]) -> Asked[V]:
        """Remember a question; while its answer is not there it counts as waiting."""
        asked = Asked(fingerprint(event), answer, reply)
        self._asked[event.event_id] = asked
        if not answer.done():
            self.waiting += 1
            metrics.IN_FLIGHT.set(self.waiting)
            answer.add_done_callback(lambda done: self._answered(event.event_id, done))
        if len(self._asked) > _REMEMBERED and next(iter(self._asked.values())).answer.done():
            self._asked.popitem(last=False)
        return asked

    def _answered(self, event_id: str, answer: asyncio.Future[V]) -> None:
        self.waiting -= 1
        metrics.IN_FLIGHT.set(self.waiting)
        if answer.cancelled() or answer.exception() is not None:
            self._asked.pop(event_id, None)
