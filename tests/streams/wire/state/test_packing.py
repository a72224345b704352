"""Round trips of packed household states, and states of earlier versions."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from detector.contracts.decisions import Rung
from detector.contracts.events import IntentEvent, Outcome
from detector.decision.decide import apply_outcome, decide
from detector.household.state import HouseholdState
from streams.wire.state.marks import MAX_MARKS, Mark
from streams.wire.state.packing import Stored, pack, unpack
from tests.detector.builders import DOUBTFUL, event, hand_bundle, heard, policy, run, send_message
from tests.detector.decision.test_decide import EVENTS, OUTCOMES

HERE = Path(__file__).parent
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
def test_packing_and_unpacking_gives_the_same_household(
    events: list[IntentEvent],
    outcomes: list[Outcome],
    rung: Rung,
    marks: list[Mark],
    erased: float | None,
) -> None:
    state = lived(events, outcomes, rung=rung)
    stored = Stored(state=state, intents=tuple(marks), outcomes=tuple(marks[1:]), erased=erased)
    assert unpack(pack(stored)) == stored


def test_a_repeated_event_gets_the_same_bytes_again_after_unpacking() -> None:
    from streams.wire.records import DECISION

    events = heard(send_message(), DOUBTFUL)
    decisions, state = run(events, BUNDLE)
    again = unpack(pack(Stored(state=state))).state
    for each, decision in zip(events, decisions, strict=True):
        assert DECISION.encode(decide(again, each, BUNDLE, at=each.seconds)[0]) == DECISION.encode(
            decision
        )


def test_a_state_of_version_0_1_0_is_read_without_its_offsets() -> None:
    """Their topic and partition are unknown. The state's JSON is stored beside it."""
    written = (HERE / "state_0_1_0.bin").read_bytes()
    expected = TypeAdapter(Stored).validate_json((HERE / "state_0_1_0.json").read_bytes())
    assert unpack(written) == expected
    assert (expected.intents, expected.outcomes, expected.erased) == ((), (), 12.5)
    assert unpack(pack(expected)) == expected


def test_a_later_format_is_rejected_by_name() -> None:
    with pytest.raises(ValueError, match="written in form 03 and this version reads up to form 02"):
        unpack(b"\x03" + pack(Stored(state=HouseholdState.new("h1")))[1:])


@pytest.mark.parametrize("cut", [1, 5, -1])
def test_a_damaged_household_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack(Stored(state=lived([event(1), event(2)], [])))[:cut])
