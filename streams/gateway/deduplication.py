"""Deduplication of requests: the same event, at the same time or later, gets the same answer.

Event ids belong to their household. A client that uses the ids of others in advance affects only
its own household.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from detector.contracts.events import IntentEvent, fingerprint
from streams.errors import RecordError
from streams.gateway.shares import FairCache, Places
from streams.telemetry import metrics
from streams.wire.refusals import ID_REUSED

__all__ = ["RememberedRequest", "RequestMemory"]

#: Remembered requests: ten seconds of a busy gateway, a day of a small one.
_REMEMBERED = 10_000
#: Of these, the requests of one household: several of the largest batches.
_OF_HOUSEHOLD = 500

V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class RememberedRequest(Generic[V]):
    """A request: the event's fingerprint, the future answer, and the worker's future reply."""

    fingerprint: str
    answer: asyncio.Future[V]
    reply: asyncio.Future[Any]

    def abandon(self) -> None:
        """Stop waiting for the worker.

        If several clients sent the same event, the shortest deadline applies to all of them.
        """
        if not self.reply.done() and not self.answer.done():
            self.reply.set_exception(TimeoutError())
            self.reply.exception()  # retrieved, or asyncio would log an unused exception


class RequestMemory(Generic[V]):
    """The waiting requests, bounded by ``places``, and the last answered ones."""

    def __init__(self, places: int) -> None:
        self.places = Places(places)
        self._requests: FairCache[RememberedRequest[V]] = FairCache(_REMEMBERED, _OF_HOUSEHOLD)

    def find(self, event: IntentEvent) -> RememberedRequest[V] | None:
        """Return the earlier request with this event, if there is one.

        Raises:
            RecordError: with code ``id_reused``, if that request had a different event.
        """
        entry = self._requests.get(event.household_id, event.event_id)
        if entry is None:
            return None
        if entry.fingerprint != fingerprint(event):
            metrics.REPEATED.labels("refused").inc()
            raise RecordError("id_reused", ID_REUSED)
        metrics.REPEATED.labels("same").inc()
        return entry

    def keep(
        self, event: IntentEvent, tenant: str, answer: asyncio.Future[V], reply: asyncio.Future[Any]
    ) -> RememberedRequest[V]:
        """Remember a request; it counts as waiting until ``answer`` is done."""
        entry = RememberedRequest(fingerprint(event), answer, reply)
        self._requests.put(tenant, event.household_id, event.event_id, entry)
        if not answer.done():
            self.places.take(tenant, event.household_id)
            metrics.IN_FLIGHT.set(self.places.taken)
            answer.add_done_callback(partial(self._answered, event, tenant, entry))
        return entry

    def remembers(self, event: IntentEvent, reply: asyncio.Future[Any]) -> bool:
        """Return whether the request that waits for ``reply`` is still remembered.

        It is not if its household was erased in the meantime.
        """
        entry = self._requests.get(event.household_id, event.event_id)
        return entry is not None and entry.reply is reply

    def forget(self, household_id: str) -> None:
        """Forget a household's requests; a waiting one still gets its answer."""
        self._requests.forget(household_id)

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()

    def _answered(
        self,
        event: IntentEvent,
        tenant: str,
        entry: RememberedRequest[V],
        answer: asyncio.Future[V],
    ) -> None:
        self.places.leave(tenant, event.household_id)
        metrics.IN_FLIGHT.set(self.places.taken)
        failed = answer.cancelled() or answer.exception() is not None
        if failed and self._requests.get(event.household_id, event.event_id) is entry:
            self._requests.pop(event.household_id, event.event_id)
