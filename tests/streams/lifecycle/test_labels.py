"""A label is checked against the log before it is sent to a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from detector.contracts.labels import Label, LabelEffect, LabelKind
from streams.errors import RecordError
from streams.kafka.asking import Answer, Asked
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DECISIONS, INTENTS, LABELS
from streams.lifecycle import decisions, labels
from streams.lifecycle.labels import Labelled, label_event, labels_of, latest_labels
from streams.wire.records import DECISION, LABEL, REFUSAL, Refusal
from tests.detector.builders import START, hand_bundle, run, send_message

BROKERS = Brokers("nobody.invalid:9092")
DECIDED, _ = run(send_message(), hand_bundle())
OURS = DECIDED[-1]


class Log:
    """A log of decisions, and a worker that answers each label."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decisions = [*DECIDED]
        self.sent: list[tuple[bytes, Label]] = []
        self.refusal: Refusal | None = None
        self.answers = True
        monkeypatch.setattr(decisions, "read_backwards", self._windows)
        monkeypatch.setattr(decisions, "_partition", lambda *_: 0)
        monkeypatch.setattr(labels, "ask_worker", self._ask)

    def _windows(self, *_: object) -> Iterator[list[TopicRecord]]:
        for number, each in enumerate(reversed(self.decisions)):
            key = each.household_id.encode()
            yield [TopicRecord(Place(DECISIONS, 0, number), 0.0, key, DECISION.encode(each))]

    def _ask(self, _: Brokers, topic: str, *, key: bytes, value: bytes, **__: object) -> Asked:
        assert topic == INTENTS
        claim, place = LABEL.decode(value), Place(INTENTS, 0, 7)
        self.sent.append((key, claim))
        if not self.answers:
            return Asked(place, None)
        if self.refusal is not None:
            return Asked(place, Answer(REFUSAL.type, REFUSAL.encode(self.refusal)))
        applied = replace(claim, effect=LabelEffect.UNLEARNED)
        return Asked(place, Answer(LABEL.type, LABEL.encode(applied)))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def misfire(event_id: str = "e2", household: str | None = "h1", why: str = "the radio") -> Labelled:
    return label_event(
        BROKERS, event_id, LabelKind.MISFIRE, why=why, by="t1", household_id=household
    )


@pytest.mark.parametrize("household", ["h1", None])
def test_a_label_names_event_household_person_and_reason(log: Log, household: str | None) -> None:
    found = misfire(household=household)

    [(key, sent)] = log.sent
    assert key == b"h1"
    assert (sent.event_id, sent.household_id, sent.label) == ("e2", "h1", LabelKind.MISFIRE)
    assert (sent.why, sent.by, sent.effect) == ("the radio", "t1", None)
    assert found.applied
    assert found.label.effect is LabelEffect.UNLEARNED
    assert found.decision == OURS


def test_without_a_workers_answer_the_label_is_in_the_log_and_not_applied(log: Log) -> None:
    log.answers = False

    found = misfire()

    assert not found.applied
    assert found.place == Place(INTENTS, 0, 7)


@pytest.mark.parametrize(
    ("event_id", "household", "code"),
    [("unknown", "h1", "unknown_event"), ("e2", "h2", "unknown_event")],
)
def test_an_event_without_a_decision_is_not_labelled(
    log: Log, event_id: str, household: str, code: str
) -> None:
    with pytest.raises(RecordError) as raised:
        misfire(event_id, household)

    assert raised.value.code == code
    assert not log.sent


def test_an_event_id_that_two_households_use_needs_the_household(log: Log) -> None:
    log.decisions.insert(0, replace(OURS, household_id="h2"))

    with pytest.raises(RecordError) as raised:
        misfire(household=None)

    assert raised.value.code == "ambiguous_event"
    assert misfire(household="h2").decision.household_id == "h2"


def test_a_decision_under_another_households_key_does_not_count(log: Log) -> None:
    log.decisions = []
    foreign = TopicRecord(Place(DECISIONS, 0, 0), 0.0, b"h2", DECISION.encode(OURS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decisions, "read_backwards", lambda *_: iter([[foreign]]))
        with pytest.raises(RecordError, match="no decision"):
            misfire()


@pytest.mark.parametrize("why", ["", " ", "a\nb", "a" * 201])
def test_a_label_needs_a_short_reason(log: Log, why: str) -> None:
    with pytest.raises(RecordError, match="why must be") as raised:
        misfire(why=why)

    assert raised.value.code == "schema"
    assert not log.sent


def test_a_workers_refusal_is_passed_on(log: Log) -> None:
    log.refusal = Refusal(code="internal_error", detail="the core failed on this label")

    with pytest.raises(RecordError, match="the core failed"):
        misfire()


def test_labels_are_listed_once_and_the_latest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def label(number: int, kind: LabelKind, event_id: str = "e2") -> Label:
        return Label(
            label_id=f"l{number}",
            event_id=event_id,
            household_id="h1",
            label=kind,
            why="why",
            by="by",
            time=START,
        )

    first, second, third = (
        label(1, LabelKind.MISFIRE),
        label(2, LabelKind.MISFIRE, "e5"),
        label(3, LabelKind.WITHDRAWN),
    )
    values = [LABEL.encode(each) for each in (first, first, second, third)]
    held = [
        TopicRecord(Place(LABELS, 0, number), 0.0, b"h1", value)
        for number, value in enumerate([*values, b"junk"])
    ]
    other = TopicRecord(Place(LABELS, 0, 9), 0.0, b"h2", values[0])
    foreign = LABEL.encode(replace(label(4, LabelKind.MEANT), household_id="h2"))
    disputed = TopicRecord(Place(LABELS, 0, 10), 0.0, b"h1", foreign)
    monkeypatch.setattr(labels, "read_topic", lambda *_: iter([*held, other, disputed]))

    found = labels_of(BROKERS, "h1")

    assert found == [first, second, third]
    assert latest_labels(found) == {("h1", "e5"): second}
