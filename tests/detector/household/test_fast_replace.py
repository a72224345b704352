from dataclasses import replace

import pytest

from detector.household.fast_replace import changed
from detector.household.state import HouseholdState


def test_a_changed_value_is_a_replaced_one_and_the_old_one_stays() -> None:
    state = HouseholdState(household_id="h1", events=3, hours=(1.0,))
    after = changed(state, events=4, novelty=0.5)
    assert after == replace(state, events=4, novelty=0.5)
    assert type(after) is HouseholdState
    assert state.events == 3


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="HouseholdState has no field uses"):
        changed(HouseholdState(household_id="h1"), uses=2)
