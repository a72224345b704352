from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from detector.contracts.events import IntentEvent
from streams.kafka.topics import INTENTS
from streams.wire.state.packing import Stored
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Logs, Worker, logs, prepare, publish, pure, until


def test_sigkill_in_mid_stream_loses_nothing_and_applies_nothing_twice(
    broker: Broker, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=12, sessions=60)
    prepare(broker)
    with logs(broker) as log:
        for number in (1, 2):
            with Worker(broker, place, tmp_path / "log") as worker:
                worker.wait_ready()
                publish(broker, events[(number - 1) * len(events) // 3 : number * len(events) // 3])
                log.decided((number - 1) * len(events) // 3 + len(events) // 10)
                worker.kill()
        with Worker(broker, place, tmp_path / "log") as worker:
            publish(broker, events[2 * len(events) // 3 :])
            worker.wait_ready()

            _complete(log, events, pure(events, bundle))


def test_an_applied_record_without_a_commit_is_skipped_on_redelivery(
    broker: Broker, tmp_path: Path
) -> None:
    """After SIGKILL the committed offset is behind the table, so records are redelivered."""
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=4, sessions=20)
    prepare(broker)
    with logs(broker) as log:
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            publish(broker, events)
            log.applied(len(events))
            worker.kill()
        # Another group has no committed offsets: every record is redelivered to a complete table.
        with Worker(broker, place, tmp_path / "log", MISFIRE_GROUP="misfire-again") as worker:
            worker.wait_ready()
            until(lambda: worker.metric("misfire_duplicates_total", topic=INTENTS) == len(events))

            assert worker.metric("misfire_events_total") == 0
        _complete(log, events, pure(events, bundle))
        assert len(log.decisions.records) == len(events)


def _complete(log: Logs, events: Sequence[IntentEvent], wanted: dict[str, bytes]) -> None:
    records = log.decided(len(events))
    states = log.applied(len(events))

    assert {json.loads(record.value)["event_id"] for record in records} == wanted.keys()
    assert {record.value for record in records} == set(
        wanted.values()
    )  # one decision for each event, as without the kills
    assert _counts(states) == {
        household: sum(event.household_id == household for event in events)
        for household in {event.household_id for event in events}
    }
    assert not log.letters.read_to_end()


def _counts(states: dict[str, Stored]) -> dict[str, int]:
    return {household: stored.state.events for household, stored in states.items()}
