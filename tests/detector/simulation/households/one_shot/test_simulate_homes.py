from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.events import Act, IntentEvent
from detector.policy.parsing import parse_policy
from detector.simulation.households import Simulation
from detector.simulation.households.one_shot import DIALECTS, simulate_homes
from detector.simulation.households.one_shot.catalogue import COMMANDS, HOURS
from detector.simulation.households.one_shot.home import draw_home
from detector.simulation.households.one_shot.routines import OCCASIONS, ROUTINES
from tests.detector.builders import POLICY_TEXT

DAYS = 20


@pytest.fixture(scope="module")
def homes() -> Simulation:
    return simulate_homes(40, DAYS, seed=7)


def by_home(simulation: Simulation) -> dict[str, list[IntentEvent]]:
    found: defaultdict[str, list[IntentEvent]] = defaultdict(list)
    for event in simulation.events:
        found[event.household_id].append(event)
    return found


def test_the_same_seed_gives_the_same_stream_and_another_seed_another(homes: Simulation) -> None:
    first, again, other = (simulate_homes(3, DAYS, seed=seed) for seed in (7, 7, 8))
    assert again == first
    assert other.events != first.events
    later = simulate_homes(1, DAYS, seed=7, first=39)
    assert later.events == [event for event in homes.events if event.household_id in later.profiles]


def test_every_event_is_a_command_of_one_turn(homes: Simulation) -> None:
    assert {event.act for event in homes.events} == {Act.INITIATE}
    questions = {event.intent for event in homes.events if not event.commits}
    assert len(questions) > 0
    assert not any("Turn" in intent or "Lock" in intent for intent in questions)
    assert [event.time for event in homes.events] == sorted(event.time for event in homes.events)


def test_homes_differ_in_size_and_rate(homes: Simulation) -> None:
    rates = sorted(len(events) / DAYS for events in by_home(homes).values())
    assert rates[2] < 4.0
    assert rates[-3] > 15.0
    assert 5.0 < np.mean(rates) < 14.0
    assert len({len(profile.devices) for profile in homes.profiles.values()}) > 2


def test_the_evening_is_lively_and_the_night_is_not_silent(homes: Simulation) -> None:
    hours = Counter(event.time.hour for event in homes.events)
    assert hours[19] > 10 * hours[3] > 0


def test_weekends_start_later(homes: Simulation) -> None:
    first: dict[tuple[str, int], float] = {}
    for event in homes.events:
        if event.time.hour >= 5:
            day = (event.household_id, event.time.toordinal())
            first.setdefault(day, event.time.hour + event.time.minute / 60)
    weekend = [hour for (_, day), hour in first.items() if day % 7 in {6, 0}]
    weekday = [hour for (_, day), hour in first.items() if day % 7 not in {6, 0}]
    assert np.median(weekend) > np.median(weekday)


def test_commands_come_in_bursts(homes: Simulation) -> None:
    gaps = [
        (after.time - before.time) / timedelta(minutes=1)
        for events in by_home(homes).values()
        for before, after in pairwise(events)
    ]
    assert 0.1 < np.mean([gap < 1.0 for gap in gaps]) < 0.4


def test_a_home_keeps_exploring_but_less_and_less(homes: Simulation) -> None:
    new, all_of = Counter[bool](), Counter[bool]()
    for events in by_home(homes).values():
        seen: set[str] = set()
        for event in events:
            late = event.time - events[0].time > timedelta(days=10)
            all_of[late] += 1
            new[late] += event.intent not in seen
            seen.add(event.intent)
    assert 0.0 < new[True] / all_of[True] < 0.05 < new[False] / all_of[False]


def test_locks_are_used_by_some_homes_and_rarely(homes: Simulation) -> None:
    unlocks = {"lock.HassTurnOff", "security.UnlockDoor"}
    counts = [
        sum(event.intent in unlocks for event in events) for events in by_home(homes).values()
    ]
    assert 5 <= sum(count > 0 for count in counts) <= 25
    assert sum(counts) < 0.04 * len(homes.events)


def test_an_empty_home_gives_no_commands() -> None:
    rng = np.random.default_rng(0)
    holidays = [draw_home(30, rng, DIALECTS).holidays for _ in range(60)]
    assert any(holidays)
    home = draw_home(30, np.random.default_rng(1), DIALECTS)
    home.holidays = [(3, 5)]
    assert [home.is_away(day) for day in (2, 3, 5, 6)] == [False, True, True, False]


def test_the_tables_name_only_commands_and_hours_that_exist() -> None:
    steps = {step for steps in ROUTINES.values() for step in steps}
    steps |= {step for occasion in OCCASIONS for step in occasion.steps}
    follow_ups = {f"{each.kind}.{each.again}" for each in COMMANDS.values() if each.again}
    assert steps | follow_ups <= COMMANDS.keys()
    assert {command.hours for command in COMMANDS.values()} <= HOURS.keys()
    assert all(len(hours) == 24 for hours in HOURS.values())
    assert all(dialect.intents.keys() <= COMMANDS.keys() for dialect in DIALECTS.values())


@pytest.mark.parametrize("name", DIALECTS)
def test_the_packaged_policy_names_every_intent_of_a_dialect(name: str) -> None:
    policy = parse_policy(POLICY_TEXT)
    intents = DIALECTS[name].intents
    assert [intent for intent in intents.values() if not policy.classify(intent).named] == []
    opening = ("lock.unlock", "garage.open", "blind.open", "alarm.disarm", "oven.on", "valve.open")
    for command in opening:
        # By device class, blinds are no entrance.
        is_entrance = not intents[command].startswith("blind.")
        assert (policy.risk_class(intents[command]) is RiskClass.PHYSICAL) is is_entrance, command
