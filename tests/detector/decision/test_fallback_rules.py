"""Without a model, rules make the policy's fallback stricter and never milder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import ConfirmMethod, Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.contracts.rules import Rule, RuleAct
from detector.decision.failing_closed import decide_or_fall_back
from detector.decision.fallback_rules import RULES_FAILED, fallback_under_rules
from detector.decision.rule_set import RuleSet
from detector.household.state import HouseholdState
from detector.policy.fallback import fallback_decision
from tests.detector.builders import POLICY_TEXT, START, event, hand_bundle, policy
from tests.detector.rules import rule, rule_set

AT = START.timestamp()
LATER = START.replace(year=START.year + 1)
LIGHTS = event(2, intent="lights.TurnOn", commits=True)
DOOR = event(2, intent="security.UnlockDoor", commits=True)
ORDER = list(Verdict)
INTENTS = ("lights.TurnOn", "messages.SendMessage", "security.UnlockDoor", "aquarium.FeedFish")


def acts(act: RuleAct, **fields: Any) -> Rule:
    end = {RuleAct.ALLOW: START.replace(day=28), RuleAct.SNOOZE: START.replace(hour=23)}
    return rule(act=act, expires=end.get(act), **fields)


def fallback(command: IntentEvent, *rules: Rule, text: str = POLICY_TEXT) -> Decision:
    return fallback_under_rules(
        command, policy(text), matching(command, *rules), code="no_bundle", text="There is none."
    )


def matching(command: IntentEvent, *rules: Rule) -> Callable[[], RuleSet]:
    return lambda: rule_set(*rules).only(command.intent, command.device_id, AT)


def plain(command: IntentEvent, text: str = POLICY_TEXT) -> Decision:
    return fallback_decision(command, policy(text), code="no_bundle", text="There is none.")


def test_without_rules_the_fallback_is_the_policys() -> None:
    assert fallback(LIGHTS) == plain(LIGHTS)


def test_without_a_matching_rule_only_the_version_of_the_rules_is_added() -> None:
    other = rule(intent="music.*")

    assert fallback(LIGHTS, other) == replace(plain(LIGHTS), rules=rule_set(other).version)


def test_a_block_is_visible_after_the_reason_for_the_missing_model() -> None:
    found = fallback(LIGHTS, rule(why="the lamp is broken"))

    assert (found.verdict, found.model_verdict, found.rule) == (Verdict.BLOCK, Verdict.ALLOW, "r1")
    assert [each.code for each in found.reasons] == ["no_bundle", "rule_block"]
    assert found.degraded


def test_a_rule_to_confirm_offers_no_challenge() -> None:
    text = POLICY_TEXT.replace('methods = ["spoken"', 'methods = ["challenge", "spoken"')
    found = fallback(LIGHTS, acts(RuleAct.CONFIRM), text=text)

    assert found.verdict is Verdict.CONFIRM
    assert found.confirm is not None
    assert ConfirmMethod.CHALLENGE not in found.confirm.methods


@pytest.mark.parametrize("act", [RuleAct.ALLOW, RuleAct.SNOOZE])
def test_no_rule_makes_the_fallback_milder(act: RuleAct) -> None:
    assert fallback(DOOR, acts(act)).verdict is plain(DOOR).verdict
    assert fallback(LIGHTS, acts(act), rule(rule_id="r2")).verdict is Verdict.BLOCK


@pytest.mark.parametrize("risk", [RiskClass.REVERSIBLE, RiskClass.PHYSICAL])
def test_a_class_that_a_rule_gives_counts_as_the_policys(risk: RiskClass) -> None:
    fish = event(2, intent="aquarium.FeedFish", commits=True)
    named = rule(act=RuleAct.CLASSIFY, intent="aquarium.FeedFish", risk_class=risk)
    found = fallback(fish, named)

    assert (found.risk_class, found.verdict) == (risk, policy().classes[risk].fallback)
    assert [each.code for each in found.reasons] == ["no_bundle", "rule_classify"]
    assert "unclassified_intent" in {each.code for each in plain(fish).reasons}


def test_an_event_that_does_not_commit_is_left_alone() -> None:
    turn = event(1, intent="lights.TurnOn")

    assert fallback(turn, rule()) == plain(turn)


@pytest.mark.parametrize("at", ["finding", "applying"])
def test_rules_that_fail_leave_the_policys_answer_which_says_so(at: str) -> None:
    def failing() -> RuleSet:
        if at == "finding":
            raise AttributeError
        return RuleSet((None,), "v1")  # type: ignore[arg-type]

    asked: dict[str, Any] = {"code": "no_bundle", "text": "There is none."}
    errors: list[Exception] = []
    found = fallback_under_rules(LIGHTS, policy(), failing, failed=errors.append, **asked)

    assert [type(each) for each in errors] == [AttributeError]
    assert [each.code for each in found.reasons] == ["no_bundle", RULES_FAILED]
    assert replace(found, reasons=found.reasons[:1]) == plain(LIGHTS)


@given(
    intent=st.sampled_from(INTENTS),
    chosen=st.lists(
        st.sampled_from([RuleAct.ALLOW, RuleAct.SNOOZE, RuleAct.CONFIRM, RuleAct.BLOCK]),
        max_size=4,
    ),
    enforcement=st.sampled_from(['"enforce"', '"shadow"']),
)
def test_the_strictest_rule_wins_and_none_makes_the_fallback_milder(
    intent: str, chosen: list[RuleAct], enforcement: str
) -> None:
    command = event(2, intent=intent, commits=True)
    rules = [acts(act, rule_id=f"r{number}") for number, act in enumerate(chosen)]
    own = policy(POLICY_TEXT, enforcement=enforcement)
    asked: dict[str, Any] = {"code": "no_bundle", "text": "There is none."}
    before = fallback_decision(command, own, **asked)
    found = fallback_under_rules(command, own, matching(command, *rules), **asked)

    assert ORDER.index(found.verdict) >= ORDER.index(before.verdict)
    if RuleAct.BLOCK in chosen:
        assert found.verdict is Verdict.BLOCK
    elif RuleAct.CONFIRM in chosen:
        assert found.verdict is not Verdict.ALLOW
    else:
        assert found.verdict is before.verdict
    assert (found.verdict is Verdict.CONFIRM) == (found.confirm is not None)
    assert (found.effective_verdict is Verdict.ALLOW) == (
        found.verdict is Verdict.ALLOW or enforcement == '"shadow"'
    )


def test_rules_apply_to_the_fallback_after_a_failure_of_the_core() -> None:
    broken = replace(hand_bundle(), judge=None)  # type: ignore[arg-type]
    found, _, error = decide_or_fall_back(
        HouseholdState.new("h1"), LIGHTS, broken, at=AT, rules=rule_set(rule())
    )

    assert error is not None
    assert (found.verdict, found.rule) == (Verdict.BLOCK, "r1")
    assert found.reasons[0].code == "internal_error"
