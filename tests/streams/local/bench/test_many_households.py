from __future__ import annotations

from streams.local.bench.many_households import household_id, packed_households, packed_states
from streams.wire.state.packing import pack, unpack
from tests.detector.builders import hand_bundle

BUNDLE = hand_bundle()


def test_every_copy_is_a_household_with_its_own_id_and_a_state_that_a_worker_would_write() -> None:
    states = packed_states(2, BUNDLE)

    found = list(packed_households(states, 5))

    assert [key.decode() for key, _ in found] == [household_id(number) for number in range(5)]
    for key, value in found:
        stored = unpack(value)
        assert stored.state.household_id.encode() == key
        assert stored.state.events > 0
        assert value == pack(stored)
    histories = [unpack(value).state.events for _, value in found]
    assert histories[:2] == histories[2:4]
    assert histories[0] != histories[1]
