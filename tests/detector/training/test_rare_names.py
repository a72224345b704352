from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import IntentEvent
from detector.decision.bundle import bundle_to_files
from detector.training.rare_names import common_names
from detector.training.train import train
from tests.detector.builders import event, policy
from tests.detector.town import town

TOWN = town(households=8, sessions=6)


def with_names_of_their_own(users: dict[str, int]) -> list[IntentEvent]:
    """Return a town in which so many households use an intent and a slot of each name."""
    events = []
    for each in TOWN:
        number = int(each.household_id.removeprefix("home"))
        names = [name for name, households in users.items() if number < households]
        slots = {f"{name}_slot": "k1_00" for name in names}
        events.append(replace(each, slots={**each.slots, **slots}))
        events += [
            replace(each, event_id=f"{name}-{each.event_id}", intent=f"{name}.Ritual", slots={})
            for name in names
        ]
    return events


@pytest.mark.parametrize(("fewest", "given"), [(2, {}), (5, {"fewest": 5})], ids=["default", "5"])
@pytest.mark.slow
def test_no_bundle_contains_a_name_used_by_too_few_households(
    fewest: int, given: dict[str, Any]
) -> None:
    users = {"rare": fewest - 1, "common": fewest}

    bundle = train(with_names_of_their_own(users), policy(), **given).bundle

    content = b"".join(bundle_to_files(bundle).values())
    for name in users:
        learned = name == "common"
        assert (f"{name}.Ritual".encode() in content) is learned
        assert (f"{name}_slot".encode() in content) is learned
        assert bundle.model.vocabulary.knows_intent(f"{name}.Ritual") is learned


def test_common_names_are_all_kept() -> None:
    common = common_names(TOWN, 1)

    assert list(common.events) == TOWN
    assert (common.intents, common.slots) == (0, 0)


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 3), st.sets(st.sampled_from("abc"))),
        max_size=60,
    ),
    st.integers(1, 5),
)
def test_every_kept_name_is_used_by_enough_households(
    uses: list[tuple[int, int, set[str]]], fewest: int
) -> None:
    events = [
        event(
            number,
            household_id=f"h{home}",
            intent=f"domain.Intent{intent}",
            slots=dict.fromkeys(slots, "k1_00"),
        )
        for number, (home, intent, slots) in enumerate(uses)
    ]
    common = common_names(events, fewest)

    households = Counter(
        name for name, _ in {(each.intent, each.household_id) for each in common.events}
    )
    households += Counter(
        name
        for name, _ in {(slot, each.household_id) for each in common.events for slot in each.slots}
    )
    assert all(count >= fewest for count in households.values())
    kept = {each.event_id for each in common.events}
    assert [each.event_id for each in common.events] == [
        each.event_id for each in events if each.event_id in kept
    ]
    assert common_names(common.events, fewest).events == common.events
