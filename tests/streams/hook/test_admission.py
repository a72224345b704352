from __future__ import annotations

import pytest

from detector.decisions import RiskClass
from detector.events import Act
from streams.hook.admission import SHARES, admits
from streams.policy_file import read_policy
from tests.detector.builders import event

POLICY = read_policy()
#: One intent of each risk class in the packaged policy.
INTENTS = {
    RiskClass.READ_ONLY: "weather.GetForecast",
    RiskClass.REVERSIBLE: "lights.TurnOn",
    RiskClass.PRIVATE_OUTBOUND: "messages.SendMessage",
    RiskClass.PURCHASE: "shopping.BuyItem",
    RiskClass.PHYSICAL: "locks.Unlock",
}


def test_the_mildest_class_gives_way_first_and_each_class_has_a_share() -> None:
    assert list(SHARES) == list(RiskClass)
    assert list(SHARES.values()) == sorted(SHARES.values())
    assert SHARES[RiskClass.PHYSICAL] == 1.0


@pytest.mark.parametrize("risk", RiskClass)
def test_a_class_is_admitted_up_to_its_share(risk: RiskClass) -> None:
    asked = event(1, intent=INTENTS[risk], act=Act.INITIATE, commits=True)
    assert POLICY.risk_class(asked.intent) is risk

    full = next(waiting for waiting in range(101) if not admits(asked, POLICY, waiting, 100))

    assert full == 100 * SHARES[risk]


def test_what_commits_nothing_gives_way_with_the_mildest() -> None:
    asked = event(1, intent=INTENTS[RiskClass.PHYSICAL], commits=False)

    assert admits(asked, POLICY, 49, 100)
    assert not admits(asked, POLICY, 50, 100)
