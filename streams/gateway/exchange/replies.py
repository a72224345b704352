"""Requests that wait for a reply, by correlation id."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.gateway.exchange.worker_liveness import WorkerLiveness
from streams.wire.records import ANSWERED_PARTITION, CORRELATION_ID, PROBE_ANSWERED, header

__all__ = ["PendingReplies", "PendingRequest", "Reply"]

#: Digits of a partition number; no topic has a million partitions.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its CloudEvents type and its value."""

    type: str
    value: bytes


@dataclass(slots=True)
class PendingRequest:
    """A sent request: its future reply, and whether the broker has acknowledged the request."""

    correlation: str
    reply: asyncio.Future[Reply]
    stored: bool = False

    def mark_stored(self) -> None:
        """Record that the broker has acknowledged the request."""
        self.stored = True


class PendingReplies:
    """Creates correlation ids and passes each reply to the request that waits for it.

    Args:
        on_late: called with (correlation id, reply) for a reply that no request waits for.
        liveness: records which partitions were answered.
    """

    def __init__(self, on_late: Callable[[str, Reply], None], liveness: WorkerLiveness) -> None:
        #: Prefix of the correlation ids; several gateways can share one reply partition.
        self.name = f"{uuid.uuid4().hex[:8]}-"
        self._on_late = on_late
        self._liveness = liveness
        self._waiting: dict[str, PendingRequest] = {}

    def expect(self) -> PendingRequest:
        """Return a new request that waits for its reply."""
        pending = PendingRequest(
            self.name + uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        )
        self._waiting[pending.correlation] = pending
        return pending

    def abandon(self, correlation: str) -> None:
        """Stop waiting for a reply; if it still arrives, it is late."""
        self._waiting.pop(correlation, None)

    def dispatch(self, message: Any) -> None:
        """Pass a reply to the request that waits for it."""
        correlation = (header(message.headers, CORRELATION_ID) or b"").decode("ascii", "replace")
        kind = (header(message.headers, "ce_type") or b"").decode("ascii", "replace")
        partition = _partition_of(header(message.headers, ANSWERED_PARTITION))
        if kind == PROBE_ANSWERED:
            self._liveness.record_probe_answer(partition, correlation)
            return
        if correlation and not correlation.startswith(self.name):
            return  # a reply to another gateway
        reply, pending = Reply(kind, message.value or b""), self._waiting.pop(correlation, None)
        if pending is None or pending.reply.done():
            self._on_late(correlation, reply)
        else:
            self._liveness.record_answer(partition)
            pending.reply.set_result(reply)


def _partition_of(text: bytes | None) -> int:
    """Return the partition in an answer's header; -1 if it is missing or invalid."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isdigit() else -1
