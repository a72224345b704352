from collections import Counter

import pytest

from detector.contracts.errors import NotEnoughData
from detector.evaluation.scenarios.month import DAYS, month


def is_lock(intent: str) -> bool:
    return intent.startswith("lock.")


def test_homes_give_about_as_many_commands_as_wanted_and_phantoms_are_risky() -> None:
    found = month("home_assistant_by_device_class", homes=1, per_day=8.0, is_risky=is_lock)
    meant = Counter(
        event.household_id for event in found.events if event.event_id not in found.phantoms
    )
    assert len(meant) == 1
    assert all(6.0 <= count / DAYS <= 10.0 for count in meant.values())
    phantoms = [event for event in found.events if event.event_id in found.phantoms]
    assert phantoms
    assert all(event.domain == "lock" for event in phantoms)


def test_too_few_busy_homes_are_an_error() -> None:
    with pytest.raises(NotEnoughData, match="give about 900 commands a day"):
        month("packaged", homes=1, per_day=900.0, is_risky=is_lock)
