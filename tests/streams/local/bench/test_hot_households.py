from __future__ import annotations

from itertools import pairwise

from streams.local.bench.hot_households import HOT


def test_a_loop_gives_200_commands_an_hour_and_a_hotel_has_400_rooms() -> None:
    home, loop, hotel = (make(0) for make in HOT.values())
    assert len({event.household_id for event in home}) == 1
    assert {(later.time - event.time).seconds for event, later in pairwise(loop)} == {18}
    assert 330 < len({event.device_id for event in hotel}) <= 400  # some are silent
    assert {event.household_id for event in hotel} == {"hotel"}
    assert [event.time for event in hotel] == sorted(event.time for event in hotel)
