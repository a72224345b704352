from dataclasses import fields
from random import Random
from string import ascii_letters
from typing import Any

from pydantic import TypeAdapter

from streams.local.bench.largest_household import largest
from streams.local.bench.state_size import bench_state, repeated, simulated
from streams.wire.state.packing import Stored, pack, unpack
from streams.worker.table import LARGEST_STATE, without_open_state
from tests.detector.builders import hand_bundle, run, send_message

BUNDLE = hand_bundle()


def test_the_largest_household_fills_every_field_and_survives_packing() -> None:
    """A new field that ``largest`` does not fill would not count."""
    household = largest()
    state = household.state
    session = state.questions[0].session
    assert session is not None
    assert session.chain is not None
    assert session.subject is not None
    assert state.unlabelled is not None
    for value in (
        household,
        state,
        state.commands,
        state.pending[0],
        session,
        session.chain,
        session.subject,
        state.recent[0],
        state.questions[0],
        state.past[0],
        state.labels[0],
        state.unlabelled,
    ):
        empty = [each.name for each in fields(value) if getattr(value, each.name) in ((), {}, None)]
        assert empty == [], type(value).__name__
    assert unpack(pack(household)) == household


def test_a_household_is_smaller_than_the_largest() -> None:
    adapter = TypeAdapter(Stored)
    _, state = run(send_message(), BUNDLE)
    assert len(pack(Stored(state=state))) < 1024 < len(adapter.dump_json(largest()))


def test_the_largest_household_fits_into_a_record_with_any_texts_and_numbers() -> None:
    """Random texts and numbers do not repeat, so compression can only exploit their alphabet."""
    adapter = TypeAdapter(Stored)
    household = adapter.validate_python(
        _scrambled(adapter.dump_python(largest(), mode="json"), Random(0))
    )
    assert 300_000 < len(pack(household)) < LARGEST_STATE
    assert len(pack(without_open_state(household))) < LARGEST_STATE / 4
    assert unpack(pack(household)) == household


def _scrambled(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        return {_scrambled(key, random): _scrambled(each, random) for key, each in value.items()}
    if isinstance(value, list):
        return [_scrambled(each, random) for each in value]
    if isinstance(value, float):
        return -random.random() * 1e-300
    if isinstance(value, str) and value.startswith(("a" * 6, '"', "k" * 16)):
        hexadecimal = value.startswith(("k", "aaaaaa")) and len(value) in (6, 12, 16, 32, 81)
        return "".join(
            random.choices("0123456789abcdef" if hexadecimal else ascii_letters, k=len(value))
        )
    return value


def test_a_repeated_stream_is_shifted_by_whole_weeks_and_has_new_ids() -> None:
    (history,) = repeated(send_message(), 5, 7)
    events = list(history)
    assert [each.event_id for each in events] == [
        "e0-0",
        "e1-0",
        "e2-0",
        "e0-1",
        "e1-1",
        "e2-1",
        "e0-2",
    ]
    assert {each.session_id for each in events} == {"s1-0", "s1-1", "s1-2"}
    assert (events[3].time - events[0].time).days == 7


def test_the_measured_size_is_the_stored_size() -> None:
    found = bench_state(simulated(2, 40), BUNDLE, households=2)
    assert (found.households, found.events) == (2, 40)
    assert found.packed <= found.packed_most < found.json < found.bound
    assert found.packed < found.json_zlib
