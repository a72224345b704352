"""Fixtures of the core's tests: one trained bundle for the whole run; training takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle, bundle_from_files, bundle_to_files
from detector.household.state import HouseholdState
from detector.training.train import train
from tests.conftest import OnceARun
from tests.detector.builders import hand_bundle, policy
from tests.detector.town import town

_STATE: TypeAdapter[HouseholdState] = TypeAdapter(HouseholdState)


@pytest.fixture(scope="session")
def population() -> list[IntentEvent]:
    """The events of a small town, all of them meant, in order of time."""
    return town(households=9, sessions=24)


@pytest.fixture(scope="session")
def trained(population: list[IntentEvent], once_a_run: OnceARun) -> Bundle:
    """The bundle trained on ``population``."""

    def make(place: Path) -> None:
        place.mkdir()
        for name, content in bundle_to_files(train(population, policy()).bundle).items():
            (place / name).write_bytes(content)

    place = once_a_run("trained", make)
    return bundle_from_files({file.name: file.read_bytes() for file in place.iterdir()})


@pytest.fixture(scope="session", params=["hand-made", "trained"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """The bundles with which every property of the pipeline must hold."""
    if request.param == "hand-made":
        return hand_bundle()
    found: Bundle = request.getfixturevalue("trained")
    return found


@pytest.fixture(scope="session")
def through_json() -> Callable[[HouseholdState], HouseholdState]:
    """A function that writes a state as JSON and reads it again."""
    return lambda state: _STATE.validate_json(_STATE.dump_json(state))
