from __future__ import annotations

import json
from pathlib import Path

from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Worker, logs, prepare, publish, pure


def test_two_workers_share_the_households_and_each_event_is_applied_once(
    broker: Broker, tmp_path: Path
) -> None:
    """One worker runs alone, a second joins, the first is killed, and the second continues."""
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=16, sessions=60)
    third = len(events) // 3
    prepare(broker)
    with (
        logs(broker) as log,
        Worker(broker, place, tmp_path / "one") as one,
        Worker(broker, place, tmp_path / "two") as two,
    ):
        # The worker that starts first has all partitions until the other one joins.
        publish(broker, events[:third])
        one.wait_ready()
        two.wait_ready()
        log.decided(third)
        publish(broker, events[third : 2 * third])
        log.decided(2 * third)
        assert one.metric("misfire_events_total") > 0
        assert two.metric("misfire_events_total") > 0
        publish(broker, events[2 * third :])
        log.decided(2 * third + third // 5)
        one.kill()

        records = log.decided(len(events))
        states = log.applied(len(events))

        assert two.process.poll() is None

    wanted = pure(events, bundle)
    assert {record.value for record in records} == set(wanted.values())
    assert {json.loads(record.value)["event_id"] for record in records} == wanted.keys()
    assert sum(stored.state.events for stored in states.values()) == len(events)
    assert not log.letters.records


def test_a_leaving_worker_hands_over_its_households(broker: Broker, tmp_path: Path) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=8, sessions=40)
    half = len(events) // 2
    prepare(broker)
    with logs(broker) as log, Worker(broker, place, tmp_path / "two") as two:
        with Worker(broker, place, tmp_path / "one") as one:
            one.wait_ready()
            two.wait_ready()
            publish(broker, events[:half])
            log.decided(half // 5)
        publish(broker, events[half:])

        records = log.decided(len(events))
        states = log.applied(len(events))

    assert {record.value for record in records} == set(pure(events, bundle).values())
    assert sum(stored.state.events for stored in states.values()) == len(events)
