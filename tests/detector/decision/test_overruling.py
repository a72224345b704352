"""Rules change the model's verdict visibly: the strictest wins, and none lifts a grave class."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import (
    MILD,
    ConfirmMethod,
    Decision,
    RiskClass,
    Verdict,
    verdict_of_model,
)
from detector.contracts.events import Act, IntentEvent, OutcomeKind
from detector.contracts.rules import Rule, RuleAct
from detector.contracts.standing import Standing
from detector.decision.decide import decide
from detector.decision.overruling import overruled
from detector.decision.rule_set import RuleBook
from detector.household.outcomes import report
from detector.household.state import HouseholdState
from detector.policy.block_budget import is_block
from detector.policy.fallback import draft_decision, with_verdict
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    START,
    SURE,
    event,
    hand_bundle,
    outcome,
    policy,
)
from tests.detector.rules import rule, rule_set

AT = START.timestamp()
LATER = START + timedelta(hours=2)
ORDER = list(Verdict)


def lights(wake: float = ABSURD, **fields: Any) -> IntentEvent:
    """Return a command of a mild class; the model interrupts it if ``wake`` is low."""
    given: dict[str, Any] = {"intent": "lights.TurnOn", "commits": True, "wake_confidence": wake}
    return event(2, **(given | fields))


def decided(
    command: IntentEvent, *rules: Rule, state: HouseholdState | None = None
) -> tuple[Decision, HouseholdState]:
    before = state or HouseholdState.new("h1")
    return decide(before, command, hand_bundle(), at=command.seconds, rules=rule_set(*rules))


def test_without_a_matching_rule_only_the_version_of_the_rules_is_added() -> None:
    plain, _ = decided(lights())
    other = rule(intent="music.*")
    found, _ = decided(lights(), other)

    assert plain.rules is None
    assert found == replace(plain, rules=rule_set(other).version)


def test_a_block_is_visible_and_not_learned_from() -> None:
    found, state = decided(lights(SURE), rule(why="the lamp is broken"))

    assert (found.verdict, found.model_verdict, found.rule) == (Verdict.BLOCK, Verdict.ALLOW, "r1")
    assert found.reasons[0].code == "rule_block"
    assert found.reasons[0].text == "Rule r1 of ops blocks it: the lamp is broken"
    assert [each.standing for each in state.pending] == [Standing.BLOCKED]
    assert not is_block(found)


def test_a_rule_to_confirm_asks_the_household() -> None:
    found, state = decided(lights(SURE), rule(act=RuleAct.CONFIRM))

    assert (found.verdict, found.model_verdict) == (Verdict.CONFIRM, Verdict.ALLOW)
    assert found.confirm is not None
    assert found.confirm.confirmation_id
    assert ConfirmMethod.SPOKEN in found.confirm.methods
    assert [each.state for each in state.questions] == ["open"]


@pytest.mark.parametrize("act", [RuleAct.ALLOW, RuleAct.SNOOZE])
def test_a_command_that_only_a_rule_lets_run_is_not_learned(act: RuleAct) -> None:
    plain, _ = decided(lights())
    found, state = decided(lights(), rule(act=act, expires=LATER))

    assert plain.verdict is not Verdict.ALLOW
    assert (found.verdict, found.effective_verdict) == (Verdict.ALLOW, Verdict.ALLOW)
    assert found.confirm is None
    assert found.reasons[1:] == plain.reasons
    assert verdict_of_model(found) is plain.verdict
    refused, state = report(state, outcome("e2", OutcomeKind.EXECUTED, seconds=30), at=AT + 30)
    assert refused is None
    _, state = decided(lights(SURE, event_id="e9", time=START + timedelta(days=1)), state=state)
    assert state.intents == {}
    assert [each.standing for each in state.pending][:1] == [Standing.LET_RUN]


def test_an_unclassified_intent_gets_the_class_of_a_rule() -> None:
    command = lights(SURE, intent="zebra.Frobnicate")
    plain, _ = decided(command)
    given = {"act": RuleAct.CLASSIFY, "intent": command.intent}
    found, _ = decided(command, rule(**given, risk_class=RiskClass.READ_ONLY))

    assert plain.risk_class is RiskClass.PRIVATE_OUTBOUND
    assert "unclassified_intent" in {each.code for each in plain.reasons}
    assert (found.risk_class, found.verdict, found.rule) == (
        RiskClass.READ_ONLY,
        Verdict.ALLOW,
        "r1",
    )
    assert [each.code for each in found.reasons] == ["rule_classify"]
    strict = rule(**given, rule_id="r2", risk_class=RiskClass.PURCHASE)
    both, _ = decided(command, rule(**given, risk_class=RiskClass.READ_ONLY), strict)
    assert (both.risk_class, both.rule) == (RiskClass.PURCHASE, "r2")


def test_a_rule_gives_no_class_to_an_intent_that_the_policy_names() -> None:
    strict = rule(act=RuleAct.CLASSIFY, intent="lights.TurnOn", risk_class=RiskClass.PHYSICAL)

    found, _ = decided(lights(SURE), strict)

    assert (found.risk_class, found.rule) == (RiskClass.REVERSIBLE, None)


def test_a_turn_that_does_not_commit_is_not_ruled_on() -> None:
    found, _ = decided(lights(commits=False, act=Act.INITIATE), rule())

    assert (found.verdict, found.rules) == (Verdict.ALLOW, None)


acts = st.sampled_from([RuleAct.ALLOW, RuleAct.SNOOZE, RuleAct.CONFIRM, RuleAct.BLOCK])
verdicts, classes = st.sampled_from(Verdict), st.sampled_from(RiskClass)


def judged(verdict: Verdict, risk: RiskClass) -> Decision:
    """Return a decision with the model's verdict."""
    draft = draft_decision(
        event(commits=True), policy(), "b1", decided(lights())[0].rung, risk=risk
    )
    return with_verdict(draft, policy(), verdict, 0.5)


def made(number: int, act: RuleAct) -> Rule:
    return rule(rule_id=f"r{number}", act=act, expires=LATER)


@given(verdicts, classes, st.lists(acts, min_size=1, max_size=5))
def test_the_strictest_rule_wins(verdict: Verdict, risk: RiskClass, found: list[RuleAct]) -> None:
    rules = [made(number, act) for number, act in enumerate(found)]

    after = overruled(judged(verdict, risk), rules, policy()).verdict

    if RuleAct.BLOCK in found:
        assert after is Verdict.BLOCK
    elif RuleAct.CONFIRM in found:
        assert after is policy().at_least_confirm(risk, verdict)
    else:
        assert after is (Verdict.ALLOW if risk in MILD else verdict)
    assert overruled(judged(verdict, risk), rules[::-1], policy()).verdict is after


@given(verdicts, classes, st.lists(acts, max_size=5))
def test_no_rule_makes_a_command_of_a_grave_class_less_strict(
    verdict: Verdict, risk: RiskClass, found: list[RuleAct]
) -> None:
    before = judged(verdict, risk)
    after = overruled(before, [made(number, act) for number, act in enumerate(found)], policy())

    if risk not in MILD:
        assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)
    assert (after.rule is None) == (after == before)
    assert verdict_of_model(after) is before.verdict


@given(st.lists(acts, min_size=1, max_size=4), st.sampled_from([SURE, DOUBTFUL, ABSURD]))
def test_expired_rules_and_those_of_other_tenants_change_nothing(
    found: list[RuleAct], wake: float
) -> None:
    command = lights(wake, time=LATER)
    rules = {}
    for number, act in enumerate(found):
        expired = made(number, act)
        rules[expired.rule_id] = expired
        foreign = replace(
            expired, rule_id=f"f{number}", tenant="other", expires=LATER.replace(hour=23)
        )
        rules[foreign.rule_id] = foreign
    concerning = RuleBook(rules).of("h1", "")

    after, state = decide(
        HouseholdState.new("h1"), command, hand_bundle(), at=command.seconds, rules=concerning
    )

    plain, bare = decided(command)
    assert replace(after, rules=None) == plain
    assert replace(state, recent=()) == replace(bare, recent=())
