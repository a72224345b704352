"""Decisions and outcomes as counts. A point on a graph leads to a decision by its exemplar, the ``decision_id``."""

from __future__ import annotations

from detector.answers import ConfirmationResult
from detector.block_budget import BlockWindow
from detector.bundle import Bundle
from detector.decisions import ConfirmMethod, Decision, RiskClass, Rung, Verdict
from detector.events import Outcome, OutcomeKind
from detector.policy import BlockBudget
from streams import metrics

__all__ = [
    "count_answer",
    "count_decision",
    "exemplar",
    "observe_answer",
    "observe_command",
    "observe_outcome",
    "show_blocks",
    "show_bundle",
]

_ANSWERS_TO_A_QUESTION = (OutcomeKind.CONFIRMED, OutcomeKind.DENIED, OutcomeKind.EXPIRED)


def exemplar(decision: Decision) -> dict[str, str]:
    """Return what leads from a point on a graph to a decision."""
    return {"decision_id": decision.decision_id}


def count_decision(decision: Decision) -> None:
    """Count a decision, on whichever rung it was made."""
    metrics.DECISIONS.labels(
        decision.verdict.value,
        decision.risk_class.value,
        decision.rung.value,
        decision.enforcement.value,
        decision.bundle,
    ).inc(exemplar=exemplar(decision))


def count_answer(decision: Decision, seconds: float, deadline: float) -> None:
    """Count an answer of the hook.

    Args:
        decision: what was answered.
        seconds: how long it took.
        deadline: how many it was allowed to take.
    """
    rung, point = decision.rung.value, exemplar(decision)
    reason = "" if decision.rung is Rung.WORKER else decision.reasons[0].code
    metrics.ANSWERS.labels(rung, decision.verdict.value, decision.risk_class.value, reason).inc(
        exemplar=point
    )
    metrics.ANSWER_SECONDS.labels(rung).observe(seconds, point)
    if seconds > deadline:
        metrics.MISSED_DEADLINES.labels(rung).inc(exemplar=point)
    if decision.rung is not Rung.WORKER:
        count_decision(decision)


def observe_command(decision: Decision, *, new: bool, known: bool) -> None:
    """Take in a worker's decision on a committing event.

    Args:
        decision: the decision.
        new: whether the household is in its first sessions.
        known: whether the bundle's vocabulary has the intent.
    """
    verdict, risk, point = decision.verdict.value, decision.risk_class.value, exemplar(decision)
    cohort = "new" if new else "known"
    metrics.COMMANDS.labels(verdict, risk, cohort, decision.enforcement.value, decision.bundle).inc(
        exemplar=point
    )
    metrics.COMMAND_INTENTS.labels(decision.intent if known else "other", verdict).inc(exemplar=point)
    if decision.abstained:
        metrics.ABSTENTIONS.labels(risk, decision.reasons[0].code).inc(exemplar=point)
    if decision.misfire_probability is not None:
        metrics.MISFIRE_PROBABILITY.labels(risk, decision.bundle).observe(decision.misfire_probability, point)
        metrics.SURPRISAL_BITS.labels(risk).observe(decision.surprisal_bits, point)


def observe_outcome(outcome: Outcome, about: Decision | None) -> None:
    """Count an outcome; ``about`` is the decision that it is about, where the household still remembers it.

    Where the runtime asks by itself, the outcome is also what became of the question, by the method that was offered first.
    """
    kind = outcome.outcome
    metrics.OUTCOMES.labels(kind.value, outcome.source.value).inc()
    if about is not None and about.confirm is not None and kind in _ANSWERS_TO_A_QUESTION:
        _count_confirmation(about.confirm.methods[0].value, kind.value, "", about)


def observe_answer(method: ConfirmMethod, result: ConfirmationResult, about: Decision | None) -> None:
    """Count an answer to a confirmation; ``about`` as above."""
    _count_confirmation(method.value, result.result.value, result.reason or "", about)


def show_blocks(blocks: BlockWindow, budget: BlockBudget) -> None:
    """Say what is left of the block budget."""
    metrics.BLOCK_BUDGET_SPENT.set(blocks.spent(budget))
    metrics.BLOCK_BUDGET_LEFT.set(blocks.left(budget))


def show_bundle(bundle: Bundle, created: float) -> None:
    """Say which bundle decides, and begin its counts at zero: a rate does not see the first of what was never there.

    Args:
        bundle: the bundle.
        created: when it was made, in seconds since 1970.
    """
    enforcement = bundle.policy.enforcement.value
    metrics.BUNDLE.labels(bundle.version, bundle.policy.version).set(1)
    metrics.BUNDLE_CREATED_SECONDS.labels(bundle.version).set(created)
    show_blocks(BlockWindow(), bundle.policy.block_budget)
    for risk in RiskClass:
        metrics.BUDGET.labels(risk.value, bundle.version).set(bundle.policy.classes[risk].budget)
        metrics.MISFIRE_PROBABILITY.labels(risk.value, bundle.version)
        for verdict in Verdict:
            metrics.DECISIONS.labels(
                verdict.value, risk.value, Rung.WORKER.value, enforcement, bundle.version
            )
            for cohort in ("new", "known"):
                metrics.COMMANDS.labels(verdict.value, risk.value, cohort, enforcement, bundle.version)


def _count_confirmation(method: str, result: str, reason: str, about: Decision | None) -> None:
    risk, point = (about.risk_class.value, exemplar(about)) if about else ("unknown", None)
    metrics.CONFIRMATIONS.labels(method, result, reason, risk).inc(exemplar=point)
