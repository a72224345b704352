"""What to ask Prometheus about misfire: one literal table, apart from any panel or alert.

Nothing here runs. A query is an expression for Prometheus over the names that ``streams.metrics`` exports; a test holds each
name and label to what is really exported there, and demands a query for every metric.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QUERIES", "Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    Attributes:
        name: what panels and alerts call it.
        promql: the expression.
        unit: the unit of its value: seconds, bits, a share in [0, 1], or things per second.
        meaning: what the value says, in one sentence, and which direction is bad where one is.
    """

    name: str
    promql: str
    unit: str
    meaning: str


QUERIES: tuple[Query, ...] = (
    # Are commands stopped, and how many?
    Query(
        "events",
        "sum(rate(misfire_events_total[5m]))",
        "events/s",
        "Intent events applied to a household's state.",
    ),
    Query(
        "verdicts",
        "sum by (verdict, risk_class) (rate(misfire_decisions_total[5m]))",
        "decisions/s",
        "Decisions of the workers by verdict and risk class.",
    ),
    Query(
        "interruption_share",
        'sum(rate(misfire_decisions_total{verdict!="allow"}[1h])) / sum(rate(misfire_probability_count[1h]))',
        "share",
        "Committing events that were not simply allowed; false interruptions are at most this many.",
    ),
    Query(
        "abstained_share",
        'sum(rate(misfire_decisions_total{abstained="true"}[1h])) / sum(rate(misfire_decisions_total[1h]))',
        "share",
        "Decisions left to the policy's rule because there was too little to calibrate on; lower is better.",
    ),
    Query(
        "misfire_probability_p99",
        "histogram_quantile(0.99, sum by (le) (rate(misfire_probability_bucket[1h])))",
        "share",
        "The misfire probability that one in a hundred committing events exceeds; a jump means other traffic or a bad bundle.",
    ),
    Query(
        "surprisal_median",
        "histogram_quantile(0.5, sum by (le) (rate(misfire_chain_surprisal_bits_bucket[1h])))",
        "bits",
        "How rare the middle one of the committed chains is; higher is rarer, and a slow rise means that the bundle ages.",
    ),
    Query(
        "outcomes",
        "sum by (outcome, source) (rate(misfire_outcomes_total[1h]))",
        "outcomes/s",
        "What happened afterwards; undone after allow is a misfire that went through.",
    ),
    # Does the hook answer in time, and from which rung?
    Query(
        "hook_answers",
        "sum by (rung, verdict, risk_class) (rate(misfire_hook_answers_total[5m]))",
        "answers/s",
        "Answers of the hook by the rung they stand on.",
    ),
    Query(
        "degraded_share",
        'sum(rate(misfire_hook_answers_total{rung!="worker"}[5m])) / sum(rate(misfire_hook_answers_total[5m]))',
        "share",
        "Answers that a rung below the worker had to give; lower is better.",
    ),
    Query(
        "degraded_reasons",
        'sum by (reason) (rate(misfire_hook_answers_total{rung!="worker"}[5m]))',
        "answers/s",
        "Why the worker's answer was not used.",
    ),
    Query(
        "hook_p99",
        "histogram_quantile(0.99, sum by (le, rung) (rate(misfire_hook_answer_seconds_bucket[5m])))",
        "seconds",
        "The time within which 99 of 100 answers came, by rung; the deadline is 0.15 s unless the asker names another.",
    ),
    Query(
        "late",
        "sum(rate(misfire_hook_late_total[5m]))",
        "decisions/s",
        "Decisions of a worker that came after the hook had answered.",
    ),
    Query(
        "late_disagreements",
        "sum(rate(misfire_hook_late_disagreements_total[1h]))",
        "decisions/s",
        "Late decisions that would have been another verdict than the one given; lower is better.",
    ),
    # Is anything lost, refused or stuck?
    Query(
        "dead_letters",
        "sum by (reason) (rate(misfire_dead_letters_total[5m]))",
        "records/s",
        "Records that could not be read; lower is better.",
    ),
    Query(
        "duplicates",
        "sum by (topic) (rate(misfire_duplicates_total[5m]))",
        "records/s",
        "Records delivered again and skipped; normal after a restart, a loop if it stays.",
    ),
    Query(
        "send_failures",
        "sum by (topic) (rate(misfire_send_failures_total[5m]))",
        "records/s",
        "Records that Kafka did not take; more than none is bad.",
    ),
    Query(
        "ready_workers",
        "sum(misfire_ready)",
        "workers",
        "Workers with partitions assigned, the table recovered and the agents running; none means every answer is degraded.",
    ),
    Query(
        "recovery_seconds",
        "max(misfire_recovery_seconds)",
        "seconds",
        "How long the slowest last recovery of a household table took; the hook is degraded for as long.",
    ),
    Query(
        "bundles",
        "count by (version, policy) (misfire_bundle_info)",
        "processes",
        "Which bundles decide; more than one, for longer than a roll-out takes, is bad.",
    ),
    # Is a household's data where it must not be?
    Query(
        "exports_refused",
        "sum(rate(misfire_exports_refused_total[1h]))",
        "exports/s",
        "Exports refused because a record names another household as well; more than none is an incident.",
    ),
    Query(
        "households_erased",
        "sum(rate(misfire_households_erased_total[1h]))",
        "households/s",
        "Households whose state was erased.",
    ),
    Query(
        "after_erasure",
        "sum by (topic) (rate(misfire_after_erasure_total[5m]))",
        "records/s",
        "Records about the time before a household's erasure, not taken in; for long, a runtime keeps sending them again.",
    ),
)
