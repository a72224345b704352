import numpy as np
import pytest

from detector.contracts.decisions import RiskClass
from detector.decision.training_report import OURS
from detector.judge.calibration import Calibration
from detector.training.readiness import HeldOut, readiness_of
from tests.detector.builders import policy

KNOWN = (RiskClass.PHYSICAL, False)
USUAL = Calibration({KNOWN: np.linspace(-20.0, -1.0, 1000)})
ALLOW, ASK = "always allow", "ask about every harmful command"


def chains(meant: float, misfire: float, harm: float = 600.0) -> list[HeldOut]:
    return [
        *[HeldOut(KNOWN, meant, misfire=False, harm=harm)] * 999,
        HeldOut(KNOWN, misfire, misfire=True, harm=harm),
    ]


def test_a_judge_that_separates_costs_less_than_each_rule() -> None:
    found = readiness_of(chains(-10.0, 20.0), USUAL, policy())
    # A misfire costs 600 if it runs, and a question 1 (phone_push), in a class where one in 1,000
    # commands is a misfire.
    assert found.overall[ALLOW] == pytest.approx(600.0)
    assert found.overall[ASK] == pytest.approx(1000.0 + 0.01 * 600.0)
    assert found.overall[OURS] < 10.0
    assert found.may_enforce
    assert found.by_class == {RiskClass.PHYSICAL: found.overall}


def test_a_judge_that_interrupts_only_meant_commands_is_not_ready() -> None:
    found = readiness_of(chains(20.0, -10.0), USUAL, policy())
    assert found.overall[OURS] > found.overall[ALLOW]
    assert not found.may_enforce


def test_a_misfire_costs_the_harm_of_its_own_intent() -> None:
    found = readiness_of(chains(-10.0, 20.0, harm=80.0), USUAL, policy())
    assert found.overall[ALLOW] == pytest.approx(80.0)
    assert found.overall[ASK] == pytest.approx(1000.0 + 0.01 * 80.0)


def test_a_class_without_calibration_costs_what_its_fallback_costs() -> None:
    found = readiness_of(chains(-10.0, 20.0), Calibration({}), policy())
    # Every command is asked about; the likely misfire by the safer method (pin).
    assert found.overall[OURS] == pytest.approx(999.0 + 2.0 + 0.001 * 600.0)
