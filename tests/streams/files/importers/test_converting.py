from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detector.contracts.events import Act, IntentEvent
from streams.files.importers.converting import convert
from streams.files.importers.ordering import Sorted
from streams.files.importers.records import Fault, Found, Record, Skipped
from streams.files.importers.tally import LISTED, Tally
from streams.files.keyring import new_keyring
from streams.files.understanding import Understanding
from streams.hook.tokenizing import Tokens
from streams.wire.token_format import check_tokens

START = datetime(2026, 1, 5, 7, tzinfo=UTC)
TOKENS = Tokens(new_keyring("home", START))
UNDERSTANDING = Understanding()


def said(text: str, minutes: float = 0, **fields: Any) -> Record:
    values = {"key": f"{minutes} {text}", "device": "Kitchen Echo"} | fields
    return Record(time=START + timedelta(minutes=minutes), text=text, **values)


def events_of(*found: Found, tally: Tally | None = None) -> list[IntentEvent]:
    return [event for event, _ in _converted(iter(found), tally or Tally())]


def _converted(found: Iterator[Found], tally: Tally) -> Iterator[tuple[IntentEvent, str]]:
    return convert(found, UNDERSTANDING, TOKENS, tally, household="home", runtime="test")


def in_order(*found: Found, minutes: float = 10, tally: Tally | None = None) -> list[IntentEvent]:
    tally = tally or Tally()
    ordered = Sorted(_converted(iter(found), tally), timedelta(minutes=minutes), tally)
    return list(ordered.events())


def test_names_values_and_keys_are_tokens() -> None:
    (event,) = events_of(said("call Philippa", speaker="Anna", session="Session of Anna"))
    check_tokens(event, ids=True)
    assert event.intent == "calls.PlaceCall"
    assert "contact" in event.slots
    assert not {"philippa", "anna", "kitchen"} & set(repr(event).lower().replace("_", " ").split())


def test_a_word_has_one_token_per_home() -> None:
    first, again, other = events_of(
        said("call philippa"), said("call Philippa", 1), said("call philippa", household="b")
    )
    assert first.slots == again.slots
    assert first.slots != other.slots
    assert first.household_id == again.household_id != other.household_id


def test_keys_that_differ_in_case_are_different_records() -> None:
    assert len({event.event_id for event in events_of(said("x", key="A"), said("x", key="a"))}) == 2


def test_thanks_are_not_a_command_and_have_an_act() -> None:
    (event,) = events_of(said("thank you"))
    assert (event.act, event.commits) == (Act.THANK, False)


def test_a_record_that_is_not_an_event_is_counted() -> None:
    tally = Tally()
    found: list[Found] = [
        Skipped("a"),
        Skipped("a"),
        Fault("record 1", "b"),
        said("alexa"),
        said("x", intent="no intent"),
    ]
    assert events_of(*found, tally=tally) == []
    assert tally.skipped == {"a": 2, "the wake word alone": 1}
    assert tally.faults == {"b": 1, "a value does not fit into an event": 1}


def test_all_faults_are_counted_and_the_first_are_listed() -> None:
    tally = Tally()
    events_of(*(Fault(f"record {number}", "x") for number in range(2 * LISTED)), tally=tally)
    assert tally.faults == {"x": 2 * LISTED}
    assert [fault.place for fault in tally.places] == [f"record {n}" for n in range(LISTED)]


@pytest.mark.parametrize(
    "slots", [{"intent": "x"}, {"a b": "x"}, {"": "x"}, {f"s{n}": "x" for n in range(99)}]
)
def test_slots_that_an_event_cannot_have_are_left_out(slots: dict[str, str]) -> None:
    (event,) = events_of(said("", intent="light.HassTurnOn", slots=slots))
    assert len(event.slots) in {0, 32}


def test_a_log_in_any_order_is_sorted_and_repetitions_are_left_out() -> None:
    tally = Tally()
    late, early = said("lights on", 5), said("lights off", 1)
    ordered = in_order(late, early, late, tally=tally)
    assert [event.time for event in ordered] == [early.time, late.time]
    assert (tally.events, tally.repeated) == (2, 1)


def test_silence_separates_the_sessions_of_a_device() -> None:
    tally = Tally()
    ordered = in_order(
        said("lights on"),
        said("lights off", 1, device="Bedroom Dot"),
        said("lights off", 10),
        said("lights on", 20.1),
        tally=tally,
    )
    first, other, same, new = (event.session_id for event in ordered)
    assert first == same
    assert len({first, other, new}) == 3
    assert (tally.sessions, tally.devices, tally.households) == (3, 2, 1)


def test_a_session_of_the_log_is_kept_through_any_silence() -> None:
    ordered = in_order(said("lights on", session="s"), said("lights off", 600, session="s"))
    assert len({event.session_id for event in ordered}) == 1


def test_labels_name_their_events() -> None:
    tally = Tally()
    found = iter([said("x", 2, label="television"), said("y", 1)])
    ordered = Sorted(_converted(found, tally), timedelta(minutes=10), tally)
    events = list(ordered.events())
    assert list(ordered.labels()) == [(events[1].event_id, "television", events[1].event_id)]
    assert tally.labels == 1
    ordered.close()


def test_events_domains_and_times_are_counted() -> None:
    tally = Tally()
    in_order(said("lights on"), said("colourless green ideas", 1), tally=tally)
    assert (tally.events, tally.other) == (2, 1)
    assert tally.domains == {"light": 1, "other": 1}
    assert (tally.first, tally.last) == ("2026-01-05T07:00:00+00:00", "2026-01-05T07:01:00+00:00")
