from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.contracts.decisions import Confirm, ConfirmMethod, RiskClass, Verdict
from detector.evaluation.costs import WAYS, cost_per_thousand
from tests.detector.builders import policy
from tests.detector.evaluation.test_reliability import MEANT

#: One in a thousand commands is a misfire. A misfired message costs 400, and blocking a meant one
#: costs 30. Confirming by phone costs 1 and leaks 1 %.
POLICY = policy()
TRUTH = np.array([False, True])


def costs(
    meant: Verdict, misfire: Verdict, risk: RiskClass = RiskClass.PRIVATE_OUTBOUND
) -> dict[str, float]:
    decisions = [replace(MEANT, verdict=verdict, risk_class=risk) for verdict in (meant, misfire)]
    return cost_per_thousand(decisions, TRUTH, POLICY)


@pytest.mark.parametrize(
    ("meant", "misfire", "wanted"),
    [
        (Verdict.ALLOW, Verdict.BLOCK, 0.0),
        (Verdict.ALLOW, Verdict.ALLOW, 400.0),
        (Verdict.ALLOW, Verdict.CONFIRM, 1.0 + 400.0 * 0.01),
        (Verdict.CONFIRM, Verdict.BLOCK, 999.0),
        (Verdict.BLOCK, Verdict.BLOCK, 999.0 * 30.0),
    ],
)
def test_a_thousand_commands_cost_what_the_policy_states(
    meant: Verdict, misfire: Verdict, wanted: float
) -> None:
    assert costs(meant, misfire)["misfire"] == pytest.approx(wanted)


def test_the_other_rules_ignore_the_verdict() -> None:
    worst, best = costs(Verdict.BLOCK, Verdict.ALLOW), costs(Verdict.ALLOW, Verdict.BLOCK)
    assert best.keys() == WAYS.keys()
    for way in WAYS.keys() - {"misfire"}:
        assert worst[way] == best[way] > 0
    assert best["always allow"] == pytest.approx(400.0)
    assert best["ask for outbound and purchases"] == pytest.approx(1000.0 + 400.0 * 0.01)


def test_todays_assistants_do_not_confirm_a_light() -> None:
    found = costs(Verdict.ALLOW, Verdict.ALLOW, RiskClass.REVERSIBLE)
    assert found["ask for outbound and purchases"] == found["always allow"] == pytest.approx(20.0)


def test_our_cost_is_that_of_the_requested_method() -> None:
    pin = Confirm(
        methods=(ConfirmMethod.PIN, ConfirmMethod.PHONE_PUSH), prompt="Was this intended?"
    )
    decisions = [
        replace(MEANT, verdict=verdict, confirm=pin)
        for verdict in (Verdict.CONFIRM, Verdict.CONFIRM)
    ]
    found = cost_per_thousand(decisions, TRUTH, POLICY)
    # A PIN costs 2 and leaks .1 %; always asking uses the phone.
    assert found["misfire"] == pytest.approx(2000.0 + 400.0 * 0.001)
    assert found["ask for outbound and purchases"] == pytest.approx(1000.0 + 400.0 * 0.01)
