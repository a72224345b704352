"""Grow topics, and delete and recreate them.

Nothing is lost or applied twice, and erasures are applied.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from detector.contracts.events import IntentEvent
from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, TOPICS, admin, create_topics
from streams.operations import grow_topics as growing
from streams.operations.grow_topics import grow, survey
from streams.operations.rekey import States
from streams.wire.records import INTENT
from streams.wire.state.marks import partition_of
from streams.wire.state.packing import Stored, unpack
from tests import commands
from tests.integration.kafka import ApacheKafka, Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import PARTITIONS, Worker, prepare, publish, until

pytestmark = pytest.mark.timeout(240)

GROWN = 2 * PARTITIONS
GROUP = "misfire-worker"


def misfire(
    broker: Broker, *arguments: str, code: int = 0, partitions: int = GROWN
) -> dict[str, Any]:
    """Run a command; return its JSON, or its error message."""
    variables = {"MISFIRE_PARTITIONS": str(partitions), "MISFIRE_PRODUCER_TIME": "true"}
    ended = commands.misfire(*arguments, "--broker", broker.bootstrap, "--json", "-", **variables)
    assert ended.returncode == code, ended.stderr
    found: dict[str, Any] = (
        json.loads(ended.stdout) if ended.stdout.strip() else {"said": ended.stderr}
    )
    return found


def states(broker: Broker, partitions: int) -> dict[str, Stored]:
    """Return the states of the households; each must be in its own partition only."""
    latest = States().take(read_topic(Brokers(broker.bootstrap), HOUSEHOLDS)).latest
    found = {}
    for key, places in latest.items():
        assert list(places) == [partition_of(key, partitions)]
        found[key.decode()] = unpack(*places.values())
    return found


def decided(broker: Broker) -> Counter[str]:
    """Return the number of decisions on each event."""
    records = read_topic(Brokers(broker.bootstrap), DECISIONS)
    return Counter(json.loads(held.value or b"{}")["event_id"] for held in records)


def once_each(broker: Broker, events: Sequence[IntentEvent]) -> None:
    """Wait until every event is decided, and check that none is decided twice."""
    until(
        lambda: len(decided(broker)) == len(events),
        lambda: f"{len(decided(broker))} of {len(events)}",
    )
    assert set(decided(broker).values()) == {1}


def lived(events: Sequence[IntentEvent]) -> dict[str, int]:
    return dict(Counter(event.household_id for event in events))


def counts(found: dict[str, Stored]) -> dict[str, int]:
    return {household: stored.state.events for household, stored in found.items()}


def test_growing_topics_keeps_every_household_and_decides_each_event_once(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=12, sessions=20)
    half = len(events) // 2
    prepare(apache_kafka)
    moving = [name for name in lived(events) if partition_of(name.encode(), GROWN) >= PARTITIONS]
    asked, erased = moving[:2]
    with Worker(apache_kafka, place, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(apache_kafka, events[:half])
        once_each(apache_kafka, events[:half])
        assert misfire(apache_kafka, "household", "erase", erased, partitions=PARTITIONS)["applied"]
        refused = misfire(apache_kafka, "topics", "grow", "--partitions", str(GROWN), code=2)
        assert "1 workers are members" in refused["said"]
    until(
        lambda: (
            misfire(apache_kafka, "topics", "grow", "--partitions", "8", "--dry-run")["workers"]
            == 0
        )
    )

    # Undecided records would stay in partitions that no longer belong to their households.
    publish(apache_kafka, events[half : half + 1])
    assert (
        "1 records are not processed yet"
        in misfire(apache_kafka, "topics", "grow", "--partitions", "8", code=2)["said"]
    )
    with Worker(apache_kafka, place, tmp_path / "log") as worker:
        worker.wait_ready()
        once_each(apache_kafka, events[: half + 1])
    until(
        lambda: (
            misfire(apache_kafka, "topics", "grow", "--partitions", "8", "--dry-run")["waiting"]
            == 0
        )
    )

    done = misfire(apache_kafka, "topics", "grow", "--partitions", str(GROWN))
    assert done["moved"] == len(moving)
    again = misfire(apache_kafka, "topics", "grow", "--partitions", str(GROWN))
    assert (again["topics"], again["moved"]) == ({}, 0)
    assert misfire(apache_kafka, "topics", "check")["ok"]
    before = states(apache_kafka, GROWN)

    with Worker(apache_kafka, place, tmp_path / "log", MISFIRE_PARTITIONS=str(GROWN)) as worker:
        worker.wait_ready()
        publish(apache_kafka, events[half + 1 :])
        once_each(apache_kafka, events)
        assert misfire(apache_kafka, "household", "erase", asked)["applied"]
        found = states(apache_kafka, GROWN)
        assert before[erased].erased == found[erased].erased is not None
        assert found[asked].erased is not None
        assert found[asked].state.events == 0
        kept = [event for event in events if event.household_id not in {asked, erased}]
        assert {
            name: count for name, count in counts(found).items() if name in lived(kept)
        } == lived(kept)


def test_an_interrupted_growth_resumes_and_no_worker_starts_before_it_ends(
    apache_kafka: ApacheKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=12, sessions=6)
    prepare(apache_kafka)
    with Worker(apache_kafka, place, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(apache_kafka, events)
        once_each(apache_kafka, events)
    brokers = Brokers(apache_kafka.bootstrap)
    client = admin(brokers)
    until(lambda: survey(brokers, client, GROUP, GROWN).workers == 0)
    before = states(apache_kafka, PARTITIONS)
    send = growing._send

    def ends_before_tombstones(producer: KafkaProducer, records: Sequence[Any]) -> None:
        if records and records[0][1] is None:
            raise DependencyUnavailable("the power fails")
        send(producer, records[: len(records) // 2])

    monkeypatch.setattr(growing, "_send", ends_before_tombstones)
    with pytest.raises(DependencyUnavailable):
        grow(brokers, client, GROUP, survey(brokers, client, GROUP, GROWN))
    monkeypatch.undo()

    with Worker(apache_kafka, place, tmp_path / "refused", MISFIRE_PARTITIONS=str(GROWN)) as worker:
        until(lambda: worker.process.poll() is not None)
        assert worker.process.returncode == 1
        assert "misfire topics grow --partitions 8" in (tmp_path / "refused").read_text()
    until(lambda: survey(brokers, client, GROUP, GROWN).workers == 0)

    grow(brokers, client, GROUP, survey(brokers, client, GROUP, GROWN))
    client.close()
    assert states(apache_kafka, GROWN) == before


def test_topics_grown_by_hand_are_repaired_and_records_in_old_partitions_are_decided(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=12, sessions=6)
    half = len(events) // 2
    prepare(apache_kafka)
    with Worker(apache_kafka, place, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(apache_kafka, events[:half])
        once_each(apache_kafka, events[:half])
        client = admin(Brokers(apache_kafka.bootstrap))
        client.create_partitions(
            {topic.name: GROWN for topic in TOPICS if topic.partitions is None}
        )
        client.close()
        until(lambda: worker.process.poll() is not None)
        assert "has 8 partitions now, not 4" in (tmp_path / "log").read_text()
    # A producer that does not know the new partitions yet.
    producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap)
    for event in events[half:]:
        key, headers = (
            event.household_id.encode(),
            INTENT.headers(event.event_id, event.time, source="test"),
        )
        producer.send(
            INTENTS,
            INTENT.encode(event),
            key=key,
            headers=headers,
            partition=partition_of(key, PARTITIONS),
        )
    producer.close()
    until(
        lambda: (
            misfire(apache_kafka, "topics", "grow", "--partitions", "8", "--dry-run")["workers"]
            == 0
        )
    )

    assert misfire(apache_kafka, "topics", "grow", "--partitions", str(GROWN))["moved"]
    with Worker(apache_kafka, place, tmp_path / "log2", MISFIRE_PARTITIONS=str(GROWN)) as worker:
        worker.wait_ready()
        once_each(apache_kafka, events)
        assert worker.metric("misfire_passed_on_total", topic=INTENTS) > 0
        until(lambda: counts(states(apache_kafka, GROWN)) == lived(events))


def test_in_a_recreated_topic_every_event_is_decided_and_erasures_are_applied(
    broker: Broker, tmp_path: Path
) -> None:
    """Recreate the topic once while a worker runs, which then exits, and once without one."""
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=6, sessions=30)
    third = len(events) // 3
    prepare(broker)
    with Worker(broker, place, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(broker, events[: 2 * third])
        once_each(broker, events[: 2 * third])
        created_again(broker)
        until(lambda: worker.process.poll() is not None)
        assert worker.process.returncode == 1
        assert (
            "topic assistant.intents was deleted and created again"
            in (tmp_path / "log").read_text()
        )
    # Fewer than before, so that all their offsets existed in the earlier topic.
    publish(broker, events[2 * third :])
    with Worker(broker, place, tmp_path / "log2") as worker:
        worker.wait_ready()
        once_each(broker, events)
        until(lambda: counts(states(broker, PARTITIONS)) == lived(events))
        assert worker.metric("misfire_earlier_topic_total", topic=INTENTS) > 0

    created_again(broker)
    asked = events[0].household_id
    assert not misfire(broker, "household", "erase", asked, "--wait", "0", code=1)["applied"]
    with Worker(broker, place, tmp_path / "log3") as worker:
        worker.wait_ready()
        until(lambda: states(broker, PARTITIONS)[asked].erased is not None)
        assert states(broker, PARTITIONS)[asked].state.events == 0


def test_states_are_rewritten_after_the_changelog_is_deleted_under_a_worker(
    broker: Broker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=6, sessions=6)
    prepare(broker)
    with Worker(broker, place, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(broker, events)
        once_each(broker, events)
        until(lambda: counts(states(broker, PARTITIONS)) == lived(events))
        created_again(broker, HOUSEHOLDS)
        until(lambda: counts(states(broker, PARTITIONS)) == lived(events))
        assert worker.process.poll() is None
    with Worker(broker, place, tmp_path / "log2") as worker:
        worker.wait_ready()
        until(lambda: worker.metric("misfire_households") == len(lived(events)))


def created_again(broker: Broker, topic: str = INTENTS) -> None:
    client = admin(Brokers(broker.bootstrap))
    client.delete_topics([topic])
    until(lambda: topic not in client.list_topics())
    create_topics(client, PARTITIONS, producer_time=True)
    client.close()
