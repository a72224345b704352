"""One trained bundle for the whole run: training takes seconds, and nothing that uses it may change it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import TypeAdapter

from detector.bundle import Bundle
from detector.events import IntentEvent
from detector.state import HouseholdState
from tests.detector.builders import hand_bundle, policy

_STATE: TypeAdapter[HouseholdState] = TypeAdapter(HouseholdState)


@pytest.fixture(scope="session")
def population() -> list[IntentEvent]:
    """A small simulated population's clean stream, in order of time."""
    from detector.simulation import simulate

    return list(simulate(households=12, days=12, seed=7))


@pytest.fixture(scope="session")
def trained(population: list[IntentEvent]) -> Bundle:
    """The bundle trained on ``population``."""
    from detector.training import train

    return train(population, policy())


@pytest.fixture(scope="session", params=["hand-made", "trained"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """Every bundle that the pipeline must be right with, whatever its numbers."""
    if request.param == "hand-made":
        return hand_bundle()
    found: Bundle = request.getfixturevalue("trained")
    return found


@pytest.fixture(scope="session")
def through_json() -> Callable[[HouseholdState], HouseholdState]:
    """Writes a state as the changelog does, and reads it again."""
    return lambda state: _STATE.validate_json(_STATE.dump_json(state))
