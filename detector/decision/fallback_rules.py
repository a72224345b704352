"""The policy's fallback under rules, which can only make it stricter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from detector.contracts.decisions import Decision, Reason, Rung
from detector.contracts.events import IntentEvent
from detector.contracts.rules import RuleAct
from detector.decision.overruling import classified_by, named_in, overruled
from detector.decision.rule_set import RuleSet
from detector.policy.fallback import fallback_decision, without_challenge
from detector.policy.policy import Policy

__all__ = ["RULES_FAILED", "fallback_under_rules"]

#: Reason code of a fallback that was made without rules, because an error kept them from applying.
RULES_FAILED = "rules_failed"
_FAILED_TEXT = "An internal error kept the operator's rules from applying to this answer."
#: Acts that count without a model. An allow or a snooze answers for the model's doubts, and without
#: a model nothing says how large they are.
_STRICTER = frozenset({RuleAct.CONFIRM, RuleAct.BLOCK})


def fallback_under_rules(
    event: IntentEvent,
    policy: Policy,
    matching: Callable[[], RuleSet],
    *,
    code: str,
    text: str,
    rung: Rung = Rung.POLICY,
    bundle: str = "none",
    failed: Callable[[Exception], None] = lambda _: None,
) -> Decision:
    """Return the policy's fallback (``fallback_decision``) after the rules.

    The strictest matching rule to confirm or to block applies. A rule to classify counts as one of
    the policy. The first reason is still why there is no verdict of the model.

    The policy answers whatever happens to the rules: if finding or applying them raises an error,
    the result is the plain fallback, and its last reason is ``rules_failed``.

    Args:
        event: the event to decide on.
        policy: the policy that supplies the fallback.
        matching: returns the rules that match the event, as ``RuleSet.only`` does; called once, and
            only for an event that commits.
        code: reason code for the missing model verdict.
        text: the same reason as a sentence.
        rung: the rung that answers.
        bundle: the version of the bundle, if one is loaded.
        failed: called with the error if the rules fail.
    """
    plain = fallback_decision(event, policy, code=code, text=text, rung=rung, bundle=bundle)
    if not event.commits:
        return plain
    try:
        return _under(matching(), plain, event, policy, code=code, text=text)
    except Exception as error:  # noqa: BLE001 - an answer must be given, and it says what failed
        failed(error)
    reason = Reason(code=RULES_FAILED, event_id=event.event_id, bits=0.0, text=_FAILED_TEXT)
    return replace(plain, reasons=(*plain.reasons, reason))


def _under(
    rules: RuleSet, plain: Decision, event: IntentEvent, policy: Policy, *, code: str, text: str
) -> Decision:
    """Return the fallback after the rules that match the event."""
    if rules.version is None:
        return plain
    classified, classifying = classified_by(rules.rules, policy.classify(event.intent))
    decision = fallback_decision(
        event,
        policy,
        code=code,
        text=text,
        rung=plain.rung,
        bundle=plain.bundle,
        classified=classified,
    )
    cause, *others = decision.reasons
    answer = replace(decision, reasons=tuple(others))
    if classifying is not None:
        answer = named_in(answer, classifying)
    answer = overruled(answer, [each for each in rules.rules if each.act in _STRICTER], policy)
    answer = without_challenge(answer, policy)
    return replace(answer, reasons=(cause, *answer.reasons), rules=rules.version)
