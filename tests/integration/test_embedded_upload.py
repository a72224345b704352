"""A home moves from an embedded hook's file to a running installation, with nothing lost."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from detector.contracts.events import IntentEvent, OutcomeKind
from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from streams.files.bundles import write_bundle
from streams.hook import Hook
from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.state.packing import Stored, unpack
from tests.commands import misfire
from tests.detector.builders import START, SURE, hand_bundle, heard, outcome, send_message
from tests.integration.test_gateway import PATIENT_MS, gateway
from tests.integration.worker import Worker, prepare

#: From the time of the tests' events to three days ago.
SHIFT = timedelta(seconds=int(time.time() - START.timestamp())) - timedelta(days=3)


def recent(events: list[IntentEvent]) -> list[IntentEvent]:
    """Return the events with the same distances, three days ago."""
    return [replace(each, time=each.time + SHIFT) for each in events]


def home_file(path: Path) -> Stored:
    """Write a file with two sessions, the first of which was learned; return the state."""
    file = HouseholdFile(path, patience=1.0)
    home = Home(file, hand_bundle(), confirmation_key=None, keep_days=30.0)
    for each in recent(
        [*heard(send_message(), SURE), *heard(send_message(10, session="s2", days=1.0), SURE)]
    ):
        home.decide(each, each.seconds)
    home.report(outcome("e12", OutcomeKind.EXECUTED), time.time() - 86_400)
    with file.transaction() as transaction:
        stored = transaction.stored("h1")
    file.close()
    return stored


def test_a_home_moves_once_and_goes_on_where_it_was(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    bundle, file = tmp_path / "bundle", tmp_path / "home.db"
    write_bundle(hand_bundle(), bundle)
    before = home_file(file)
    assert before.state.learned == 1
    prepare(embedded)
    upload = ("embedded", "upload", file, "--broker", embedded.bootstrap)
    with (
        Worker(embedded, bundle, tmp_path / "worker") as worker,
        gateway(embedded.bootstrap, bundle, tmp_path / "gateway") as url,
        Hook(url, deadline_ms=PATIENT_MS) as hook,
    ):
        worker.wait_ready()
        done = misfire(*upload, "--json", "-")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["records"] == 13
        states = [held.value for held in read_topic(Brokers(embedded.bootstrap), HOUSEHOLDS)]
        assert states[-1] is not None
        assert unpack(states[-1]).state == before.state

        repeated = recent(heard(send_message(10, session="s2", days=1.0), SURE))[-1]
        assert hook.decide(repeated) == before.decided("e12")
        second = misfire(*upload)
        assert second.returncode == 2
        assert "has a history in the installation" in " ".join(second.stderr.split())

    topics = {
        topic: list(read_topic(Brokers(embedded.bootstrap), topic))
        for topic in (DECISIONS, DEAD_LETTERS)
    }
    # The six that the file kept, and the repeated one.
    assert len(topics[DECISIONS]) == 7
    assert topics[DEAD_LETTERS] == []
