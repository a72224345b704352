"""The hook's answers: in time or not, and from which rung."""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["ANSWERS"]

ANSWERS: tuple[Query, ...] = (
    query(
        "hook_answers",
        "sum by (rung) (rate(misfire_hook_answers_total{$e, $r}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers of the hook by rung.",
    ),
    query(
        "degraded_share",
        'sum(rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s])) / '
        "(sum(rate(misfire_hook_answers_total{$e, $r}[$s])) > 0)",
        "share",
        "degraded",
        "Share of answers from a rung below the worker; lower is better.",
    ),
    query(
        "degraded_reasons",
        'sum by (reason) (rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s]))',
        "answers/s",
        "{{reason}}",
        "Reasons why the worker's answer was not used.",
    ),
    query(
        "hook_seconds",
        "sum by (le) (rate(misfire_hook_answer_seconds_bucket{$e}[$s]))",
        "answers/s",
        "{{le}}",
        "Distribution of the time to answer.",
    ),
    query(
        "hook_p99",
        "histogram_quantile(0.99, sum by (rung, le) "
        "(rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p99",
        "The 99th percentile of the time to answer, by rung. The deadline is 0.15 s unless the "
        "client sets another.",
    ),
    query(
        "hook_p50",
        "histogram_quantile(0.5, sum by (rung, le) "
        "(rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p50",
        "The median time to answer, by rung.",
    ),
    query(
        "missed_deadlines",
        "sum by (rung) (rate(misfire_hook_missed_deadlines_total{$e}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers after the client's deadline; lower is better.",
    ),
    query(
        "late",
        "sum(rate(misfire_hook_late_total{$e}[$s]))",
        "decisions/s",
        "late",
        "Worker decisions that arrived after the hook had answered.",
    ),
    query(
        "late_disagreements",
        "sum(rate(misfire_hook_late_disagreements_total{$e}[$s]))",
        "decisions/s",
        "another verdict",
        "Late decisions with another verdict than the answer given; lower is better.",
    ),
    query(
        "late_dropped",
        "sum(rate(misfire_hook_late_dropped_total{$e}[$s]))",
        "decisions/s",
        "dropped",
        "Late disagreements that a listener or a callback was too slow to receive. The log "
        "contains them.",
    ),
    query(
        "callbacks",
        "sum by (result) (rate(misfire_hook_callbacks_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Callbacks to the runtime about late disagreements. After a failed one, the runtime does "
        "not know of the disagreement.",
    ),
    query(
        "repeated",
        "sum by (result) (rate(misfire_hook_repeated_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Requests about an event that was already decided. refused: an event id was reused for "
        "another event.",
    ),
    query(
        "in_flight",
        "sum by (instance) (misfire_hook_in_flight{$e})",
        "requests",
        "{{instance}}",
        "Requests that wait for a worker now. At the limit (max_waiting), requests of the mildest "
        "risk classes are shed.",
    ),
    query(
        "policy_differs",
        "sum(rate(misfire_hook_policy_differs_total{$e}[$s]))",
        "requests/s",
        "another policy",
        "Requests of clients whose fallback policy differs from the gateway's; normal only during "
        "a roll-out.",
    ),
    query(
        "refused",
        "sum by (reason) (rate(misfire_hook_refused_total{$e}[$s]))",
        "requests/s",
        "{{reason}}",
        "Requests refused because of their token, host or origin; normally none.",
    ),
    query(
        "cut",
        "sum by (reason) (rate(misfire_hook_cut_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Connections closed because a client exceeded a limit on bytes, time or connections; "
        "normally none.",
    ),
    query(
        "replies_late",
        "sum(rate(misfire_replies_late_total{$e}[$s]))",
        "answers/s",
        "after the client's deadline",
        "Answers over Kafka that came after the client's deadline. The client applied its "
        "policy's fallback.",
    ),
)
