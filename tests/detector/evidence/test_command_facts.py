import math
from dataclasses import replace

import pytest

from detector.evidence.command_facts import CommandFacts, command_facts
from detector.household.command_counts import (
    Commands,
    contexts_of,
    device_name,
    with_acceptance,
    with_command,
    with_meant,
)
from detector.household.state import HouseholdState
from tests.detector.builders import event, small_model

ON, PLAY, UNLOCK = "lights.TurnOn", "music.PlaySong", "locks.Unlock"
POPULATION = small_model().population
NOON = 12 * 3600.0


def home(*given: tuple[str, str, float]) -> HouseholdState:
    """Return a household that meant each (intent, device, seconds)."""
    known = Commands()
    for intent, device, seconds in given:
        heard = event(intent=intent, device_id=device, commits=True)
        contexts = contexts_of(heard, known.latest)
        known = with_command(known, heard, seconds, accepted=True)
        known = with_meant(
            known, intent, contexts, device_name(device), device_seconds=seconds, at=seconds
        )
    return replace(HouseholdState.new("h1"), commands=known)


def facts(state: HouseholdState, intent: str, at: float, device: str = "kitchen") -> CommandFacts:
    heard = event(intent=intent, device_id=device, commits=True)
    return command_facts(heard, state, POPULATION, at=at, device_seconds=at)


EVENINGS = home(*((ON, "kitchen", NOON + 86_400.0 * day) for day in range(10)))
LATER = NOON + 86_400.0 * 10


def test_a_new_home_has_the_rates_of_the_population_and_no_previous_command() -> None:
    found = facts(HouseholdState.new("h1"), ON, NOON)
    rarity = -math.log2(POPULATION.command_rate(ON))
    assert found.home_bits == found.device_bits == found.after_bits == pytest.approx(rarity)
    assert (found.uses, found.known, found.repeats) == (0.0, 0.0, 0.0)
    assert math.isnan(found.kinship)


def test_a_habit_is_less_surprising_than_something_new() -> None:
    usual, new = facts(EVENINGS, ON, LATER), facts(EVENINGS, PLAY, LATER)
    for name in (
        "home_bits",
        "device_bits",
        "after_bits",
        "device_after_bits",
        "home_domain_bits",
        "device_domain_bits",
        "age",
        "device_age",
        "domain_age",
        "repeat_age",
    ):
        assert getattr(usual, name) < getattr(new, name), name
    assert usual.uses > new.uses == 0.0


def test_another_device_is_more_surprising_than_the_usual_one() -> None:
    here, there = facts(EVENINGS, ON, LATER), facts(EVENINGS, ON, LATER, "attic")
    assert here.home_bits == there.home_bits
    assert here.device_age < there.device_age
    assert (there.device_known, there.device_uses) == (0.0, 0.0)


def test_an_unusual_hour_is_more_surprising_than_the_usual_one() -> None:
    both = home(
        *((ON, "kitchen", NOON + 86_400.0 * day) for day in range(10)),
        *((PLAY, "kitchen", 86_400.0 * (10 + day)) for day in range(10)),
    )
    at_noon, at_midnight = NOON + 86_400.0 * 20, 86_400.0 * 21
    assert facts(both, ON, at_midnight).hour_bits > 0 > facts(both, ON, at_noon).hour_bits


def test_the_previous_command_is_the_same_related_or_another() -> None:
    after_light = home((ON, "kitchen", 0.0))
    found = [facts(after_light, intent, 9.0).kinship for intent in (ON, "lights.TurnOff", PLAY)]
    assert found == [2.0, 1.0, 0.0]
    assert math.isnan(facts(after_light, ON, 9.0, "attic").device_kinship)


def test_a_command_that_was_undone_does_not_look_repeated() -> None:
    state = home((UNLOCK, "kitchen", 0.0))
    undone = with_acceptance(state.commands, UNLOCK, 0.0, accepted=False)
    before, after = facts(state, UNLOCK, 60.0), facts(replace(state, commands=undone), UNLOCK, 60.0)
    assert (before.repeats, after.repeats) == (1.0, 0.0)
    assert after.repeat_age > before.repeat_age


def test_every_fact_is_finite_or_missing() -> None:
    for state in (HouseholdState.new("h1"), EVENINGS):
        for intent in (ON, UNLOCK, "never.Heard"):
            for value in facts(state, intent, LATER)._asdict().values():
                assert math.isnan(value) or math.isfinite(value)
