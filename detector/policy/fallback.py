"""Decisions by the policy alone. They need no model, so a client can make them without one."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import (
    Confirm,
    ConfirmMethod,
    Decision,
    Enforcement,
    Expected,
    Reason,
    RiskClass,
    Rung,
    Verdict,
    decision_id,
)
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.policy.intent_rules import Classified
from detector.policy.policy import Policy
from detector.policy.unclassified import why_unclassified

__all__ = [
    "draft_decision",
    "fallback_decision",
    "outcome_of_fallback",
    "with_verdict",
    "without_challenge",
]


def fallback_decision(
    event: IntentEvent,
    policy: Policy,
    *,
    code: str,
    text: str,
    rung: Rung = Rung.POLICY,
    bundle: str = "none",
    classified: Classified | None = None,
) -> Decision:
    """Return the policy's fallback for the risk class of the event, marked as degraded.

    A command that no rule of the policy names needs at least a confirmation, whatever the fallback
    of its class. If no confirmation method works on this rung, the command is blocked.

    Args:
        event: the event to decide on.
        policy: the policy that supplies the fallback.
        code: reason code for the missing model verdict.
        text: the same reason as a sentence.
        rung: the rung that answers.
        bundle: the version of the bundle, if one is loaded.
        classified: the class of the intent; the policy's by default.
    """
    classified = classified or policy.classify(event.intent)
    decision = draft_decision(event, policy, bundle, rung, risk=classified.risk)
    verdict = policy.classes[classified.risk].fallback if event.commits else Verdict.ALLOW
    reasons = [Reason(code=code, event_id=event.event_id, bits=0.0, text=text)]
    unnamed = why_unclassified(event, classified)
    if unnamed is not None:
        verdict = policy.at_least_confirm(classified.risk, verdict)
        reasons.append(unnamed)
    answer = with_verdict(decision, policy, verdict, policy.base_rate)
    return replace(without_challenge(answer, policy), reasons=tuple(reasons), degraded=True)


def without_challenge(decision: Decision, policy: Policy) -> Decision:
    """Return a decision without the challenge among its methods, or a block if no method is left.

    Without the household's state, the challenge words cannot be checked.
    """
    if decision.confirm is None:
        return decision
    methods = tuple(
        each for each in decision.confirm.methods if each is not ConfirmMethod.CHALLENGE
    )
    if not methods:
        return with_verdict(decision, policy, Verdict.BLOCK, policy.base_rate)
    return replace(decision, confirm=replace(decision.confirm, methods=methods))


def draft_decision(
    event: IntentEvent,
    policy: Policy,
    bundle: str,
    rung: Rung,
    *,
    risk: RiskClass,
    surprisal_bits: float = 0.0,
    event_bits: float = 0.0,
    misfire_probability: float | None = None,
    p_value: float | None = None,
    reasons: tuple[Reason, ...] = (),
    expected: tuple[Expected, ...] = (),
    abstained: bool = False,
    clock_replaced: bool = False,
) -> Decision:
    """Return a decision that allows an event; ``with_verdict`` gives it another verdict."""
    return Decision(
        decision_id=decision_id(event.event_id, bundle),
        event_id=event.event_id,
        household_id=event.household_id,
        session_id=event.session_id,
        intent=event.intent,
        verdict=Verdict.ALLOW,
        effective_verdict=Verdict.ALLOW,
        enforcement=policy.enforcement,
        rung=rung,
        risk_class=risk,
        bundle=bundle,
        misfire_probability=misfire_probability,
        p_value=p_value,
        surprisal_bits=surprisal_bits,
        event_bits=event_bits,
        reasons=reasons,
        expected=expected,
        abstained=abstained,
        degraded=rung is not Rung.WORKER,
        clock_replaced=clock_replaced,
    )


def with_verdict(
    decision: Decision, policy: Policy, verdict: Verdict, misfire_probability: float
) -> Decision:
    """Return the decision with a verdict, its confirmation methods and its effective verdict."""
    if verdict is Verdict.ALLOW is decision.verdict:
        return decision
    confirm = None
    if verdict is Verdict.CONFIRM:
        methods = policy.methods_for(decision.risk_class, misfire_probability)
        confirm = Confirm(
            methods=methods, prompt=f"Someone asked for {decision.intent}. Was this intended?"
        )
    shadow = policy.enforcement is Enforcement.SHADOW
    return replace(
        decision,
        verdict=verdict,
        effective_verdict=Verdict.ALLOW if shadow else verdict,
        confirm=confirm,
    )


def outcome_of_fallback(event: IntentEvent, decision: Decision) -> Outcome:
    """Return what a lower rung reports to the worker about its own answer to a committing event."""
    ran = decision.effective_verdict is Verdict.ALLOW
    return Outcome(
        event_id=event.event_id,
        household_id=event.household_id,
        outcome=OutcomeKind.EXECUTED if ran else OutcomeKind.EXPIRED,
        source=OutcomeSource.GATEWAY,
        time=event.time,
    )
