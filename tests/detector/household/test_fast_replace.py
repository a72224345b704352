from dataclasses import replace

import pytest

from detector.household.fast_replace import changed
from detector.household.state import HouseholdState


def test_changing_a_value_leaves_the_original_unchanged() -> None:
    state = HouseholdState(household_id="h1", events=3, hours=(1.0,))
    after = changed(state, events=4, novelty=0.5)
    assert after == replace(state, events=4, novelty=0.5)
    assert type(after) is HouseholdState
    assert state.events == 3


def test_an_unknown_field_is_rejected() -> None:
    with pytest.raises(AttributeError, match="HouseholdState has no field uses"):
        changed(HouseholdState(household_id="h1"), uses=2)
