from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.training.guest_sessions import with_visits
from tests.detector.builders import send_message

OURS = [send_message(first=10 * number, session=f"s{number}", days=number) for number in range(40)]
THEIRS = [
    send_message(first=900, contact="k1_eve", household_id="h2", session="other", device_id="d9")
]


def visited(share: float, seed: int = 0) -> list[list[object]]:
    return [
        list(session) for session in with_visits(OURS, THEIRS, np.random.default_rng(seed), share)
    ]


def test_a_visit_takes_over_time_device_and_household() -> None:
    for ours, theirs in zip(
        OURS, with_visits(OURS, THEIRS, np.random.default_rng(0), 1.0), strict=True
    ):
        assert [(e.household_id, e.device_id, e.session_id) for e in theirs] == [
            (e.household_id, e.device_id, e.session_id) for e in ours
        ]
        assert theirs[0].time == ours[0].time
        assert {e.slots.get("contact") for e in theirs} == {None, "k1_eve"}


def test_guests_do_what_others_do_at_that_hour() -> None:
    at_night = [
        replace(event, event_id=f"night-{event.event_id}", time=event.time.replace(hour=3))
        for event in send_message(contact="k1_night", household_id="h2")
    ]
    lived = with_visits(OURS, [*THEIRS, at_night], np.random.default_rng(0), 1.0)
    assert {e.slots["contact"] for session in lived for e in session if e.slots} == {"k1_eve"}


def test_event_ids_are_unique() -> None:
    ids = [
        e.event_id
        for session in with_visits(OURS, THEIRS, np.random.default_rng(0), 0.5)
        for e in session
    ]
    assert len(set(ids)) == len(ids)


@given(st.floats(0.0, 1.0), st.integers(0, 100))
def test_the_number_of_sessions_stays_and_the_seed_determines_the_result(
    share: float, seed: int
) -> None:
    assert len(visited(share, seed)) == len(OURS)
    assert visited(share, seed) == visited(share, seed)


def test_without_visits_nothing_changes() -> None:
    assert visited(0.0) == OURS
    assert with_visits(OURS, [], np.random.default_rng(0), 1.0) == OURS
    assert with_visits([], THEIRS, np.random.default_rng(0), 1.0) == []
