"""Request decisions over Kafka directly, with only the names of headers and topics."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from detector.contracts.events import IntentEvent
from streams.wire.records import INTENT
from tests.integration.kafka import ApacheKafka
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import PATIENCE, Worker, prepare, producing, pure

PARTITION = 2


def headers(event: IntentEvent, deadline: datetime) -> list[tuple[str, bytes]]:
    return [
        ("misfire_reply_partition", str(PARTITION).encode()),
        ("misfire_correlation_id", event.event_id.encode()),
        ("misfire_deadline", deadline.isoformat().encode()),
    ]


def structured(event: IntentEvent) -> bytes:
    attributes = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": "test",
        "type": "assistant.intent.v1",
    }
    return json.dumps(attributes | {"data": json.loads(INTENT.encode(event))}).encode()


def test_an_intent_is_published_and_its_decision_read(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    plain, wrapped, expired = events = a_town(households=1, sessions=3)[:3]
    soon, before = (datetime.now(UTC) + timedelta(seconds=each) for each in (PATIENCE, -5))
    cloudevent = [("content-type", b"application/cloudevents+json")]
    prepare(apache_kafka)
    consumer = KafkaConsumer(bootstrap_servers=apache_kafka.bootstrap, group_id=None)
    consumer.assign([TopicPartition("assistant.replies", PARTITION)])
    consumer.seek_to_beginning()
    with Worker(apache_kafka, place, tmp_path / "log") as worker:
        worker.wait_ready()
        key = plain.household_id.encode()
        with producing(apache_kafka) as producer:
            sent = [
                (plain, INTENT.encode(plain), headers(plain, soon)),
                (wrapped, structured(wrapped), [*headers(wrapped, soon), *cloudevent]),
                (expired, INTENT.encode(expired), headers(expired, before)),
            ]
            for event, value, written in sent:
                at = round(1000 * event.seconds)
                producer.send("assistant.intents", value, key=key, headers=written, timestamp_ms=at)

        replies: dict[str, tuple[bytes, dict[str, bytes]]] = {}
        give_up = time.monotonic() + PATIENCE
        while len(replies) < len(events) and time.monotonic() < give_up:
            for records in consumer.poll(200).values():
                for record in records:
                    reply_headers = dict(record.headers)
                    replies[reply_headers["misfire_correlation_id"].decode()] = (
                        record.value,
                        reply_headers,
                    )
        assert worker.metric("misfire_replies_late_total") == 1
    consumer.close()

    assert {name: value for name, (value, _) in replies.items()} == pure(events, bundle)
    assert {reply_headers["ce_type"] for _, reply_headers in replies.values()} == {
        b"assistant.decision.v1"
    }
    late = {
        name for name, (_, reply_headers) in replies.items() if "misfire_late_ms" in reply_headers
    }
    assert late == {expired.event_id}
    assert int(replies[expired.event_id][1]["misfire_late_ms"]) >= 5_000
