from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detector.contracts.events import OutcomeKind
from detector.evaluation.truth import Report
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DECISIONS, INTENTS, LABELS, OUTCOMES
from streams.lifecycle.log_items import Erased, Item, Reported, read_item
from streams.wire.records import (
    ANSWER,
    COMMAND,
    DECISION,
    HISTORY,
    INTENT,
    OUTCOME,
    PROBE,
    Command,
    HouseholdCommand,
)
from tests.detector.builders import (
    DOUBTFUL,
    event,
    given_to,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)
from tests.streams.fakes import PARTITIONS, home_of

HOME = home_of(b"h1")


def read(
    topic: str,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (),
    key: bytes | None = b"h1",
    partition: int = HOME,
) -> Item:
    held = TopicRecord(Place(topic, partition, 7), 5.0, key, value, headers)
    return read_item(held, partitions=PARTITIONS)


def test_an_event_and_a_decision_on_a_command_are_read() -> None:
    decisions, _ = run(send_message(), hand_bundle())
    assert read(INTENTS, INTENT.encode(event())) == Item(Place(INTENTS, HOME, 7), 5.0, event())
    assert read(DECISIONS, DECISION.encode(decisions[-1])).value == decisions[-1]
    assert read(DECISIONS, DECISION.encode(decisions[0])).value is None


def test_outcomes_and_answers_are_reports() -> None:
    kinds = {
        kind: read(OUTCOMES, OUTCOME.encode(outcome("e1", kind))).value for kind in OutcomeKind
    }
    assert kinds == {
        OutcomeKind.EXECUTED: Reported("h1", Report.EXECUTED, "e1"),
        OutcomeKind.UNDONE: Reported("h1", Report.REFUSED, "e1"),
        OutcomeKind.DENIED: Reported("h1", Report.REFUSED, "e1"),
        OutcomeKind.CONFIRMED: None,
        OutcomeKind.EXPIRED: None,
    }
    decision = run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1]
    given = given_to(decision)
    kind = [("ce_type", ANSWER.type.encode())]
    name = given.confirmation_id
    yes = read(OUTCOMES, ANSWER.encode(given), kind).value
    no = read(OUTCOMES, ANSWER.encode(replace(given, accepted=False)), kind).value
    assert yes == Reported("h1", Report.ACCEPTED, confirmation_id=name)
    assert no == Reported("h1", Report.REFUSED, confirmation_id=name)


def test_labels_and_erasures_are_read() -> None:
    label = b'{"event_id": "e1", "household_id": "h1", "label": "%b", "why": "", "by": "ann"}'
    assert read(LABELS, label % b"misfire").value == Reported("h1", Report.MISFIRE, "e1")
    assert read(LABELS, label % b"another").value is None
    erase = HouseholdCommand(
        command_id="c", command=Command.ERASE, household_id="h1", time=event().time
    )
    kind = [("ce_type", COMMAND.type.encode())]
    refused = replace(erase, command=Command.EXPORT_REFUSED)
    assert read(INTENTS, COMMAND.encode(erase), kind).value == Erased("h1")
    assert read(INTENTS, COMMAND.encode(refused), kind).value is None


def test_what_says_nothing_is_skipped() -> None:
    value = INTENT.encode(event())
    assert read(INTENTS, value, [(HISTORY, b"1")]).value is None
    assert read(INTENTS, b"", [("ce_type", PROBE.encode())], key=None).value is None
    for topic in (INTENTS, OUTCOMES, DECISIONS, LABELS):
        assert read(topic, b"not JSON").value is None
        assert read(topic, None).value is None


def test_a_record_outside_its_households_partition_has_moved() -> None:
    moved = read(INTENTS, INTENT.encode(event()), partition=(HOME + 1) % PARTITIONS)
    assert (moved.value, moved.moved) == (None, True)
