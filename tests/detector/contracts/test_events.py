from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.decisions import Decision
from detector.contracts.errors import InvalidValue, MisfireError
from detector.contracts.events import (
    MAX_ID_LENGTH,
    MAX_SLOTS,
    MAX_TOKEN_LENGTH,
    STRUCTURAL_NAMES,
    Act,
    IntentEvent,
    Outcome,
    OutcomeKind,
    OutcomeSource,
    domain_of,
    fingerprint,
)
from tests.detector.builders import START, event, outcome

ID_FIELDS = ["event_id", "household_id", "device_id", "session_id", "speaker_id", "runtime"]
CONFIDENCES = ["intent_confidence", "asr_confidence", "wake_confidence"]


@pytest.mark.parametrize("field", ID_FIELDS)
@pytest.mark.parametrize("bad", ["", "a b", "a\n", "é", "x" * (MAX_ID_LENGTH + 1), "tab\t"])
def test_an_id_is_short_printable_ascii(field: str, bad: str) -> None:
    if (field, bad) == ("session_id", ""):
        return  # an empty session_id is replaced by the device's own
    with pytest.raises(InvalidValue, match=f"^{field} "):
        event(**{field: bad})


@pytest.mark.parametrize("field", ID_FIELDS)
def test_an_id_may_be_as_long_as_the_limit(field: str) -> None:
    assert getattr(event(**{field: "~" * MAX_ID_LENGTH}), field) == "~" * MAX_ID_LENGTH


@pytest.mark.parametrize(
    "intent",
    [
        "SendMessage",
        "messages.",
        ".SendMessage",
        "a.b.c",
        "1a.b",
        "a b.c",
        "a.b\n",
        "",
        "a." + "b" * 65,
    ],
)
def test_an_intent_is_a_domain_and_a_name(intent: str) -> None:
    with pytest.raises(InvalidValue, match=r"^intent .* is not of the form 'domain\.Name'"):
        event(intent=intent)


@pytest.mark.parametrize("intent", ["messages.SendMessage", "Hotels_2.BookHouse", "a.b"])
def test_a_well_formed_intent_is_accepted(intent: str) -> None:
    assert event(intent=intent).domain == domain_of(intent) == intent.partition(".")[0]


def test_a_time_without_a_zone_is_rejected_and_only_outcomes_are_converted_to_utc() -> None:
    here, naive = START.astimezone(timezone(timedelta(hours=1))), START.replace(tzinfo=None)
    values: dict[str, Any] = {
        "event_id": "e",
        "household_id": "h",
        "outcome": OutcomeKind.EXECUTED,
        "source": OutcomeSource.RUNTIME,
    }
    assert event(time=here).time.isoformat() == here.isoformat()
    reported = Outcome(**values, time=here).time
    assert (reported, reported.tzinfo) == (START, UTC)
    with pytest.raises(InvalidValue, match="time has no time zone"):
        event(time=naive)
    with pytest.raises(InvalidValue, match="time has no time zone"):
        Outcome(**values, time=naive)


def test_seconds_are_the_events_own_time() -> None:
    assert event(time=datetime(1970, 1, 2, tzinfo=UTC)).seconds == 86_400.0


@pytest.mark.parametrize("field", CONFIDENCES)
@pytest.mark.parametrize("value", [-0.001, 1.001, float("nan"), float("inf")])
def test_a_confidence_is_a_probability(field: str, value: float) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} .* is outside \[0, 1\]"):
        event(**{field: value})


@pytest.mark.parametrize("field", CONFIDENCES)
@pytest.mark.parametrize("value", [0.0, 1.0, None])
def test_a_confidence_may_be_certain_or_missing(field: str, value: float | None) -> None:
    assert getattr(event(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ({f"s{n}": "t" for n in range(MAX_SLOTS + 1)}, f"slots has {MAX_SLOTS + 1} entries"),
        ({"": "t"}, "slot ''"),
        ({"n" * (MAX_TOKEN_LENGTH + 1): "t"}, "never spoken values"),
        ({"n": "t" * (MAX_TOKEN_LENGTH + 1)}, "slot 'n'"),
    ],
)
def test_slots_are_bounded(slots: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        event(slots=slots)


def test_slots_at_the_limits_are_accepted() -> None:
    slots = {f"{n:0{MAX_TOKEN_LENGTH}d}": "t" * MAX_TOKEN_LENGTH for n in range(MAX_SLOTS)}
    assert event(slots=slots).slots == slots


@pytest.mark.parametrize("field", ["event_id", "household_id"])
def test_an_outcome_has_an_event_and_a_household(field: str) -> None:
    fields: dict[str, Any] = {"event_id": "e", "household_id": "h"} | {field: ""}
    with pytest.raises(InvalidValue, match=f"^{field} "):
        Outcome(outcome=OutcomeKind.DENIED, source=OutcomeSource.OPERATOR, time=START, **fields)


def test_values_are_immutable() -> None:
    for value, field in ((event(), "commits"), (outcome("e", OutcomeKind.DENIED), "outcome")):
        with pytest.raises(AttributeError):
            setattr(value, field, True)
    assert not hasattr(event(), "__dict__")


def test_invalid_values_raise_our_own_value_error() -> None:
    assert issubclass(InvalidValue, MisfireError)
    assert issubclass(InvalidValue, ValueError)


def test_acts_are_the_documented_ones() -> None:
    documented = "initiate inform select ask alternatives accept decline affirm deny thank end"
    assert [act.value for act in Act] == documented.split()


@given(st.text(max_size=20))
def test_an_intent_is_rejected_or_has_a_domain_and_a_name(intent: str) -> None:
    try:
        taken: IntentEvent = event(intent=intent)
    except InvalidValue:
        return
    domain, name = intent.split(".")
    assert taken.domain == domain
    assert name.isidentifier()
    assert intent.isascii()


@pytest.mark.parametrize(
    "change",
    [
        {"time": event(2).time},
        {"session_id": "s9"},
        {"device_id": "d9"},
        {"household_id": "h9"},
        {"intent": "lights.TurnOff"},
        {"act": Act.DENY},
        {"commits": True},
        {"slots": {"room": "t"}},
        {"asr_confidence": 0.0},
        {"intent_confidence": 0.0},
        {"speaker_id": "p"},
        {"runtime": "r"},
    ],
)
def test_a_fingerprint_differs_when_any_field_differs(change: dict[str, Any]) -> None:
    first = event(1)

    assert fingerprint(first) == fingerprint(replace(first, event_id="another"))
    assert fingerprint(first) != fingerprint(replace(first, **change))


@pytest.mark.parametrize("name", [*sorted(STRUCTURAL_NAMES), "Household_Id"])
def test_a_slot_cannot_be_named_after_a_field(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"a slot is named {name.lower()}, like a field"):
        event(slots={"contact": "k1_00", name: "k1_00"})


def test_reserved_slot_names_cover_the_id_fields_of_all_records() -> None:
    kinds = (IntentEvent, Outcome, ConfirmationAnswer, Decision)
    names = {each.name for kind in kinds for each in fields(kind) if each.name.endswith("_id")}
    assert names <= STRUCTURAL_NAMES
    assert {each.name for each in fields(IntentEvent)} - STRUCTURAL_NAMES == {"time", "runtime"}
