"""The send queue. A record that no connection would accept is skipped and does not block others."""

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

#: Queued records while the broker is away: half a minute of a busy gateway. Beyond it one record
#: is dropped and counted.
_WAITING = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A record to send.

    Attributes:
        topic: its topic.
        key: its key; ``None`` for a probe.
        value: its value.
        headers: its headers, without those that ``Outbox`` adds.
        correlation: the correlation id of the reply; empty if no reply is expected.
        stored: called when the broker has acknowledged the record.
        partition: given if the key does not choose the partition.
        accepted: when the gateway accepted the record, in seconds since 1970, however long it
            then waits. A worker ignores records that were accepted before their household was
            erased.
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
    """A bounded queue of records to send."""

    def __init__(self) -> None:
        self._records: deque[Outgoing] = deque()
        self._places = Places(_WAITING)
        self._filled = asyncio.Event()

    def put(self, record: Outgoing) -> None:
        """Append a record, or drop it if its tenant or household already fills the queue."""
        owner = _owner(record)
        if not (self._has_room(owner) or self._make_room(owner)):
            metrics.SEND_FAILURES.labels(record.topic).inc()
            return
        self._records.append(record)
        self._places.take(*owner)
        self._filled.set()

    async def send_all(self, producer: Any, replies: int) -> None:
        """Send queued and new records until the connection fails.

        Args:
            producer: the Kafka producer.
            replies: the partition that replies should be written to.

        Raises:
            KafkaError, OSError: the connection is unusable; the failed record stays queued.
        """
        while True:
            while self._records:
                record = self._records[0]
                await _send(producer, record, replies)
                if self._records and self._records[0] is record:  # it may have been dropped
                    self._remove_first()
            self._filled.clear()
            await self._filled.wait()

    def _has_room(self, owner: tuple[str, str]) -> bool:
        return len(self._records) < _WAITING and self._places.admits(*owner)

    def _make_room(self, owner: tuple[str, str]) -> bool:
        """Drop the oldest record of a full queue; return whether that was possible.

        This is only for a household with few records, and never drops another tenant's record.
        """
        if len(self._records) < _WAITING or _owner(self._records[0])[0] != owner[0]:
            return False
        if not self._places.has_few(owner[1]):
            return False
        metrics.SEND_FAILURES.labels(self._records[0].topic).inc()
        self._remove_first()
        return True

    def _remove_first(self) -> None:
        self._places.leave(*_owner(self._records.popleft()))


def _owner(record: Outgoing) -> tuple[str, str]:
    """Return tenant and household of a record; probes have neither and share an empty owner."""
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
    except Exception as error:  # noqa: BLE001 - a retry of this record would fail again
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
