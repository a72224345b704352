from __future__ import annotations

import math

import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.events import Act
from streams.files.policy import read_policy
from streams.gateway.admission import SHARES, share_of
from streams.gateway.shares import TENANT_SHARE, Places
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


def test_the_mildest_class_is_shed_first() -> None:
    assert list(SHARES) == list(RiskClass)
    assert list(SHARES.values()) == sorted(SHARES.values())
    assert SHARES[RiskClass.PHYSICAL] == 1.0


@pytest.mark.parametrize("risk", RiskClass)
@pytest.mark.parametrize(("tenant", "most"), [("", 1.0), ("acme", TENANT_SHARE)])
def test_a_class_is_admitted_up_to_its_share(risk: RiskClass, tenant: str, most: float) -> None:
    asked = event(1, intent=INTENTS[risk], act=Act.INITIATE, commits=True)
    assert POLICY.risk_class(asked.intent) is risk

    places = Places(100)
    while places.admits(tenant, f"h{places.taken}", share_of(asked, POLICY)):
        places.take(tenant, f"h{places.taken}")

    assert places.taken == math.ceil(100 * most * SHARES[risk])


def test_an_event_that_does_not_commit_is_shed_with_the_mildest_class() -> None:
    assert share_of(event(1, intent=INTENTS[RiskClass.PHYSICAL], commits=False), POLICY) == 0.5
