from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from detector.contracts.events import Act, IntentEvent
from detector.evaluation.scenarios.household_changes import CHANGES, Life, attacked
from detector.household.grouping import sessions_by_household
from tests.detector.builders import dialogue
from tests.detector.town import town

HOUSEHOLDS = sessions_by_household(town(households=6))
NAME = "home1"
HALF = len(HOUSEHOLDS[NAME]) // 2
LIFE = Life(
    HOUSEHOLDS[NAME][:HALF],
    HOUSEHOLDS[NAME][HALF:],
    {
        "other": [
            dialogue(("doors.Unlock", Act.INITIATE, True, {"door": "k1_front"}), session="other")
        ],
    },
)


def changed(change: str, seed: int = 0) -> list[list[IntentEvent]]:
    return CHANGES[change](LIFE, np.random.default_rng(seed))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_keeps_the_household_the_number_of_sessions_and_their_order(change: str) -> None:
    sessions = changed(change)
    assert len(sessions) == len(LIFE.after)
    assert {event.household_id for session in sessions for event in session} == {NAME}
    assert len({event.event_id for session in sessions for event in session}) == sum(
        map(len, sessions)
    )
    assert all(before[0].time < after[0].time for before, after in pairwise(sessions))
    assert all(len({event.session_id for event in session}) == 1 for session in sessions)
    assert changed(change) == sessions


def test_no_change_keeps_every_session() -> None:
    assert changed("nothing") == LIFE.after


def test_a_new_device_adds_a_new_domain() -> None:
    sessions = changed("a new device")
    new = [session for session in sessions if session[0].device_id.endswith("-new")]
    assert 0.3 < len(new) / len(sessions) < 0.9
    fresh = {session[-1].intent for session in new if session[-1].domain == "doors"}
    assert fresh == {"doors.Unlock"}
    assert not [
        session for session in sessions if session[-1].domain == "doors" and session not in new
    ]


def test_a_guest_leaves_after_a_week() -> None:
    begins = LIFE.after[0][0].time
    for session, before in zip(changed("a guest's week"), LIFE.after, strict=True):
        if session[0].time >= begins + timedelta(days=7):
            assert session == before
    assert changed("a guest's week") != LIFE.after


def test_a_baby_moves_sessions_into_the_night() -> None:
    hours = [session[0].time.hour for session in changed("a baby's night hours")]
    assert 0.25 < np.mean([hour < 5 for hour in hours]) < 0.75
    assert not [session for session in LIFE.after if session[0].time.hour < 5]


def test_an_attack_repeats_one_strange_command() -> None:
    found = attacked(LIFE, np.random.default_rng(0))
    attempts = [session for session in found.sessions if session[-1].event_id in found.attempts]
    assert len(attempts) == len(LIFE.after)
    for attempt in attempts:
        assert [(event.intent, event.act) for event in attempt] == [
            ("doors.Unlock", Act.INITIATE),
            ("doors.Unlock", Act.INFORM),
            ("doors.Unlock", Act.AFFIRM),
        ]
        assert attempt[1].slots == {"door": "k1_front"}
        assert [event.commits for event in attempt] == [False, False, True]
    assert all(before[-1].time < after[0].time for before, after in pairwise(found.sessions))


def test_without_a_strange_command_there_is_no_attack() -> None:
    alone = Life(LIFE.before, LIFE.after, {"same": LIFE.before})
    assert attacked(alone, np.random.default_rng(0)).attempts == ()
    assert CHANGES["a new device"](alone, np.random.default_rng(0))
