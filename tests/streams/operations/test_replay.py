from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError

from detector.contracts.events import IntentEvent
from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.operations import replay
from streams.operations.replay import send_events
from tests.detector.builders import event


class _Producer:
    """Acknowledges records, or fails with an error; ``sent`` are the times of the records."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[int] = []
        self.is_closed = False

    def send(self, *_: object, timestamp_ms: int, **__: object) -> Any:
        self.sent.append(timestamp_ms)
        return self

    def get(self, **_: float) -> None:
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.is_closed = True


_PAST = [event(time=datetime(2026, 5, day, tzinfo=UTC)) for day in (1, 2)]
_FUTURE = [event(time=datetime(9031, 5, day, tzinfo=UTC)) for day in (1, 2)]


def _send(
    monkeypatch: pytest.MonkeyPatch, producer: _Producer, events: Sequence[IntentEvent] = _PAST
) -> list[tuple[str, int, int]]:
    monkeypatch.setattr(replay, "KafkaProducer", lambda **_: producer)
    steps: list[tuple[str, int, int]] = []
    send_events(Brokers("broker:9092"), events, progress=lambda *step: steps.append(step))
    return steps


def test_events_are_sent_with_their_own_times(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = _Producer()
    steps = _send(monkeypatch, producer)
    assert producer.sent == [round(1000 * each.time.timestamp()) for each in _PAST]
    assert steps == [("sending", 0, 2), ("sending", 2, 2)]
    assert producer.is_closed


def test_a_stream_whose_times_the_broker_refuses_is_not_lost_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer = _Producer(KafkaError("a record of the batch is invalid"))
    with pytest.raises(UsageError, match="the last event is of 9031-05-02"):
        _send(monkeypatch, producer, _FUTURE)
    assert producer.is_closed


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DependencyUnavailable, match="broker:9092 did not accept the stream"):
        _send(monkeypatch, _Producer(KafkaTimeoutError()))
