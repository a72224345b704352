"""The records of shadows' verdicts: sent once each, within bounds, and without anybody waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.topics import SHADOWS
from streams.telemetry import metrics
from streams.wire.shadow_verdict import SHADOW_VERDICT
from streams.worker import shadow_verdicts
from streams.worker.shadow_verdicts import ShadowVerdicts
from tests.detector.builders import send_message
from tests.streams.fakes import FakeKafka
from tests.streams.shadow_verdicts import shadowed

ACME, BOLT = f"acme_{'0' * 32}", f"bolt_{'1' * 32}"
VERDICT = shadowed(send_message(household_id=ACME))


class Broken(FakeKafka):
    """A producer that may not write the topic."""

    async def send(self, *_: Any) -> asyncio.Future[None]:
        """Refuse the record."""
        raise PermissionError


async def published(kafka: FakeKafka, *verdicts: Any, clock: Any = lambda: 100.0) -> ShadowVerdicts:
    found = ShadowVerdicts(SimpleNamespace(producer=kafka), asyncio.get_running_loop(), clock)
    await sent(found, *verdicts)
    return found


async def sent(found: ShadowVerdicts, *verdicts: Any) -> None:
    for each in verdicts:
        found.publish(each)
    for _ in range(5):
        await asyncio.sleep(0)


def unpublished() -> float:
    number: float = metrics.SHADOW_UNPUBLISHED._value.get()
    return number


async def test_a_repeated_command_gives_the_same_record() -> None:
    kafka = FakeKafka()

    await published(kafka, VERDICT, shadowed(send_message(household_id=ACME)))

    first, second = kafka.records
    assert first == second
    assert (first.topic, first.key) == (SHADOWS, ACME.encode())
    assert first.header("ce_type") == b"misfire.shadow-verdict.v1"
    decoded = SHADOW_VERDICT.decode(first.value)
    assert decoded == VERDICT
    assert (decoded.tenant, decoded.channel) == ("acme", "shadow-a")


async def test_each_tenant_has_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_verdicts, "PER_MINUTE", 2)
    kafka, before = FakeKafka(), unpublished()
    other = replace(VERDICT, household_id=BOLT, tenant="bolt")

    await published(kafka, VERDICT, VERDICT, VERDICT, VERDICT, other)

    assert [each.key for each in kafka.on(SHADOWS)] == [ACME.encode()] * 2 + [BOLT.encode()]
    assert unpublished() == before + 2


async def test_records_that_are_not_acknowledged_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadow_verdicts, "WAITING", 2)
    kafka, before = FakeKafka(hold=True), unpublished()

    found = await published(kafka, VERDICT, VERDICT, VERDICT)

    assert (len(kafka.records), unpublished()) == (2, before + 1)
    kafka.release()
    await sent(found)
    await sent(found, VERDICT)
    assert len(kafka.records) == 3


async def test_a_refused_record_is_counted_and_none_is_tried_for_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, before = [100.0], unpublished()
    found = await published(Broken(), VERDICT, VERDICT, clock=lambda: now[0])
    await sent(found, VERDICT)

    assert unpublished() == before + 3
    (line,) = caplog.messages
    assert "PermissionError" in line
    assert SHADOWS in line

    found._app = SimpleNamespace(producer=(kafka := FakeKafka()))
    now[0] += 60.0
    await sent(found, VERDICT)
    assert len(kafka.records) == 1


async def test_a_missing_topic_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_verdicts, "_PATIENCE", 0.01)
    kafka, before = FakeKafka(gone=SHADOWS), unpublished()

    found = await published(kafka, VERDICT)
    await asyncio.wait(found._sending)

    assert (kafka.records, unpublished()) == ([], before + 1)


async def test_a_worker_that_stops_loses_records_silently() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    ShadowVerdicts(SimpleNamespace(producer=FakeKafka()), loop).publish(VERDICT)
