"""What waits to be sent, in order. A record that no connection would take is passed over, so that it does not stop those behind it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.gateway.shares import Places
from streams.telemetry import metrics
from streams.wire.records import CORRELATION_ID, FIRST_LOGGED, REPLY_PARTITION, Headers
from streams.wire.tenancy import tenant_of

__all__ = ["Outbox", "Outgoing"]

logger = logging.getLogger(__name__)

#: Records that wait for a broker that is away, half a minute of a busy gateway; beyond it one is given up and counted.
_WAITING = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A record on its way.

    ``correlation`` is what its reply is told by; nothing where none is waited for. ``stored`` is called when the broker has it.
    ``partition`` is given where the key does not choose it. ``accepted`` is when the gateway accepted it, however long it waits then:
    a worker does not take in what was accepted before its household was erased.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    correlation: str = ""
    stored: Callable[[], None] = lambda: None
    partition: int | None = None
    accepted: float = field(default_factory=time.time)


class Outbox:
    """Keeps records until they are sent."""

    def __init__(self) -> None:
        self._records: deque[Outgoing] = deque()
        self._places = Places(_WAITING)
        self._filled = asyncio.Event()

    def put(self, record: Outgoing) -> None:
        """Put a record behind the others."""
        owner = _owner(record)
        if not (self._has_room(owner) or self._makes_room(owner)):
            # It gives way itself: the broker is away, and one tenant or household fills all that waits.
            metrics.SEND_FAILURES.labels(record.topic).inc()
            return
        self._records.append(record)
        self._places.take(*owner)
        self._filled.set()

    async def send_all(self, producer: Any, replies: int) -> None:
        """Send what waits and what comes, for ever, asking for replies on that partition.

        Raises:
            KafkaError, OSError: the connection is of no use any more; the record that it failed on is sent with the next one.
        """
        while True:
            while self._records:
                record = self._records[0]
                await _send(producer, record, replies)
                if self._records and self._records[0] is record:  # it may have given way meanwhile
                    self._take_off()
            self._filled.clear()
            await self._filled.wait()

    def _has_room(self, owner: tuple[str, str]) -> bool:
        return len(self._records) < _WAITING and self._places.admits(*owner)

    def _makes_room(self, owner: tuple[str, str]) -> bool:
        """Give up the oldest record of all where all is full: only for a household that has few, and never one of another tenant."""
        if len(self._records) < _WAITING or _owner(self._records[0])[0] != owner[0]:
            return False
        if not self._places.has_few(owner[1]):
            return False
        metrics.SEND_FAILURES.labels(self._records[0].topic).inc()
        self._take_off()
        return True

    def _take_off(self) -> None:
        self._places.leave(*_owner(self._records.popleft()))


def _owner(record: Outgoing) -> tuple[str, str]:
    """The tenant and the household that a record is about; probes, which are about none, share one place."""
    household_id = (record.key or b"").decode()
    return tenant_of(household_id), household_id


async def _send(producer: Any, record: Outgoing, replies: int) -> None:
    headers = [*record.headers, (FIRST_LOGGED, f"{record.accepted:.3f}".encode())]
    if record.correlation:
        headers.append((REPLY_PARTITION, str(replies).encode()))
        headers.append((CORRELATION_ID, record.correlation.encode()))
    try:
        sent = await producer.send(
            record.topic, record.value, key=record.key, partition=record.partition, headers=headers
        )
    except MessageSizeTooLargeError as error:
        _not_sent(record, error)
    except (KafkaError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - it is about this record, and would be again
        _not_sent(record, error)
    else:
        sent.add_done_callback(partial(_sent, record))


def _sent(record: Outgoing, acknowledged: asyncio.Future[Any]) -> None:
    if acknowledged.cancelled():
        return
    error = acknowledged.exception()
    if error is None:
        record.stored()
    else:
        _not_sent(record, error)


def _not_sent(record: Outgoing, error: BaseException) -> None:
    metrics.SEND_FAILURES.labels(record.topic).inc()
    logger.error("a record for %s was not sent: %s", record.topic, type(error).__name__)
