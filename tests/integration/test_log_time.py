"""Check which clock timestamps records: Kafka's, or the producer's in a replay."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from detector.contracts.events import IntentEvent
from streams.errors import UsageError
from streams.kafka.connection import Brokers
from streams.kafka.topics import (
    INTENTS,
    OUTCOMES,
    admin,
    check_topics,
    create_topics,
    keeps_producer_time,
)
from streams.local.embedded_broker import EmbeddedBroker
from streams.operations.log_time_check import log_time
from streams.wire.records import DECISION, INTENT
from tests.detector.builders import send_message
from tests.integration.kafka import ApacheKafka
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import PARTITIONS, Worker, logs, prepare, producing, until

AHEAD = timedelta(minutes=30)


def test_kafka_timestamps_every_record_and_a_producers_clock_has_no_effect(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    client = admin(Brokers(apache_kafka.bootstrap))
    create_topics(client, PARTITIONS)
    client.close()
    said = send_message()
    began = time.time()
    with (
        Worker(apache_kafka, place, tmp_path / "log", MISFIRE_PRODUCER_TIME="false") as worker,
        logs(apache_kafka) as log,
    ):
        worker.wait_ready()
        with producing(apache_kafka) as producer:
            for event in said:
                _send(producer, event, 1000 * (began + AHEAD.total_seconds()))
        decisions = [DECISION.decode(record.value) for record in log.decided(len(said))]
        states = log.applied(len(said))
        assert worker.metric("misfire_clocks_replaced_total") == len(said)
        assert worker.metric("misfire_producer_times_total") == 0
    assert all(decision.clock_replaced for decision in decisions)  # the events are years old
    (session,) = states["h1"].state.sessions
    assert began - 1 <= session.seconds <= time.time() + 1
    assert log_time(Brokers(apache_kafka.bootstrap), producer_time=False).ok


def test_a_worker_does_not_start_on_topics_with_producer_timestamps(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(apache_kafka)
    client = admin(Brokers(apache_kafka.bootstrap))
    problems = check_topics(client, PARTITIONS)
    assert [
        name
        for name in (INTENTS, OUTCOMES)
        if any(f"{name} has message.timestamp.type" in each for each in problems)
    ] == [
        INTENTS,
        OUTCOMES,
    ]
    assert check_topics(client, PARTITIONS, producer_time=True) == []
    client.close()

    refused = Worker(apache_kafka, place, tmp_path / "log", MISFIRE_PRODUCER_TIME="false")
    with refused:
        until(lambda: refused.process.poll() is not None)
        assert refused.process.returncode == 3
    assert "message.timestamp.type=CreateTime, not LogAppendTime" in (tmp_path / "log").read_text(
        "utf-8"
    )


def test_an_old_stream_is_not_sent_to_a_topic_that_replaces_its_timestamps(
    apache_kafka: ApacheKafka,
) -> None:
    client = admin(Brokers(apache_kafka.bootstrap))
    create_topics(client, PARTITIONS)
    with pytest.raises(UsageError, match="stamps records with the time of their arrival"):
        keeps_producer_time(client)
    client.close()


def test_the_embedded_broker_keeps_producer_times_and_the_doctor_notes_it() -> None:
    """The broker accepts and returns the setting but keeps the producer's time.

    On one machine that is not an error.
    """
    with EmbeddedBroker() as broker:
        brokers = Brokers(broker.bootstrap)
        client = admin(brokers)
        create_topics(client, PARTITIONS)
        client.close()
        assert log_time(brokers, producer_time=False).text == "no record yet"
        with producing(broker) as producer:
            _send(producer, send_message()[0], 1000.0 * 1_767_600_000)
        found = log_time(brokers, producer_time=False)
        assert found.ok
        assert found.text.startswith("note: producers choose the records' timestamps")
        assert "the embedded broker cannot, but" in found.text
        assert log_time(brokers, producer_time=True).ok


def test_on_any_other_broker_producer_times_are_an_error(
    apache_kafka: ApacheKafka,
) -> None:
    prepare(apache_kafka)
    with producing(apache_kafka) as producer:
        _send(producer, send_message()[0], 1000.0 * time.time())

    found = log_time(Brokers(apache_kafka.bootstrap), producer_time=False)

    assert not found.ok
    assert "set message.timestamp.type=LogAppendTime" in found.text


def _send(producer: object, event: IntentEvent, milliseconds: float) -> None:
    headers = INTENT.headers(event.event_id, event.time, source="test")
    producer.send(  # type: ignore[attr-defined]
        INTENTS, INTENT.encode(event), key=b"h1", headers=headers, timestamp_ms=round(milliseconds)
    )
