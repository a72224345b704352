"""Decisions and outcomes as counts.

The exemplar of a point on a graph is the ``decision_id`` of a decision.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import TypeVar, cast

from prometheus_client.metrics import MetricWrapperBase

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import (
    ABSTENTIONS,
    ConfirmMethod,
    Decision,
    RiskClass,
    Rung,
    Verdict,
    why_abstained,
)
from detector.contracts.events import Outcome, OutcomeKind, OutcomeSource
from detector.contracts.labels import LabelEffect, LabelKind
from detector.contracts.outcome_table import OutcomeRefused
from detector.contracts.rules import Rule, RuleAct
from detector.decision.bundle import Bundle
from detector.decision.fallback_rules import RULES_FAILED
from detector.decision.first_time import FIRST_PHYSICAL
from detector.decision.household_limit import OVER_LIMIT
from detector.policy.unclassified import UNCLASSIFIED
from streams.errors import DEAD_LETTER_CODES
from streams.kafka.topics import BUNDLES, HOUSEHOLDS, INCIDENTS, INTENTS, OUTCOMES, RULES
from streams.telemetry import metrics

__all__ = [
    "begin_bundle",
    "begin_gateway",
    "begin_worker",
    "caution_of",
    "count_answer",
    "count_decision",
    "count_rule",
    "exemplar",
    "observe_answer",
    "observe_command",
    "observe_outcome",
    "observe_refused",
    "show_blocks",
    "show_bundle",
    "show_proof_key",
    "show_rules",
]

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=MetricWrapperBase)

#: Series that are cached: a few bundles with each verdict and class, and the vocabulary's intents.
_SERIES = 4_096
#: Why a command needs a confirmation regardless of the budgets. If several hold, the first counts.
_CAUTIONS = (UNCLASSIFIED, FIRST_PHYSICAL, OVER_LIMIT)
#: What a rule does, by the code of its reason; ``failed`` if an error kept the rules from applying.
_RULE_ACTS = {f"rule_{act.value}": act.value for act in RuleAct} | {RULES_FAILED: "failed"}
_ANSWERS_TO_A_QUESTION = (OutcomeKind.CONFIRMED, OutcomeKind.DENIED, OutcomeKind.EXPIRED)


def exemplar(decision: Decision) -> dict[str, str]:
    """Return the exemplar that links a point on a graph to ``decision``."""
    return {"decision_id": decision.decision_id}


def begin_worker() -> None:
    """Create the worker's series at zero.

    A graph of a missing series is empty, and a rate misses the first increment of a new one.
    """
    metrics.CATALOGUE.show_only("worker")
    for topic in (INTENTS, OUTCOMES):
        metrics.DUPLICATES.labels(topic)
        metrics.PASSED_ON.labels(topic)
        metrics.IGNORED_FIELDS.labels(topic)
        metrics.EARLIER_TOPIC.labels(topic)
        metrics.AFTER_ERASURE.labels(topic)
        metrics.PRODUCER_TIMES.labels(topic)
    metrics.EARLIER_TOPIC.labels(HOUSEHOLDS)
    for reason in DEAD_LETTER_CODES:
        metrics.DEAD_LETTERS.labels(reason)
    _begin_outcomes()
    for result in ("carried", "forgotten"):
        metrics.STATES_REBUILT.labels(result)
    _begin_rules(Rung.WORKER)
    show_blocks(1.0)


def _begin_rules(*rungs: Rung) -> None:
    for act, risk, rung in product(_RULE_ACTS.values(), RiskClass, rungs):
        metrics.RULE_COMMANDS.labels(act, risk.value, rung.value)
    for topic in (RULES, BUNDLES):
        metrics.UNUSABLE_RECORDS.labels(topic, "key_mismatch")


def begin_bundle(bundle: Bundle) -> None:
    """Create the series of a bundle at zero, before it decides for the first time."""
    policy, version = bundle.policy, bundle.version
    for risk in RiskClass:
        metrics.BUDGET.labels(risk.value, version).set(policy.classes[risk].budget)
        metrics.MISFIRE_PROBABILITY.labels(risk.value, version)
        metrics.SURPRISAL_BITS.labels(risk.value)
        for reason in ABSTENTIONS:
            metrics.ABSTENTIONS.labels(risk.value, reason)
        metrics.OVER_LIMIT.labels(risk.value)
        for reason in _CAUTIONS:
            metrics.CAUTIONS.labels(risk.value, reason)
        for method, result in product(policy.classes[risk].methods, _ANSWERS_TO_A_QUESTION):
            metrics.CONFIRMATIONS.labels(method.value, result.value, "", risk.value)
    for verdict, risk in product(Verdict, RiskClass):
        setting = (policy.enforcement.value, version)
        metrics.DECISIONS.labels(verdict.value, risk.value, Rung.WORKER.value, *setting)
        for cohort in ("new", "known"):
            metrics.COMMANDS.labels(verdict.value, risk.value, cohort, *setting)


def _begin_outcomes() -> None:
    for kind, source in product(OutcomeKind, OutcomeSource):
        metrics.OUTCOMES.labels(kind.value, source.value)
    for reason in OutcomeRefused:
        metrics.OUTCOMES_REFUSED.labels(reason.value)
    for label, effect in product(LabelKind, LabelEffect):
        metrics.LABELS.labels(label.value, effect.value)


def _begin_connection() -> None:
    for topic in (INTENTS, OUTCOMES, INCIDENTS):
        metrics.SEND_FAILURES.labels(topic)
    for reason in ("kafka", "internal_error"):
        metrics.CONNECTIONS_LOST.labels(reason)


def begin_gateway(
    reasons: Mapping[Rung, Iterable[str]], refusals: Iterable[str], cuts: Iterable[str]
) -> None:
    """Create the gateway's series at zero.

    Args:
        reasons: for each lower rung, the reason codes of its answers.
        refusals: the reason codes of refused requests.
        cuts: the reason codes of closed connections.
    """
    metrics.CATALOGUE.show_only("gateway")
    _begin_connection()
    _begin_rules(Rung.GATEWAY, Rung.POLICY)
    for rung in Rung:
        metrics.ANSWER_SECONDS.labels(rung.value)
        metrics.MISSED_DEADLINES.labels(rung.value)
    for verdict, risk in product(Verdict, RiskClass):
        metrics.ANSWERS.labels(Rung.WORKER.value, verdict.value, risk.value, "")
        for rung, codes in reasons.items():
            for code in codes:
                metrics.ANSWERS.labels(rung.value, verdict.value, risk.value, code)
    for reason in refusals:
        metrics.REFUSED.labels(reason)
    for reason in cuts:
        metrics.CUT.labels(reason)
    for result in ("delivered", "failed"):
        metrics.CALLBACKS.labels(result)
    for result in ("same", "refused"):
        metrics.REPEATED.labels(result)


def count_decision(decision: Decision) -> None:
    """Count a decision of any rung."""
    _series(
        metrics.DECISIONS,
        decision.verdict,
        decision.risk_class,
        decision.rung,
        decision.enforcement,
        decision.bundle,
    ).inc(exemplar=exemplar(decision))


def _series(metric: M, *labels: str) -> M:
    """Return the series of a metric with these labels; finding it takes longer than counting."""
    return cast("M", _found(metric, labels))


@lru_cache(maxsize=_SERIES)
def _found(metric: MetricWrapperBase, labels: tuple[str, ...]) -> MetricWrapperBase:
    return metric.labels(*labels)


def count_answer(decision: Decision, seconds: float, deadline: float) -> None:
    """Count an answer of the hook.

    Args:
        decision: the answer.
        seconds: how long the answer took.
        deadline: the client's deadline, in seconds.
    """
    rung, point = decision.rung.value, exemplar(decision)
    reason = "" if decision.rung is Rung.WORKER else decision.reasons[0].code
    labels = (rung, decision.verdict, decision.risk_class, reason)
    _series(metrics.ANSWERS, *labels).inc(exemplar=point)
    _series(metrics.ANSWER_SECONDS, rung).observe(seconds, point)
    if seconds > deadline:
        metrics.MISSED_DEADLINES.labels(rung).inc(exemplar=point)
    if decision.rung is not Rung.WORKER:
        count_decision(decision)
        count_rule(decision)


def observe_command(decision: Decision, *, new: bool, known: bool) -> None:
    """Record a worker's decision on a committing event.

    Args:
        decision: the decision.
        new: whether the household is in its first sessions.
        known: whether the bundle's vocabulary contains the intent.
    """
    verdict, risk, point = decision.verdict.value, decision.risk_class.value, exemplar(decision)
    cohort = "new" if new else "known"
    _series(
        metrics.COMMANDS, verdict, risk, cohort, decision.enforcement.value, decision.bundle
    ).inc(exemplar=point)
    _series(metrics.COMMAND_INTENTS, decision.intent if known else "other", verdict).inc(
        exemplar=point
    )
    if any(reason.code == OVER_LIMIT for reason in decision.reasons):
        _series(metrics.OVER_LIMIT, risk).inc(exemplar=point)
    caution = caution_of(decision)
    if caution is not None:
        _series(metrics.CAUTIONS, risk, caution).inc(exemplar=point)
    count_rule(decision)
    why = why_abstained(decision)
    if why is not None:
        _series(metrics.ABSTENTIONS, risk, why).inc(exemplar=point)
    if decision.misfire_probability is not None:
        _series(metrics.MISFIRE_PROBABILITY, risk, decision.bundle).observe(
            decision.misfire_probability, point
        )
        _series(metrics.SURPRISAL_BITS, risk).observe(decision.surprisal_bits, point)


def caution_of(decision: Decision) -> str | None:
    """Return why a command was not allowed regardless of its class's budget.

    Return ``None`` if it was allowed or if no such reason applies.
    """
    codes = {reason.code for reason in decision.reasons}
    if decision.verdict is Verdict.ALLOW:
        return None
    return next((code for code in _CAUTIONS if code in codes), None)


def show_rules(rules: Iterable[Rule]) -> None:
    """Export how many rules a worker knows."""
    counts = Counter(rule.act for rule in rules)
    for act in RuleAct:
        metrics.RULES.labels(act.value).set(counts[act])


def count_rule(decision: Decision) -> None:
    """Count a decision that a rule changed, or a fallback to which the rules could not apply."""
    if decision.rule is None and not decision.degraded:
        return
    for act in (_RULE_ACTS[each.code] for each in decision.reasons if each.code in _RULE_ACTS):
        labels = act, decision.risk_class.value, decision.rung.value
        _series(metrics.RULE_COMMANDS, *labels).inc(exemplar=exemplar(decision))
        return


def observe_outcome(outcome: Outcome, about: Decision | None) -> None:
    """Count an outcome.

    If the runtime asks the question itself, the outcome also counts as the result of the
    confirmation, under the method that was offered first.

    Args:
        outcome: the outcome.
        about: the decision that it refers to, if the household still remembers it.
    """
    kind = outcome.outcome
    metrics.OUTCOMES.labels(kind.value, outcome.source.value).inc()
    if about is not None and about.confirm is not None and kind in _ANSWERS_TO_A_QUESTION:
        _count_confirmation(about.confirm.methods[0].value, kind.value, "", about)


def observe_refused(*refused: tuple[Outcome, OutcomeRefused]) -> None:
    """Count refused outcomes by reason.

    A command that ran although its verdict did not allow it is an incident, and is logged.
    """
    for outcome, reason in refused:
        metrics.OUTCOMES_REFUSED.labels(reason.value).inc()
        if reason is OutcomeRefused.RAN_REFUSED:
            logger.warning(
                "incident: the command of event %s ran although it was not allowed, "
                "according to its %s (%s)",
                outcome.event_id,
                outcome.source.value,
                outcome.outcome.value,
            )


def observe_answer(
    method: ConfirmMethod, result: ConfirmationResult, about: Decision | None
) -> None:
    """Count an answer to a confirmation; ``about`` is as in ``observe_outcome``."""
    _count_confirmation(method.value, result.result.value, result.reason or "", about)


def show_blocks(left: float) -> None:
    """Export the remaining block budget of the tenant with the least left.

    A negative ``left`` means that the budget is exhausted.
    """
    metrics.BLOCK_BUDGET_SPENT.set(left < 0.0)
    metrics.BLOCK_BUDGET_LEFT.set(max(left, 0.0))


def show_bundle(bundle: Bundle, created: float, *, decides: bool = True) -> None:
    """Export a bundle; ``created`` is its creation time, in seconds since 1970.

    ``decides`` says whether it is the active one or a canary, or was one of them before.
    """
    metrics.BUNDLE.labels(bundle.version, bundle.policy.version).set(decides)
    if not decides:
        metrics.BUNDLE_UNREADY.labels(bundle.version).set(0)
        return
    metrics.BUNDLE_CREATED_SECONDS.labels(bundle.version).set(created)
    metrics.BUNDLE_UNREADY.labels(bundle.version).set(bundle.is_unready)


def show_proof_key(*, present: bool) -> None:
    """Export whether proofs of confirmations can be verified, and log a warning if not."""
    metrics.PROOF_KEY.set(present)
    if not present:
        logger.warning(
            "there is no key for proofs: PIN and push cannot confirm, "
            "and commands that need them are blocked; set confirmation_key_file"
        )


def _count_confirmation(method: str, result: str, reason: str, about: Decision | None) -> None:
    risk, point = (about.risk_class.value, exemplar(about)) if about else ("unknown", None)
    metrics.CONFIRMATIONS.labels(method, result, reason, risk).inc(exemplar=point)
