"""Every metric, in one place. No household, device, user, slot or event id ever becomes a label."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from detector.decisions import Decision

__all__ = [
    "AFTER_ERASURE",
    "ANSWERS",
    "ANSWER_SECONDS",
    "BLOCK_BUDGET_SPENT",
    "BUNDLE",
    "CALLBACKS",
    "CONFIRMATIONS",
    "DEAD_LETTERS",
    "DECISIONS",
    "DUPLICATES",
    "ERASED",
    "EVENTS",
    "EXPORTS_REFUSED",
    "IN_FLIGHT",
    "LATE",
    "LATE_DISAGREEMENTS",
    "LATE_DROPPED",
    "MISFIRE_PROBABILITY",
    "OUTCOMES",
    "POLICY_DIFFERS",
    "READY",
    "RECOVERY_SECONDS",
    "REPEATED",
    "SEND_FAILURES",
    "SURPRISAL_BITS",
    "observe_decision",
]

EVENTS = Counter("misfire_events", "Intent events applied to a household's state, each once.")
DECISIONS = Counter(
    "misfire_decisions",
    "Decisions made by the worker.",
    ["verdict", "risk_class", "enforcement", "abstained"],
)
MISFIRE_PROBABILITY = Histogram(
    "misfire_probability",
    "Misfire probability at committing events.",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 1.0),
)
SURPRISAL_BITS = Histogram(
    "misfire_chain_surprisal_bits",
    "Surprisal of committed chains in bits; higher is rarer.",
    buckets=(1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64),
)
DUPLICATES = Counter("misfire_duplicates", "Records that were delivered again and skipped.", ["topic"])
DEAD_LETTERS = Counter("misfire_dead_letters", "Records that could not be read, by reason.", ["reason"])
OUTCOMES = Counter("misfire_outcomes", "Outcomes applied, by kind and source.", ["outcome", "source"])
ERASED = Counter("misfire_households_erased", "Households whose state was erased.")
AFTER_ERASURE = Counter(
    "misfire_after_erasure", "Records about the time before a household's erasure, not taken in.", ["topic"]
)
EXPORTS_REFUSED = Counter(
    "misfire_exports_refused", "Exports that were refused because a record names another household as well."
)
SEND_FAILURES = Counter("misfire_send_failures", "Records that could not be sent to Kafka.", ["topic"])
CONFIRMATIONS = Counter(
    "misfire_confirmations",
    "Answers to confirmations, by method and result; reason is why one was refused.",
    ["method", "result", "reason"],
)
BLOCK_BUDGET_SPENT = Gauge(
    "misfire_block_budget_spent",
    "1 while this worker has blocked more than the policy's block budget: blocks become confirms.",
)
READY = Gauge("misfire_ready", "1 when partitions are assigned, the table is recovered and the agents run.")
RECOVERY_SECONDS = Gauge(
    "misfire_recovery_seconds", "How long the last recovery of the household table took."
)
BUNDLE = Gauge("misfire_bundle_info", "The bundle that decides; always 1.", ["version", "policy"])

ANSWERS = Counter(
    "misfire_hook_answers",
    "Answers of the hook by the rung they stand on; reason is empty on the first.",
    ["rung", "verdict", "risk_class", "reason"],
)
ANSWER_SECONDS = Histogram(
    "misfire_hook_answer_seconds",
    "Seconds until the hook answered, by rung.",
    ["rung"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0, 2.0, 10.0),
)
LATE = Counter("misfire_hook_late", "Worker decisions that came after the hook had answered.")
LATE_DISAGREEMENTS = Counter(
    "misfire_hook_late_disagreements", "Late decisions with another verdict than the answer."
)
LATE_DROPPED = Counter(
    "misfire_hook_late_dropped",
    "Late disagreements that a listener or a callback was too slow for; the log has them.",
)
CALLBACKS = Counter(
    "misfire_hook_callbacks", "Late disagreements sent to the runtime's callback, by result.", ["result"]
)
REPEATED = Counter(
    "misfire_hook_repeated", "Questions about an event that was asked about before, by result.", ["result"]
)
IN_FLIGHT = Gauge("misfire_hook_in_flight", "Questions that wait for a worker's decision right now.")
POLICY_DIFFERS = Counter(
    "misfire_hook_policy_differs",
    "Requests of clients whose fallbacks are another policy's than the gateway's.",
)


def observe_decision(decision: Decision) -> None:
    """Count one decision of the worker."""
    DECISIONS.labels(
        decision.verdict.value,
        decision.risk_class.value,
        decision.enforcement.value,
        str(decision.abstained).lower(),
    ).inc()
    if decision.misfire_probability is not None:
        MISFIRE_PROBABILITY.observe(decision.misfire_probability)
        SURPRISAL_BITS.observe(decision.surprisal_bits)
