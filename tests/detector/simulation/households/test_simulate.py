from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from detector.contracts.events import IntentEvent, domain_of
from detector.household.grouping import sessions_by_household
from detector.simulation.households import (
    Channels,
    Simulation,
    dialogue,
    simulate,
    skill_of,
    spoken,
)

CHANNELS = ("wake_confidence", "asr_confidence", "intent_confidence")


@pytest.fixture(scope="module")
def town() -> Simulation:
    return simulate(40, 20, seed=7)


def by_household(simulation: Simulation) -> dict[str, list[IntentEvent]]:
    found: dict[str, list[IntentEvent]] = {name: [] for name in simulation.profiles}
    for event in simulation.events:
        found[event.household_id].append(event)
    return found


def test_the_seed_determines_the_stream() -> None:
    first, again, other = (simulate(5, 10, seed=seed) for seed in (7, 7, 8))
    assert again == first
    assert other.events[:100] != first.events[:100]


def test_a_household_does_not_depend_on_the_others(town: Simulation) -> None:
    few = simulate(3, 20, seed=7)
    assert all(town.profiles[name] == profile for name, profile in few.profiles.items())
    assert few.events == [event for event in town.events if event.household_id in few.profiles]


def test_first_skips_earlier_households(town: Simulation) -> None:
    later = simulate(2, 20, seed=7, first=38)
    assert list(later.profiles) == list(town.profiles)[-2:]
    assert later.events == [event for event in town.events if event.household_id in later.profiles]


def test_the_stream_is_ordered_by_time_with_unique_ids(town: Simulation) -> None:
    assert all(before.time <= after.time for before, after in pairwise(town.events))
    assert len({event.event_id for event in town.events}) == len(town.events)
    for sessions in sessions_by_household(town.events).values():
        for session in sessions:
            assert all(before.time < after.time for before, after in pairwise(session))
            assert len({event.device_id for event in session}) == 1


def test_ids_and_tokens_are_opaque(town: Simulation) -> None:
    for event in town.events:
        named = (
            event.event_id,
            event.household_id,
            event.session_id,
            event.device_id,
            *event.slots.values(),
        )
        assert [len(name.partition("_")[2]) for name in named] == [16] * len(named)
        assert all(set(name.partition("_")[2]) <= set("0123456789abcdef") for name in named)


def test_events_fall_within_the_simulated_days() -> None:
    start = datetime(2027, 3, 1, tzinfo=UTC)
    events = simulate(10, 3, start=start).events
    assert start <= events[0].time
    assert events[-1].time < start + timedelta(days=3, hours=1)
    assert len({event.time.date() for event in events}) == 3


def test_a_household_mostly_uses_its_favourite_domains(town: Simulation) -> None:
    for profile in town.profiles.values():
        assert 5 <= len(profile.domains) <= 8
        assert 1 <= len(profile.devices) <= 4
        assert 1 <= len(profile.speakers) <= 4
    liked = [
        event.domain in town.profiles[event.household_id].domains
        for event in town.events
        if event.domain != "conversation"
    ]
    assert 0.9 < np.mean(liked) < 0.99


def test_something_new_is_outside_the_favourite_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    # The package exports a function of the same name as the module.
    monkeypatch.setattr(import_module("detector.simulation.households.simulate"), "_NOVEL", 1.0)
    monkeypatch.setattr(import_module("detector.simulation.households.simulate"), "_GUEST", 0.0)
    simulation = simulate(3, 5)
    for event in simulation.events:
        profile = simulation.profiles[event.household_id]
        routine = {
            name for each in profile.routines for name in (each.skill.intent, each.skill.search)
        }
        assert event.domain not in profile.domains or event.intent in routine


def test_routines_recur_at_their_hour_with_the_same_slots(town: Simulation) -> None:
    kept = []
    for name, events in by_household(town).items():
        for routine in town.profiles[name].routines:
            days = {
                event.time.date()
                for event in events
                if event.intent == routine.skill.intent
                and abs(event.time.hour + event.time.minute / 60 - routine.hour) < 1.0
                and event.slots.items() <= routine.slots.items()
            }
            kept.append(len(days) / 20)
    assert np.mean(kept) > 0.5


def test_contacts_are_few_and_recur(town: Simulation) -> None:
    shares = []
    for events in by_household(town).values():
        contacts = Counter(event.slots["contact"] for event in events if "contact" in event.slots)
        if sum(contacts.values()) > 10:
            shares.append(contacts.most_common(1)[0][1] / sum(contacts.values()))
    assert np.mean(shares) > 0.3


def test_a_runtime_reports_all_confidences_or_one_or_none(town: Simulation) -> None:
    wanted = {
        Channels.ALL: set(CHANNELS),
        Channels.ASR_ONLY: {"asr_confidence"},
        Channels.NONE: set(),
    }
    for event in town.events:
        channels = town.profiles[event.household_id].channels
        assert {name for name in CHANNELS if getattr(event, name) is not None} == wanted[channels]
        assert channels is Channels.ALL or event.speaker_id is None
    assert {profile.channels for profile in town.profiles.values()} == set(Channels)


def test_meant_turns_mostly_have_high_confidences(town: Simulation) -> None:
    heard = [event.wake_confidence for event in town.events if event.wake_confidence is not None]
    assert 0.85 < np.mean(heard) < 0.92
    assert 0.01 < np.mean(np.array(heard) < 0.6) < 0.06


def test_a_new_dialogue_fits_its_household(town: Simulation) -> None:
    profile = next(found for found in town.profiles.values() if found.channels is Channels.ALL)
    rng = np.random.default_rng(1)
    begin = datetime(2026, 2, 1, 19, tzinfo=UTC)
    turns = dialogue(skill_of("messages.SendMessage"), {"contact": "k1_a44e"}, rng, polite=0.0)
    events = spoken(profile, turns, begin, rng, device=profile.devices[0])
    assert [event.intent for event in events] == [turn.intent for turn in turns]
    assert [event.commits for event in events] == [False] * (len(turns) - 1) + [True]
    assert events[0].time == begin
    assert {event.device_id for event in events} == {profile.devices[0]}
    assert all(event.wake_confidence is not None for event in events)
    assert len({event.session_id for event in events}) == 1


def test_progress_is_reported_to_the_end() -> None:
    seen: list[tuple[str, int, int]] = []
    simulate(4, 2, progress=lambda stage, done, total: seen.append((stage, done, total)))
    assert [done for _, done, _ in seen] == [0, 1, 2, 3, 4]
    assert {total for _, _, total in seen} == {4}


def test_the_default_size_is_enough_to_train_on() -> None:
    simulation = simulate(30, 30)
    assert 4_500 < len(simulation.events) < 8_000
    commands = Counter(domain_of(event.intent) for event in simulation.events if event.commits)
    assert len(commands) >= 10
