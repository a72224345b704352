"""A household comes out of the table as it went in, in whichever form it was written."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.contracts.decisions import Rung
from detector.contracts.events import IntentEvent, Outcome
from detector.decision.decide import apply_outcome, decide
from detector.household.learning import token
from detector.household.state import HouseholdState, Usage
from streams.wire.state.marks import MAX_MARKS, Mark
from streams.wire.state.packing import Stored, pack, unpack
from tests.detector.builders import DOUBTFUL, event, hand_bundle, heard, policy, run, send_message
from tests.detector.decision.test_decide import EVENTS, OUTCOMES

BUNDLE = hand_bundle()
MARKS = st.builds(
    Mark, st.sampled_from(["", "3f9a61c2"]), st.integers(0, 1000), st.integers(0, 2**40)
)
SHADOW = hand_bundle(rules=policy(enforcement='"shadow"'))


def lived(
    events: Sequence[IntentEvent], outcomes: Sequence[Outcome], *, rung: Rung = Rung.WORKER
) -> HouseholdState:
    state = HouseholdState.new("h1")
    for number, each in enumerate(events):
        _, state = decide(
            state, each, SHADOW if number % 3 == 2 else BUNDLE, at=each.seconds, rung=rung
        )
        if number < len(outcomes):
            state = apply_outcome(state, outcomes[number], at=outcomes[number].time.timestamp())
    return state


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    EVENTS,
    st.lists(OUTCOMES, max_size=10),
    st.sampled_from(Rung),
    st.lists(MARKS, max_size=MAX_MARKS),
    st.none() | st.floats(0, 2e9),
)
def test_a_household_is_unpacked_as_it_was_packed(
    events: list[IntentEvent],
    outcomes: list[Outcome],
    rung: Rung,
    marks: list[Mark],
    erased: float | None,
) -> None:
    state = lived(events, outcomes, rung=rung)
    stored = Stored(state=state, intents=tuple(marks), outcomes=tuple(marks[1:]), erased=erased)
    assert unpack(pack(stored)) == stored


def test_a_repeated_event_gets_its_decision_again_byte_for_byte_after_the_table() -> None:
    from streams.wire.records import DECISION

    events = heard(send_message(), DOUBTFUL)
    decisions, state = run(events, BUNDLE)
    again = unpack(pack(Stored(state=state))).state
    for each, decision in zip(events, decisions, strict=True):
        assert DECISION.encode(decide(again, each, BUNDLE, at=each.seconds)[0]) == DECISION.encode(
            decision
        )


def test_a_household_of_another_bundle_keeps_its_decisions() -> None:
    _, state = run(send_message(), BUNDLE)
    odd = replace(state.recent[0], decision_id="other", household_id="other", bundle="0" * 16)
    stored = Stored(
        state=replace(state, recent=(odd, *state.recent), fingerprints={"gone": "f" * 12})
    )
    assert unpack(pack(stored)) == stored


def test_the_json_that_was_written_before_there_were_forms_is_still_read() -> None:
    usage = {"count": 2.5, "session": 3, "seconds": 1767636000.5}
    pending = {
        "event_id": "e2",
        "session_id": "s1",
        "intent": "messages.SendMessage",
        "seconds": 1767636020.0,
        "tokens": ["contact=k1_a=b"],
        "allowed": True,
    }
    state = {
        "household_id": "h1",
        "events": 3,
        "learned": 3,
        "intents": {"messages.SendMessage": usage},
        "tokens": {"contact=k1_ann": usage, "room=k1_hall": usage},
        "pending": [pending],
    }
    stored = unpack(json.dumps({"state": state, "intents": 7}).encode())
    assert stored.intents == ()  # in which partition of which topic that counted is not known
    assert stored.state.intents == {"messages.SendMessage": Usage(count=2.5, session=3)}
    assert stored.state.tokens == (token("contact", "k1_ann"), token("room", "k1_hall"))
    assert stored.state.pending[0].tokens == (token("contact", "k1_a=b"),)
    assert unpack(pack(stored)) == stored


def test_what_version_0_1_0_wrote_is_still_read() -> None:
    """It kept offsets alone; which topic and partition they count in is not known, so they are left out."""
    written = bytes.fromhex(
        "0100000000ad0100987b313332727d3537342c22657261322e355d7d0b00018b40db22f0bfcc70368712791c2d08637ec4c909603b101956b1"
        "5c5b5d01"
    )
    stored = unpack(written)
    assert (stored.state.household_id, stored.state.events, stored.state.learned) == ("h1", 3, 2)
    assert (stored.intents, stored.outcomes, stored.erased) == ((), (), 12.5)


def test_what_a_later_version_wrote_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="written in form 03 and this version reads up to form 02"):
        unpack(b"\x03" + pack(Stored(state=HouseholdState.new("h1")))[1:])


@pytest.mark.parametrize("cut", [1, 5, -1])
def test_a_damaged_household_is_no_household(cut: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack(Stored(state=lived([event(1), event(2)], [])))[:cut])


@pytest.mark.parametrize(
    "hours",
    [(), (0.0,) * 16, (1.234,) * 16, (1.2345,) * 16, (70.0,) * 16, (-1.0,) * 16, (1.0,) * 3],
)
def test_hours_are_kept_whatever_they_are(hours: tuple[float, ...]) -> None:
    stored = Stored(state=replace(HouseholdState.new("h1"), hours=hours))
    assert unpack(pack(stored)) == stored
