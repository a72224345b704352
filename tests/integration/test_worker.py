from __future__ import annotations

import hashlib
import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from detector.contracts.events import OutcomeKind
from streams.kafka.connection import Brokers
from streams.kafka.topics import INTENTS, OUTCOMES, REPLIES, admin
from streams.wire.records import (
    CORRELATION_ID,
    INTENT,
    OUTCOME,
    OUTCOME_APPLIED,
    REPLY_PARTITION,
    header,
)
from tests.commands import misfire
from tests.detector.builders import heard, outcome, send_message
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import (
    PARTITIONS,
    Log,
    Worker,
    logged_at,
    logs,
    prepare,
    producing,
    publish,
    pure,
    until,
)
from tests.processes import listening


def test_every_event_is_decided_once_in_household_order_as_the_core_decides_it(
    broker: Broker, tmp_path: Path
) -> None:
    """Events sent again change nothing. The worker listens on loopback only and exits cleanly."""
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town()
    prepare(broker)
    with Worker(broker, place, tmp_path / "log") as worker, logs(broker) as log:
        worker.wait_ready()
        assert worker.metric("misfire_ready") == 1
        assert listening(worker.process.pid) == {("127.0.0.1", int(worker.url.rpartition(":")[2]))}
        publish(broker, events)

        records = log.decided(len(events))

        wanted = pure(events, bundle)
        decided = [json.loads(record.value) for record in records]
        assert len(records) == len(events)
        assert {d["event_id"]: r.value for d, r in zip(decided, records, strict=True)} == wanted
        assert [record.key.decode() for record in records] == [d["household_id"] for d in decided]
        for household in {event.household_id for event in events}:
            assert [d["event_id"] for d in decided if d["household_id"] == household] == [
                event.event_id for event in events if event.household_id == household
            ]
        log.applied(len(events))
        assert worker.metric("misfire_events_total") == len(events)
        assert worker.metric("misfire_dead_letters_total") == 0

        publish(broker, [events[-1], events[-1]])
        until(lambda: worker.metric("misfire_duplicates_total", topic=INTENTS) == 2)
        until(lambda: len(log.decisions.read()) == len(events) + 2)
        assert {record.value for record in log.decisions.records} == set(wanted.values())

        worker.process.terminate()
        assert worker.process.wait(30) == 0
        assert sum(stored.state.events for stored in log.states().values()) == len(events)


def test_events_and_outcomes_are_answered_on_the_partition_of_the_client(
    broker: Broker, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = heard(send_message(), 0.9)
    prepare(broker)
    with Worker(broker, place, tmp_path / "log") as worker, logs(broker) as log:
        worker.wait_ready()
        with producing(broker) as producer:
            for event in events:
                headers = INTENT.headers(event.event_id, event.time, source="test")
                headers += [(REPLY_PARTITION, b"2"), (CORRELATION_ID, event.event_id.encode())]
                producer.send(INTENTS, INTENT.encode(event), key=b"h1", headers=headers)
        replies = Log(broker, REPLIES)
        until(lambda: len(replies.read()) == len(events))
        assert {record.partition for record in replies.records} == {2}
        assert {
            header(record.headers, CORRELATION_ID): record.value for record in replies.records
        } == {
            event_id.encode(): value
            for event_id, value in pure(events, bundle, logged_at(broker)).items()
        }

        log.decided(len(events))
        what = outcome(events[-1].event_id, OutcomeKind.EXECUTED)
        with producing(broker) as producer:
            headers = OUTCOME.headers(what.event_id, what.time, source="test")
            headers += [(REPLY_PARTITION, b"1"), (CORRELATION_ID, b"c1")]
            producer.send(OUTCOMES, OUTCOME.encode(what), key=b"h1", headers=headers)
        until(lambda: len(replies.read()) == len(events) + 1)
        until(lambda: any(stored.outcomes for stored in log.states().values()))
        assert log.states()["h1"].state.events == len(events)
        assert worker.metric("misfire_outcomes_total", outcome="executed", source="runtime") == 1
    (applied,) = (record for record in replies.records if record.partition == 1)
    assert header(applied.headers, "ce_type") == OUTCOME_APPLIED.encode()
    assert header(applied.headers, CORRELATION_ID) == b"c1"
    replies.close()


def test_a_worker_does_not_start_without_topics(broker: Broker, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)

    ended = _misfire("worker", "--broker", broker.bootstrap, "--bundle", str(place))

    _one_sentence(ended, 3, "assistant.intents")
    client = admin(Brokers(broker.bootstrap))
    assert not [name for name in client.list_topics() if name.startswith(("assistant", "misfire"))]
    client.close()


def test_a_worker_does_not_start_on_topics_with_other_partitions(
    broker: Broker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(broker)

    ended = _misfire(
        "worker",
        "--broker",
        broker.bootstrap,
        "--bundle",
        str(place),
        MISFIRE_PARTITIONS=str(PARTITIONS + 1),
    )

    _one_sentence(ended, 3, f"has {PARTITIONS} partitions, not {PARTITIONS + 1}")


def test_a_worker_does_not_start_without_a_broker(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)

    _one_sentence(
        _misfire("worker", "--broker", "127.0.0.1:1", "--bundle", str(place)), 3, "127.0.0.1:1"
    )


def test_a_worker_does_not_start_without_a_bundle(tmp_path: Path) -> None:
    _one_sentence(_misfire("worker", "--bundle", str(tmp_path / "none")), 3, "none")


@pytest.mark.parametrize("name", ["arrays.npz", "names.json", "policy.toml", "manifest.json"])
def test_a_worker_does_not_start_with_a_damaged_bundle(name: str, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    data = bytearray((place / name).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (place / name).write_bytes(data)

    _one_sentence(_misfire("worker", "--bundle", str(place)), 3, "bundle")


def test_a_nonsensical_bundle_with_a_matching_manifest_is_rejected(
    tmp_path: Path,
) -> None:
    _, place = bundle_on_disk(tmp_path)
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "policy.toml").write_text("nonsense = 1\n")
    manifest["files"]["policy.toml"]["sha256"] = hashlib.sha256(b"nonsense = 1\n").hexdigest()
    (place / "manifest.json").write_text(json.dumps(manifest))

    _one_sentence(_misfire("worker", "--bundle", str(place)), 3, "policy")


def _misfire(*arguments: str, **variables: str) -> CompletedProcess[str]:
    return misfire(*arguments, **({"MISFIRE_PARTITIONS": str(PARTITIONS)} | variables))


def _one_sentence(ended: CompletedProcess[str], code: int, part: str) -> None:
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert part in (json.loads(last)["event"] if last.startswith("{") else last)
