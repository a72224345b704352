"""Labels in a household file."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.contracts.labels import LabelEffect, LabelKind
from streams.embedded import EmbeddedHook
from streams.embedded.labels import label_in_file
from streams.embedded.opened import opened
from streams.errors import RecordError
from streams.hook.rejecting import RejectedEvent
from streams.privacy.household_files import collected_in_file
from tests.detector.builders import ABSURD, START, hand_bundle, heard, send_message

SEND = "messages.SendMessage"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a household file in which one command was blocked."""
    place = tmp_path / "home.db"
    with EmbeddedHook(
        place, bundle=hand_bundle(), allow_unready=True, deadline_ms=60_000, now=START.timestamp
    ) as hook:
        for event in heard(send_message(), ABSURD):
            hook.decide(event)
    return place


def test_a_label_teaches_the_home_and_is_kept_with_its_records(home: Path) -> None:
    with EmbeddedHook(home, bundle=hand_bundle(), allow_unready=True, now=START.timestamp) as hook:
        made = hook.label("e2", LabelKind.MEANT, why="they asked for it")
        with pytest.raises(RejectedEvent, match="no decision"):
            hook.label("unknown", LabelKind.MEANT, why="a test")

    assert made is not None
    assert (made.effect, made.by, made.household_id) == (LabelEffect.TAUGHT, "household", "h1")
    with opened(home) as transaction:
        assert set(transaction.stored("h1").state.intents) == {SEND}
    counts = {each.source: each.records for each in collected_in_file(home, "h1")}
    assert counts["misfire.labels"] == 1


def test_a_label_is_withdrawn_by_command(home: Path) -> None:
    label_in_file(home, "e2", LabelKind.MEANT, why="a test", by="me")

    made = label_in_file(home, "e2", LabelKind.WITHDRAWN, why="an error", by="me")

    assert made.effect is LabelEffect.RESTORED
    with opened(home) as transaction:
        assert transaction.stored("h1").state.intents == {}
    with pytest.raises(RecordError, match="why must be"):
        label_in_file(home, "e2", LabelKind.MEANT, why="", by="me")
