from __future__ import annotations

import pytest

from detector.simulation.households import Channels, Shape, simulate
from streams.local.demo.cast import Cast, Member, evening_routine, find_cast, new_command

DAYS = 14


@pytest.fixture(scope="module", params=[0, pytest.param(7, marks=pytest.mark.nightly)])
def cast(request: pytest.FixtureRequest) -> Cast:
    return find_cast(seed=request.param, days=DAYS, first=20)


def test_every_role_has_its_own_household(cast: Cast) -> None:
    assert len({member.profile.household_id for member in cast.members}) == 5


def test_the_cast_is_not_in_the_training_population(cast: Cast) -> None:
    population = set(simulate(20, 1, seed=0).profiles) | set(simulate(20, 1, seed=7).profiles)
    assert population.isdisjoint(member.profile.household_id for member in cast.members)


def test_the_evening_household_sends_that_message_on_most_evenings(cast: Cast) -> None:
    routine = evening_routine(cast.evening)
    assert routine is not None
    evenings = {
        event.time.date()
        for event in cast.evening.events
        if event.intent == "messages.SendMessage"
        and event.slots.get("contact") == routine.slots["contact"]
    }
    assert len(evenings) > DAYS / 3


def test_the_quiet_household_uses_the_wake_word_and_rarely_sends_a_message(cast: Cast) -> None:
    assert cast.quiet.profile.channels is Channels.ALL
    assert cast.quiet.commands("messages.SendMessage") <= 1


def test_the_calling_household_makes_calls_and_never_buys(cast: Cast) -> None:
    assert cast.caller.commands("calls.PlaceCall") >= 3
    assert cast.caller.commands("shopping.BuyItem") == 0


def test_the_newcomer_tries_a_new_command_in_several_turns(cast: Cast) -> None:
    skill = new_command(cast.newcomer)
    assert skill is not None
    assert skill.shape in (Shape.CONFIRMED, Shape.AFTER_SEARCH)
    assert all(event.domain != skill.domain for event in cast.newcomer.events)


def test_a_household_that_does_not_keep_the_habit_has_no_evening_routine(cast: Cast) -> None:
    seldom = [event for event in cast.evening.events if event.intent != "messages.SendMessage"]
    assert evening_routine(Member(cast.evening.profile, seldom)) is None
    assert evening_routine(Member(cast.evening.profile, [])) is None


def test_the_same_seed_finds_the_same_cast() -> None:
    first, second = (find_cast(seed=3, days=7, first=5) for _ in range(2))
    assert first == second
