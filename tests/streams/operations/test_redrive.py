from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from detector.contracts.events import OutcomeKind
from streams.errors import RecordError
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, INTENTS, OUTCOMES
from streams.operations.redrive import DEFAULT_REASONS, REDRIVEN, sort_letters
from streams.wire.records import FIRST_LOGGED, INTENT, OUTCOME, header, logged_before
from streams.worker.dead_letters import letter_about
from streams.worker.handling import Incoming
from tests.detector.builders import START, event, outcome

NOW = START + timedelta(hours=1)
GOOD = INTENT.encode(event(1))


def letter(number: int, reason: str, value: bytes | None = GOOD, **fields: Any) -> TopicRecord:
    """A dead letter as the worker writes it."""
    given: dict[str, Any] = {"topic": INTENTS, "key": b"h1"} | fields
    record = Incoming(partition=1, offset=number, timestamp=0.0, value=value, headers=(), **given)
    made = letter_about(record, RecordError(reason, "a sentence"))
    return TopicRecord(Place(DEAD_LETTERS, 0, number), 0.0, made.key, made.value, made.headers)


def test_an_acceptable_letter_goes_to_its_topic_unchanged() -> None:
    denied = OUTCOME.encode(outcome("e1", OutcomeKind.DENIED))
    found = sort_letters(
        [letter(0, "internal_error"), letter(1, "internal_error", denied, topic=OUTCOMES)],
        DEFAULT_REASONS,
        NOW,
    )
    assert [(again.topic, again.key, again.value) for again in found.again] == [
        (INTENTS, b"h1", GOOD),
        (OUTCOMES, b"h1", denied),
    ]
    assert [header(again.headers, "ce_type") for again in found.again] == [
        INTENT.type.encode(),
        OUTCOME.type.encode(),
    ]
    assert not found.left


def test_letters_that_stay_are_counted_by_reason() -> None:
    late = INTENT.encode(event(0, time=NOW + timedelta(days=1)))
    found = sort_letters(
        [
            letter(0, "not_json", b"{"),
            letter(1, "internal_error", b"{"),
            letter(2, "internal_error", key=b"h2"),
            letter(3, "internal_error", key=None),
            letter(4, "internal_error", b"x" * 2_000_000),
            letter(5, "internal_error", topic=DECISIONS),
            letter(6, "time_in_future", late),
            letter(7, "internal_error", None),
        ],
        DEFAULT_REASONS,
        NOW,
    )
    assert found.left == {
        "another reason": 1,
        "refused: not_json": 1,
        "refused: key_mismatch": 1,
        "incomplete": 3,
        "of no topic": 1,
    }
    assert [again.letter.offset for again in found.again] == [6]


def test_a_letter_with_a_withheld_value_is_not_sent() -> None:
    said = INTENT.encode(event(1, slots={"text": "call my doctor"}))
    found = sort_letters([letter(0, "not_tokens", said)], ["not_tokens"], NOW)
    assert (found.again, found.left) == ([], {"incomplete": 1})


def test_a_letter_with_a_receipt_in_any_partition_is_skipped() -> None:
    headers = [("misfire_reason", REDRIVEN.encode()), ("misfire_letter", b"0/1")]
    receipt = TopicRecord(Place(DEAD_LETTERS, 3, 0), 0.0, b"h1", b"", headers)
    letters = [receipt, letter(0, "internal_error"), letter(1, "internal_error")]
    found = sort_letters(letters, DEFAULT_REASONS, NOW)
    assert [again.letter.offset for again in found.again] == [0]
    assert found.left == {"redriven": 1}


def test_only_letters_of_a_requested_reason_are_sent() -> None:
    found = sort_letters([letter(0, "schema"), letter(1, "internal_error")], ["schema"], NOW)
    assert [again.letter.offset for again in found.again] == [0]


def test_a_redriven_record_has_the_time_of_its_first_arrival() -> None:
    """The letter's own time is no substitute: the household may have been erased in between."""
    made = letter(0, "internal_error")
    (again,) = sort_letters([replace(made, timestamp=NOW.timestamp())], DEFAULT_REASONS, NOW).again
    assert logged_before(again.headers) == 0

    older = [each for each in made.headers if each[0] != FIRST_LOGGED]
    (again,) = sort_letters(
        [replace(made, timestamp=500.0, headers=older)], DEFAULT_REASONS, NOW
    ).again
    assert logged_before(again.headers) == 500
