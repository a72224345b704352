"""Which rules concern a household, and which of them match a command."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.rules import RuleAct
from detector.decision.rule_set import NO_RULES, RuleBook, RuleSet
from tests.detector.builders import START
from tests.detector.rules import rule

AT = START.timestamp()


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        ("messages.SendMessage", True),
        ("Messages.send_message", True),
        ("messages.*", True),
        ("*.Send*", True),
        ("messages.Send", False),
        ("lights.*", False),
    ],
)
def test_a_pattern_ignores_case_and_underscores(pattern: str, matches: bool) -> None:
    found = RuleSet.of([rule(intent=pattern)])

    assert bool(found.matching("messages.SendMessage", "d1", AT)) == matches


def test_a_rule_for_a_device_matches_that_device_only() -> None:
    found = RuleSet.of([rule(device_id="kitchen")])

    assert found.matching("a.B", "kitchen", AT)
    assert not found.matching("a.B", "hall", AT)


def test_a_rule_ends_with_its_expiry() -> None:
    found = RuleSet.of([rule(expires=START + timedelta(hours=1))])

    assert found.matching("messages.SendMessage", "d1", AT + 3599.9)
    assert not found.matching("messages.SendMessage", "d1", AT + 3600.0)


def test_invented_intents_do_not_fill_the_memory() -> None:
    found = RuleSet.of([rule(intent="lights.*")])
    for number in range(1000):
        assert not found.matching(f"invented.Name_{number}", "d1", AT)
        assert found.matching("lights.TurnOn", "d1", AT)

    assert len(found._known) <= 256


def test_the_version_depends_on_the_rules_and_not_on_their_order() -> None:
    one, two = rule(), rule(rule_id="r2", intent="a.B")

    assert RuleSet.of([one, two]) == RuleSet.of([two, one])
    assert RuleSet.of([one]).version != RuleSet.of([two]).version
    assert RuleSet.of([]) is NO_RULES
    assert NO_RULES.version is None


names = st.sampled_from(["acme", "beta", ""])
homes = st.sampled_from([1, 2, None])


@given(st.lists(st.tuples(names, homes, st.sampled_from(RuleAct)), max_size=6), names, homes)
def test_a_household_has_the_rules_of_its_tenant_and_no_others(
    made: list[tuple[str, int | None, RuleAct]], tenant: str, home: int | None
) -> None:
    """What another tenant or household has, changes neither the rules nor their version."""
    rules = {}
    for number, (owner, place, act) in enumerate(made):
        if act in {RuleAct.BLOCK, RuleAct.CONFIRM}:
            household = None if place is None else f"{owner or 'free'}_{place}"
            each = rule(rule_id=f"r{number}", act=act, tenant=owner, household_id=household)
            rules[each.rule_id] = each
    household_id = f"{tenant or 'free'}_{home or 9}"
    ours = {
        name: each
        for name, each in rules.items()
        if each.tenant in {"", tenant} and each.household_id in {None, household_id}
    }

    found = RuleBook(rules).of(household_id, tenant)

    assert set(found.rules) == set(ours.values())
    assert found == RuleBook(ours).of(household_id, tenant)
