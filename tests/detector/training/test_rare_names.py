from __future__ import annotations

from collections import Counter
from dataclasses import replace

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


def of_their_own(households: int) -> list[IntentEvent]:
    """Return a town in which some households use an intent and a slot of their own."""
    own = {f"home{number}" for number in range(households)}
    return [
        changed
        for each in TOWN
        for changed in (
            (
                replace(each, slots={**each.slots, "family_slot": "k1_00"}),
                replace(each, event_id=f"own-{each.event_id}", intent="family.Ritual", slots={}),
            )
            if each.household_id in own
            else (each,)
        )
    ]


@pytest.mark.parametrize(
    ("households", "fewest", "learned"),
    [(1, None, False), (2, None, True), (4, 5, False), (5, 5, True)],
)
@pytest.mark.slow
def test_no_bundle_contains_a_name_used_by_too_few_households(
    households: int, fewest: int | None, *, learned: bool
) -> None:
    events = of_their_own(households)
    trained = train(events, policy()) if fewest is None else train(events, policy(), fewest=fewest)
    bundle = trained.bundle
    content = b"".join(bundle_to_files(bundle).values())

    assert (b"family.Ritual" in content) is learned
    assert (b"family_slot" in content) is learned
    assert bundle.model.vocabulary.knows_intent("family.Ritual") is learned


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
