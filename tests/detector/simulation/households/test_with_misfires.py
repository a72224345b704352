from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from detector.contracts.events import IntentEvent
from detector.simulation.households import Simulation, simulate, with_misfires
from detector.simulation.misfires import ALL_KINDS, Mixture

#: The stream, and the kind of misfire by event.
LIGHT = "lights.TurnOn"
Mixed = tuple[list[IntentEvent], dict[str, str]]


@pytest.fixture(scope="module")
def clean() -> Simulation:
    return simulate(20, 20, seed=5)


@pytest.fixture(scope="module")
def mixed(clean: Simulation) -> Mixed:
    kinds = [kind for kind in ALL_KINDS if kind != "swapped"]
    mixture = Mixture.of(kinds)
    events, labels = with_misfires(
        clean, rate=0.3, seed=1, mixture=mixture, is_risky=lambda intent: intent == LIGHT
    )
    return events, {event: kind for event, kind, _ in labels}


def test_every_kind_occurs_and_every_meant_event_is_kept(clean: Simulation, mixed: Mixed) -> None:
    events, kinds = mixed
    assert set(kinds.values()) == set(ALL_KINDS) - {"swapped"}
    ids = [event.event_id for event in events]
    assert len(set(ids)) == len(ids)
    meant = {event.event_id: event for event in events if event.event_id not in kinds}
    assert len(events) == len(meant) + len(kinds)
    assert {name: replace(event, time=clean.events[0].time) for name, event in meant.items()} == {
        event.event_id: replace(event, time=clean.events[0].time) for event in clean.events
    }


def test_a_misfire_is_labelled_turn_by_turn_under_one_chain_id(clean: Simulation) -> None:
    events, labels = with_misfires(clean, rate=0.3, seed=1)
    by_id = {event.event_id: event for event in events}
    chains = defaultdict(list)
    for event_id, kind, chain in labels:
        chains[chain].append((by_id[event_id], kind))
    for turns in chains.values():
        assert len({kind for _, kind in turns}) == 1
        assert len({event.session_id for event, _ in turns}) == 1
        assert turns[0][1] == "row" or sum(event.commits for event, _ in turns) == 1


def test_the_stream_is_in_order(mixed: Mixed) -> None:
    events, _ = mixed
    assert all(before.time <= after.time for before, after in pairwise(events))
    sessions = defaultdict(list)
    for event in events:
        sessions[event.session_id].append(event)
    for session in sessions.values():
        assert all(before.time < after.time for before, after in pairwise(session))


def test_only_confidences_and_content_reveal_a_misfire(mixed: Mixed) -> None:
    events, kinds = mixed
    sessions = defaultdict(list)
    for event in events:
        sessions[event.session_id].append(event)
        assert event.time.microsecond % 1000 == 0
        assert len(event.event_id) == len(events[0].event_id)
        assert len(event.session_id) == len(events[0].session_id)
    for session in sessions.values():
        assert len({(event.speaker_id, event.device_id, event.runtime) for event in session}) == 1

    def unknown(misfires: bool) -> float:
        """Return the share of these sessions whose speaker the runtime did not recognise."""
        found = [
            session[0].speaker_id is None
            for session in sessions.values()
            if session[0].wake_confidence is not None and (session[0].event_id in kinds) is misfires
        ]
        return float(np.mean(found))

    assert unknown(misfires=True) == pytest.approx(unknown(misfires=False), abs=0.1)
    first_digits = [
        {event.event_id[2] for event in events if (event.event_id in kinds) is wanted}
        for wanted in (True, False)
    ]
    assert first_digits[0] == first_digits[1]


def test_the_first_half_of_every_history_stays_clean(clean: Simulation, mixed: Mixed) -> None:
    events, kinds = mixed
    for household in clean.profiles:
        marked = [event.event_id in kinds for event in events if event.household_id == household]
        assert not any(marked[: len(marked) // 4])


def test_the_same_seed_gives_the_same_stream_and_a_rate_of_zero_the_clean_one(
    clean: Simulation,
) -> None:
    assert with_misfires(clean, rate=0.3, seed=1) == with_misfires(clean, rate=0.3, seed=1)
    assert with_misfires(clean, rate=0.0) == (clean.events, [])


def test_kinds_can_be_selected(clean: Simulation) -> None:
    _, labels = with_misfires(clean, rate=0.3, mixture=Mixture.of(["one_shot"]))
    assert {kind for _, kind, _ in labels} == {"one_shot"}
