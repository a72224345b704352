"""A label reaches its household through the log, and its withdrawal takes it back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.files.bundles import write_bundle
from streams.kafka.topics import LABELS
from tests import commands
from tests.detector.builders import ABSURD, hand_bundle, heard, send_message
from tests.integration.kafka import Broker
from tests.integration.worker import Worker, logs, prepare, publish, until

pytestmark = pytest.mark.timeout(240)

SEND = "messages.SendMessage"


def label(broker: Broker, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run ``misfire label``; return its JSON."""
    ended = commands.misfire(
        "label", *arguments, "--why", "a test", "--broker", broker.bootstrap, "--json", "-"
    )
    assert ended.returncode == code, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout) if code == 0 else {}
    return found


def test_a_label_teaches_its_household_and_is_withdrawn(broker: Broker, tmp_path: Path) -> None:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    events = heard(send_message(household_id="home1"), ABSURD)
    others = [replace(each, household_id="home2") for each in events]
    prepare(broker)
    with logs(broker) as log, Worker(broker, tmp_path / "bundle", tmp_path / "log") as worker:
        worker.wait_ready()
        publish(broker, [*events, *others])
        log.applied(len(events) + len(others))

        label(broker, "unknown", "meant", code=2)
        label(broker, "e2", "meant", code=2)  # two households have this event
        made = label(broker, "e2", "meant", "--household", "home1")
        assert (made["effect"], made["household_id"]) == ("taught", "home1")
        until(lambda: set(log.states()["home1"].state.intents) == {SEND})
        assert log.states()["home2"].state.intents == {}

        taken_back = label(broker, "e2", "withdraw", "--household", "home1")
        assert taken_back["effect"] == "restored"
        until(lambda: log.states()["home1"].state.intents == {})
        assert worker.metric("misfire_labels_total", label="meant", effect="taught") == 1

    shown = commands.misfire(
        "household", "show", "home1", "--broker", broker.bootstrap, "--json", "-"
    )
    counts = {each["source"]: each["records"] for each in json.loads(shown.stdout)["sources"]}
    assert counts[LABELS] == 2
