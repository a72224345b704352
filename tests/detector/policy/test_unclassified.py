"""Intents that no rule of the policy names, on every rung."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import ConfirmMethod, RiskClass, Rung, Verdict
from detector.contracts.events import INTENT_FORM
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from detector.policy.fallback import fallback_decision
from detector.policy.intent_rules import Classified
from detector.policy.unclassified import UNCLASSIFIED, why_unclassified
from tests.detector.builders import POLICY_TEXT, SURE, event, hand_bundle, policy

#: A policy without rules that falls back to allow. Intents known from training are unclassified.
NAMELESS = POLICY_TEXT[: POLICY_TEXT.index("[[intents]]")].replace('"confirm"', '"allow"') + (
    '[[intents]]\nclass = "reversible"\npatterns = ["*"]\n[unclassified]\nclass = "reversible"\n'
)
BOTH = policy(), policy(NAMELESS)
NEW = HouseholdState.new("h1")


def asked_for(intent: str) -> list[tuple[Verdict, list[str]]]:
    """Return verdict and reason codes of clear speech on each rung under a policy without rules."""
    bundle = hand_bundle(rules=policy(NAMELESS))
    heard = event(intent=intent, commits=True, wake_confidence=SURE)
    decisions = [
        decide(NEW, heard, bundle, at=heard.seconds, rung=rung)[0]
        for rung in (Rung.WORKER, Rung.GATEWAY)
    ]
    decisions.append(
        fallback_decision(heard, bundle.policy, code="no_bundle", text="There is none.")
    )
    return [(found.verdict, [reason.code for reason in found.reasons]) for found in decisions]


def test_the_reason_names_the_intent_and_its_class() -> None:
    reason = why_unclassified(event(commits=True), Classified(RiskClass.PURCHASE, named=False))
    assert reason is not None
    assert (reason.code, reason.bits) == (UNCLASSIFIED, 0.0)
    assert "messages.SendMessage" in reason.text
    assert "purchase" in reason.text


def test_named_and_uncommitted_intents_have_no_such_reason() -> None:
    assert why_unclassified(event(commits=True), Classified(RiskClass.PURCHASE, named=True)) is None
    assert why_unclassified(event(), Classified(RiskClass.PURCHASE, named=False)) is None


def test_an_unclassified_intent_known_to_training_is_confirmed_on_every_rung() -> None:
    worker, gateway, rule = asked_for("lights.TurnOn")
    assert worker == gateway == (Verdict.CONFIRM, [UNCLASSIFIED])
    assert rule == (Verdict.CONFIRM, ["no_bundle", UNCLASSIFIED])


def test_an_intent_unknown_to_training_is_confirmed_on_every_rung() -> None:
    worker, gateway, rule = asked_for("quiz.Start")
    assert worker == gateway == (Verdict.CONFIRM, [UNCLASSIFIED])
    assert rule == (Verdict.CONFIRM, ["no_bundle", UNCLASSIFIED])


@given(st.from_regex(INTENT_FORM, fullmatch=True))
def test_an_unclassified_intent_is_never_allowed(intent: str) -> None:
    heard = event(intent=intent, commits=True)
    for rules in BOTH:
        decision = fallback_decision(heard, rules, code="no_bundle", text="There is none.")
        assert rules.classify(intent).named or decision.verdict is not Verdict.ALLOW


def test_an_unclassified_intent_whose_class_has_no_methods_is_blocked() -> None:
    text = NAMELESS.replace('methods = ["spoken", "phone_push"]', "methods = []")
    heard = event(intent="lights.TurnOn", commits=True, wake_confidence=SURE)
    assert (
        decide(NEW, heard, hand_bundle(rules=policy(text)), at=heard.seconds)[0].verdict
        is Verdict.BLOCK
    )
    assert (
        fallback_decision(heard, policy(text), code="late", text="Late.").verdict is Verdict.BLOCK
    )


def test_a_class_whose_only_method_cannot_be_checked_is_blocked() -> None:
    text = NAMELESS.replace('methods = ["spoken", "phone_push"]', 'methods = ["challenge"]')
    heard = event(intent="lights.TurnOn", commits=True, wake_confidence=SURE)
    worker = decide(NEW, heard, hand_bundle(rules=policy(text)), at=heard.seconds)[0]
    assert worker.confirm is not None
    assert worker.confirm.methods == (ConfirmMethod.CHALLENGE,)
    decision = fallback_decision(heard, policy(text), code="late", text="Late.")
    assert (decision.verdict, decision.confirm) == (Verdict.BLOCK, None)


def test_an_event_that_does_not_commit_is_allowed() -> None:
    heard = event(intent="quiz.Start")
    assert decide(NEW, heard, hand_bundle(), at=heard.seconds)[0].verdict is Verdict.ALLOW
    assert fallback_decision(heard, policy(), code="late", text="Late.").verdict is Verdict.ALLOW


@pytest.mark.parametrize("pattern", ["quiz.Start", "quiz.*", "*.Start"])
def test_a_rule_that_names_the_intent_ends_the_confirmations(pattern: str) -> None:
    ours = f'[[intents]]\nclass = "reversible"\npatterns = ["{pattern}"]\n\n[[intents]]'
    rules = policy(POLICY_TEXT.replace("[[intents]]", ours, 1))
    heard = event(intent="quiz.Start", commits=True)
    decision = fallback_decision(heard, rules, code="late", text="Late.")
    assert (decision.verdict, [reason.code for reason in decision.reasons]) == (
        Verdict.ALLOW,
        ["late"],
    )


def test_a_bundle_lists_the_unclassified_intents_of_its_training() -> None:
    assert hand_bundle().unclassified == []
    assert hand_bundle(rules=policy(NAMELESS)).unclassified == [
        "conversation.Thanks",
        "lights.TurnOn",
        "messages.SendMessage",
        "music.FindSongs",
        "music.PlaySong",
    ]
