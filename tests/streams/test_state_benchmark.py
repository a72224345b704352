from dataclasses import fields

from pydantic import TypeAdapter

from streams.largest_household import largest
from streams.packing import Stored, pack, unpack
from streams.state_benchmark import bench_state, repeated, simulated
from tests.detector.builders import hand_bundle, run, send_message

BUNDLE = hand_bundle()


def test_the_largest_household_fills_every_field_and_survives_packing() -> None:
    """A field that is added without a word in ``largest`` would not be counted."""
    household = largest()
    state = household.state
    session = state.questions[0].session
    assert session is not None
    assert session.chain is not None
    assert session.subject is not None
    for value in (
        household,
        state,
        session,
        session.chain,
        session.subject,
        state.recent[0],
        state.questions[0],
    ):
        empty = [each.name for each in fields(value) if getattr(value, each.name) in ((), {}, None)]
        assert empty == [], type(value).__name__
    assert unpack(pack(household)) == household


def test_a_household_is_smaller_than_the_largest() -> None:
    adapter = TypeAdapter(Stored)
    _, state = run(send_message(), BUNDLE)
    assert len(pack(Stored(state=state))) < 1024 < len(adapter.dump_json(largest()))


def test_a_stream_is_said_again_whole_weeks_later_under_other_ids() -> None:
    (life,) = repeated(send_message(), 5, 7)
    events = list(life)
    assert [each.event_id for each in events] == ["e0-0", "e1-0", "e2-0", "e0-1", "e1-1", "e2-1", "e0-2"]
    assert {each.session_id for each in events} == {"s1-0", "s1-1", "s1-2"}
    assert (events[3].time - events[0].time).days == 7


def test_what_is_measured_is_what_is_stored() -> None:
    found = bench_state(simulated(2, 40), BUNDLE, households=2)
    assert (found.households, found.events) == (2, 40)
    assert found.packed <= found.packed_most < found.json < found.bound
    assert found.packed < found.json_zlib
