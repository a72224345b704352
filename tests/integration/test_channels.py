"""Changes of the bundle under load: one bundle for each decision, changed at one offset."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from detector.contracts.events import IntentEvent
from streams.errors import DependencyUnavailable
from streams.files.bundles import write_bundle
from streams.kafka.connection import Brokers
from streams.kafka.topics import INTENTS
from streams.lifecycle import announcing
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.in_use import bundles_in_use
from streams.lifecycle.promotion import channels, promote
from streams.lifecycle.rollback import roll_back
from streams.operations.announced_bundles import announced
from streams.settings import Settings
from streams.wire.announcements import Announcement, Channel
from tests.detector.decision.test_carrying import OTHER
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import PARTITIONS, Log, Worker, logs, prepare, publish, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WHY = Reason("ann", "the test")


@contextmanager
def load(broker: Broker, events: Sequence[IntentEvent]) -> Iterator[None]:
    """Publish events during the block, a few at a time."""

    def send() -> None:
        for begin in range(0, len(events), 25):
            publish(broker, events[begin : begin + 25])

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        sending.join()


def decided_by(records: Sequence[Any], version: str) -> int:
    return sum(json.loads(record.value)["bundle"] == version for record in records)


def hold(broker: Broker, number: int) -> bool:
    """Return whether an announcement holds in every partition."""
    partitions, answers = bundles_in_use(Brokers(broker.bootstrap), 5.0)
    return len(answers) == len(partitions) and all(
        each.announcement == number for each in answers.values()
    )


def interrupted(monkeypatch: pytest.MonkeyPatch, settings: Settings, candidate: Path) -> None:
    """Promote, and end after the marks, before their offsets are announced."""
    write = announcing._write

    def broken(producer: Any, channel: Channel) -> None:
        if channel.latest is not None and channel.latest.since is not None:
            raise DependencyUnavailable("the promoter ends here")
        write(producer, channel)

    with monkeypatch.context() as patch:
        patch.setattr(announcing, "_write", broken)
        with pytest.raises(DependencyUnavailable, match="ends here"):
            promote(settings, candidate, WHY, force=True)


def test_the_bundle_changes_at_one_offset_of_each_partition_under_load(
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Promote and roll back twice while events arrive; kill the worker twice in mid-swap."""
    bundle, place = bundle_on_disk(tmp_path)
    candidate = tmp_path / "candidate"
    write_bundle(OTHER, candidate)
    events = a_town(households=12, sessions=40)
    parts = [
        events[number * len(events) // 5 : (number + 1) * len(events) // 5] for number in range(5)
    ]
    settings = Settings(broker=broker.bootstrap, partitions=PARTITIONS, bundle=place)
    prepare(broker)
    with logs(broker) as log:
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            promote(settings, candidate, WHY, channel="shadow-x")
            with load(broker, parts[0]):
                log.decided(len(parts[0]) // 4)
                found = promote(settings, candidate, WHY, force=True)
                worker.kill()
        assert {each.name for each in found.gates if each.passed is False} == {"data"}
        with Worker(broker, place, tmp_path / "log") as worker, load(broker, parts[1]):
            worker.wait_ready()
            until(lambda: decided_by(log.decisions.read(), OTHER.version))
            until(lambda: all(each.ok for each in announced(Brokers(broker.bootstrap))))
            began = time.monotonic()
            roll_back(settings, WHY)
            took = time.monotonic() - began
            until(lambda: hold(broker, 2))
            effective = time.monotonic() - began
            before = decided_by(log.decisions.read(), OTHER.version)
            interrupted(monkeypatch, settings, candidate)
            publish(broker, parts[2])
            until(lambda: decided_by(log.decisions.read(), OTHER.version) > before)
            worker.kill()
        with Worker(broker, place, tmp_path / "log") as worker, load(broker, parts[3]):
            worker.wait_ready()
            roll_back(settings, WHY)
            publish(broker, parts[4])
            records = log.decided(len(events))
            until(lambda: worker.metric("misfire_shadow_commands_total") > 0)
        assert not log.letters.read_to_end()
    with capsys.disabled():
        print(f"\nrolled back in {took:.2f} s, effective in all partitions after {effective:.2f} s")

    (active, shadow) = channels(settings)
    assert [each.bundle is not None for each in active.announcements] == [True, False] * 2
    assert [each.number for each in active.announcements] == [1, 2, 3, 4]
    assert shadow.channel == "shadow-x"
    wanted = {
        event_id: _wanted(active.announcements, *place, bundle.version)
        for event_id, place in placed(broker).items()
    }
    decided = [json.loads(record.value) for record in records]
    assert {each["event_id"] for each in decided} == {each.event_id for each in events}
    # Each decision, made again after a kill or not, is that of the bundle of its offset.
    assert [each for each in decided if each["bundle"] != wanted[each["event_id"]]] == []
    assert len({record.value for record in records}) == len(events)
    assert min(Counter(wanted.values()).values()) > len(events) // 10


def _wanted(announcements: Sequence[Announcement], partition: int, offset: int, own: str) -> str:
    """Return the version of the bundle that decides at an offset."""
    version = own
    for each in announcements:
        assert each.since is not None
        if each.since[partition] < offset:
            version = own if each.bundle is None else each.bundle.version
    return version


def placed(broker: Broker) -> dict[str, tuple[int, int]]:
    """Return partition and offset of each event, by event id."""
    log = Log(broker, INTENTS)
    records = [record for record in log.read_to_end() if record.key is not None]
    log.close()
    return {json.loads(each.value)["event_id"]: (each.partition, each.offset) for each in records}
