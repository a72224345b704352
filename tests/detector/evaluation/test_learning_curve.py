from dataclasses import replace

import numpy as np
import pytest

from detector.contracts.decisions import Verdict
from detector.evaluation.learning_curve import events_seen, grouped
from tests.detector.evaluation.test_reliability import MEANT

ALLOWED = replace(MEANT, misfire_probability=0.2)
ASKED = replace(MEANT, misfire_probability=0.8, verdict=Verdict.CONFIRM)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "0 to 9"),
        (9, "0 to 9"),
        (10, "10 to 99"),
        (99, "10 to 99"),
        (100, "100 to 999"),
        (999, "100 to 999"),
        (1_000, "1,000 or more"),
    ],
)
def test_events_are_counted_in_ranges(number: int, name: str) -> None:
    assert events_seen(number) == name


def test_each_group_is_weighted_to_the_base_rate() -> None:
    decisions = [ALLOWED, ASKED, ASKED, ALLOWED]
    truth = np.array([False, False, True, True])
    (group,) = grouped(decisions, truth, ["new"] * 4, 0.5).values()
    assert (group.commands, group.misfires) == (4, 2)
    assert (group.interrupted, group.stopped) == (0.5, 0.5)
    assert group.probability == pytest.approx(0.5)
    assert group.brier == pytest.approx((2 * 0.2**2 + 2 * 0.8**2) / 4)
    assert group.always_base_rate == 0.25


def test_a_group_without_misfires_or_meant_commands_has_no_probabilities() -> None:
    found = grouped([ALLOWED, ASKED], np.array([False, True]), ["new", "old"], 0.001)
    assert (found["new"].interrupted, found["new"].stopped) == (0.0, None)
    assert (found["old"].interrupted, found["old"].stopped) == (None, 1.0)
    assert [each.brier for each in found.values()] == [None, None]
