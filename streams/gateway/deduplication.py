"""What was asked and answered, by household and ``event_id``: the same event again, together or later, is the same question.

An id belongs to its household: who takes another's ids in advance takes them in its own household alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from detector.contracts.events import IntentEvent, fingerprint
from streams.errors import RecordError
from streams.gateway.shares import Kept, Places
from streams.telemetry import metrics
from streams.wire.refusals import ID_REUSED

__all__ = ["Asked", "Memory"]

#: Questions that are remembered with their answers; ten seconds of a busy gateway, a day of a small one.
_REMEMBERED = 10_000
#: Of them, those of one household: several of the largest arrays that a request may hold.
_OF_HOUSEHOLD = 500

V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
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
    """The questions that wait, each in one of ``places``, and the last ones that were answered."""

    def __init__(self, places: int) -> None:
        self.places = Places(places)
        self._asked: Kept[Asked[V]] = Kept(_REMEMBERED, _OF_HOUSEHOLD)

    def find(self, event: IntentEvent) -> Asked[V] | None:
        """Return the question about this event that was asked before.

        Raises:
            RecordError: with code ``id_reused``, where it was asked about a different event.
        """
        asked = self._asked.get(event.household_id, event.event_id)
        if asked is None:
            return None
        if asked.fingerprint != fingerprint(event):
            metrics.REPEATED.labels("refused").inc()
            raise RecordError("id_reused", ID_REUSED)
        metrics.REPEATED.labels("same").inc()
        return asked

    def keep(
        self, event: IntentEvent, tenant: str, answer: asyncio.Future[V], reply: asyncio.Future[Any]
    ) -> Asked[V]:
        """Remember a question; while its answer is not there it counts as waiting."""
        asked = Asked(fingerprint(event), answer, reply)
        self._asked.put(tenant, event.household_id, event.event_id, asked)
        if not answer.done():
            self.places.take(tenant, event.household_id)
            metrics.IN_FLIGHT.set(self.places.taken)
            answer.add_done_callback(partial(self._answered, event, tenant, asked))
        return asked

    def remembers(self, event: IntentEvent, reply: asyncio.Future[Any]) -> bool:
        """Return whether the question that waits for ``reply`` is still remembered: its household was not erased since."""
        asked = self._asked.get(event.household_id, event.event_id)
        return asked is not None and asked.reply is reply

    def forget(self, household_id: str) -> None:
        """Forget a household's questions and answers; one that waits gets its answer and is remembered no more."""
        self._asked.forget(household_id)

    def clear(self) -> None:
        """Forget all questions and answers."""
        self._asked.clear()

    def _answered(
        self, event: IntentEvent, tenant: str, asked: Asked[V], answer: asyncio.Future[V]
    ) -> None:
        self.places.leave(tenant, event.household_id)
        metrics.IN_FLIGHT.set(self.places.taken)
        failed = answer.cancelled() or answer.exception() is not None
        if failed and self._asked.get(event.household_id, event.event_id) is asked:
            self._asked.pop(event.household_id, event.event_id)
