"""The Prometheus queries of the dashboards, as one literal table.

A query is a PromQL expression over the metrics of ``streams.telemetry.metrics``, with Grafana's
variables (``$environment``, ``$bundle``, ``$risk_class``, ``$__rate_interval``). A test compares
each name and label with the exported metrics, and requires a query for every metric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

__all__ = ["EVERYTHING", "QUERIES", "VARIABLES", "Query", "filled", "named"]

#: Values of the variables that match every series.
EVERYTHING = {"environment": ".*", "bundle": ".*", "risk_class": ".*"}

#: Grafana's variables: name, label, and the query for its values.
VARIABLES = (
    ("environment", "Environment", "label_values(misfire_bundle_info, environment)"),
    ("bundle", "Bundle", 'label_values(misfire_bundle_info{environment=~"$environment"}, version)'),
    (
        "risk_class",
        "Risk class",
        'label_values(misfire_interruption_budget_ratio{environment=~"$environment"}, risk_class)',
    ),
)

# Short names for the selectors and the interval that most queries use.
_SELECTORS = {
    "e": 'environment=~"$environment"',
    "b": 'bundle=~"$bundle"',
    "v": 'version=~"$bundle"',
    "r": 'risk_class=~"$risk_class"',
    "s": "$__rate_interval",
}

# The shares of an evidence term's bins, now and in training.
_NOW = (
    "sum by (term, bin) (rate(misfire_evidence_total{$e, $b}[$s]))"
    " / on (term) group_left () (sum by (term) (rate(misfire_evidence_total{$e, $b}[$s])) > 0)"
)
_THEN = "avg by (term, bin) (misfire_evidence_expected_ratio{$e, $b})"


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        name: the name that panels use.
        promql: the expression.
        unit: the unit of the value: seconds, bits, bytes, a share in [0, 1], a number of things,
            or things per second.
        legend: the name of a series: text with labels in double braces.
        meaning: what the value means and, where it applies, which direction is bad.
    """

    name: str
    promql: str
    unit: str
    legend: str
    meaning: str


def filled(promql: str, variables: Mapping[str, str], span: str) -> str:
    """Substitute Grafana's variables, with ``span`` (such as ``5m``) as the rate interval."""
    values = {**variables, "__rate_interval": span}
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], promql)


def _query(name: str, promql: str, unit: str, legend: str, meaning: str) -> Query:
    return Query(name, Template(promql).safe_substitute(_SELECTORS), unit, legend, meaning)


QUERIES: tuple[Query, ...] = (
    # Is it running, and what does it stop?
    _query(
        "events",
        "sum(rate(misfire_events_total{$e}[$s]))",
        "events/s",
        "events",
        "Intent events applied to the state of a household.",
    ),
    _query(
        "verdicts",
        "sum by (verdict) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{verdict}}",
        "Commands by the worker's verdict.",
    ),
    _query(
        "stopped",
        'sum by (risk_class, verdict) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow", '
        'enforcement="enforce"}[$s]))',
        "commands/s",
        "{{risk_class}} {{verdict}}",
        "Commands that were confirmed or blocked, by risk class. A value far above normal is an "
        "attack or a broken microphone model.",
    ),
    _query(
        "stopped_intents",
        "topk(10, sum by (intent, verdict) (increase(misfire_command_intents_total{$e, "
        'verdict!="allow"}[$s])))',
        "commands",
        "{{intent}} {{verdict}}",
        "The ten intents whose commands are most often confirmed or blocked.",
    ),
    _query(
        "decisions",
        "sum by (rung, enforcement) (rate(misfire_decisions_total{$e, $b, $r}[$s]))",
        "decisions/s",
        "{{rung}} {{enforcement}}",
        "Decisions on all events, by the rung that made them. Nearly all should come from the "
        "worker.",
    ),
    # What does it cost users?
    _query(
        "interruption_share",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}}",
        "Share of commands that were confirmed or blocked, misfires included: an upper bound of "
        "false interruptions.",
    ),
    _query(
        "interruption_budget",
        "max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "share",
        "{{risk_class}} budget",
        "The share of meant commands that the policy may interrupt.",
    ),
    _query(
        "interruption_over_budget",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)"
        " / max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "times",
        "{{risk_class}}",
        "The interruption rate divided by its budget. Above 1 for long means misfires, drift, or "
        "a wrong bundle.",
    ),
    _query(
        "confirmed_share",
        'sum by (risk_class) (rate(misfire_confirmations_total{$e, $r, result="confirmed"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} confirmed",
        "Share of commands that users confirmed when asked: a lower bound of false interruptions.",
    ),
    _query(
        "confirmations",
        "sum by (method, result, reason) (rate(misfire_confirmations_total{$e, $r}[$s]))",
        "confirmations/s",
        "{{method}} {{result}} {{reason}}",
        "Results of questions. Many denied: misfires are stopped. Many expired: users do not see "
        "the questions.",
    ),
    _query(
        "outcomes",
        "sum by (outcome, source) (rate(misfire_outcomes_total{$e}[$s]))",
        "outcomes/s",
        "{{outcome}} ({{source}})",
        "What happened to commands afterwards. A command undone after allow is a misfire that "
        "went through.",
    ),
    _query(
        "proof_key",
        "min(misfire_proof_key_present{$e})",
        "",
        "key",
        "1 while every worker has the key that verifies proofs of confirmations.",
    ),
    _query(
        "outcomes_refused",
        "sum by (reason) (rate(misfire_outcomes_refused_total{$e}[$s]))",
        "outcomes/s",
        "{{reason}}",
        "Outcomes that were refused and changed nothing. ran_refused: a command ran that was not "
        "allowed.",
    ),
    # Is the bundle still right?
    _query(
        "abstained_share",
        "sum by (risk_class, reason) (rate(misfire_abstentions_total{$e, $r}[$s]))"
        " / on (risk_class) group_left () "
        "(sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} {{reason}}",
        "Share of commands decided by the policy's rule because the judge abstained; lower is "
        "better.",
    ),
    _query(
        "cautions",
        "sum by (risk_class, reason) (rate(misfire_cautions_total{$e, $r}[$s]))",
        "commands/s",
        "{{risk_class}} {{reason}}",
        "Commands confirmed on top of the budgets: unclassified intents, and physical commands "
        "that are new in their household.",
    ),
    _query(
        "misfire_probability",
        "sum by (le) (rate(misfire_probability_bucket{$e, $b, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "Distribution of the misfire probabilities of commands.",
    ),
    _query(
        "misfire_probability_p99",
        "histogram_quantile(0.99, sum by (risk_class, le) (rate(misfire_probability_bucket{$e, "
        "$b, $r}[$s])))",
        "share",
        "{{risk_class}}",
        "The 99th percentile of the misfire probability. A jump means different traffic or a bad "
        "bundle.",
    ),
    _query(
        "surprisal",
        "sum by (le) (rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "Distribution of the surprisal of committed chains, in bits; higher is rarer.",
    ),
    _query(
        "surprisal_median",
        "histogram_quantile(0.5, sum by (risk_class, le) "
        "(rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s])))",
        "bits",
        "{{risk_class}}",
        "The median surprisal of committed chains, in bits; higher is rarer. A slow rise means "
        "that the bundle is ageing.",
    ),
    _query(
        "drift",
        # The population stability index, as in detector.evidence.drift:
        # the sum of (now - then) * ln(now / then), with 1e-4 for empty bins.
        "topk(10, sum by (term) ("
        "(clamp_min(" + _NOW + ", 1e-4) - clamp_min(" + _THEN + ", 1e-4))"
        " * ln(clamp_min(" + _NOW + ", 1e-4) / clamp_min(" + _THEN + ", 1e-4))))",
        "index",
        "{{term}}",
        "Distance of each evidence term from the training data, for the ten most distant terms. "
        "Below 0.1 means no drift, above 0.25 drift.",
    ),
    _query(
        "stopped_share_by_bundle",
        "sum by (bundle, enforcement) "
        '(rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle, enforcement) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{bundle}} {{enforcement}}",
        "Share of commands that each bundle confirms or blocks, or would if its policy were "
        "enforced.",
    ),
    _query(
        "shadow_stopped_share",
        'sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0)",
        "share",
        "{{bundle}} in shadow",
        "Share of commands that the shadow bundle would confirm or block. A share far above the "
        "active bundle's means that it is not ready.",
    ),
    _query(
        "shadow_differs",
        "sum by (active, verdict) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0",
        "commands/s",
        "{{active}}, in shadow {{verdict}}",
        "Commands by the active verdict and the shadow bundle's verdict. They agree if both are "
        "the same.",
    ),
    _query(
        "shadow_failures",
        "sum(rate(misfire_shadow_failures_total{$e}[$s]))",
        "records/s",
        "failures",
        "Records that the shadow bundle could not decide. Any is a bug, but no answer is affected.",
    ),
    _query(
        "bundles",
        "count by (version, policy) (misfire_bundle_info{$e, $v})",
        "processes",
        "{{version}} policy {{policy}}",
        "Processes by the bundle they use. More than one bundle for longer than a roll-out takes "
        "is bad.",
    ),
    # Is a household's data where it must not be?
    _query(
        "exports_refused",
        "sum(rate(misfire_exports_refused_total{$e}[$s]))",
        "exports/s",
        "refused",
        "Exports refused because a record also names another household. Any is an incident.",
    ),
    _query(
        "households_erased",
        "sum(rate(misfire_households_erased_total{$e}[$s]))",
        "households/s",
        "erased",
        "Households whose state was erased.",
    ),
    _query(
        "after_erasure",
        "sum by (topic) (rate(misfire_after_erasure_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records that date from before their household's erasure and were ignored. If they "
        "continue, a runtime keeps sending them.",
    ),
    _query(
        "untaught",
        "sum(rate(misfire_sessions_untaught_total{$e}[$s]))",
        "sessions/s",
        "not learned from",
        "Sessions above the daily number that a household learns from. A flood, by a skill or a "
        "loop, shows here.",
    ),
    _query(
        "states_cut",
        "sum(rate(misfire_states_cut_total{$e}[$s]))",
        "households/s",
        "cut",
        "Households whose state was too large for the changelog, so its open sessions and "
        "questions were dropped. Any is a bug.",
    ),
    _query(
        "block_budget_left",
        "min by (instance) (misfire_block_budget_left_ratio{$e})",
        "share",
        "{{instance}}",
        "The rest of each worker's block budget. At 0 its blocks become confirms: the bundle is "
        "wrong, or there is an attack.",
    ),
    _query(
        "block_budget_spent",
        "sum(misfire_block_budget_spent{$e})",
        "workers",
        "spent",
        "Workers that confirm instead of blocking because a block budget is exhausted; normally "
        "none.",
    ),
    _query(
        "bundle_age",
        "time() - max by (version) (misfire_bundle_created_timestamp_seconds{$e, $v})",
        "seconds",
        "{{version}}",
        "Time since the bundle was trained. Habits change within months.",
    ),
    _query(
        "bundle_unready",
        "max by (version) (misfire_bundle_unready{$e, $v})",
        "",
        "{{version}}",
        "1 while a bundle that is not ready to enforce decides because allow_unready is set.",
    ),
    # Does the hook answer in time, and from which rung?
    _query(
        "hook_answers",
        "sum by (rung) (rate(misfire_hook_answers_total{$e, $r}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers of the hook by rung.",
    ),
    _query(
        "degraded_share",
        'sum(rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s])) / '
        "(sum(rate(misfire_hook_answers_total{$e, $r}[$s])) > 0)",
        "share",
        "degraded",
        "Share of answers from a rung below the worker; lower is better.",
    ),
    _query(
        "degraded_reasons",
        'sum by (reason) (rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s]))',
        "answers/s",
        "{{reason}}",
        "Reasons why the worker's answer was not used.",
    ),
    _query(
        "hook_seconds",
        "sum by (le) (rate(misfire_hook_answer_seconds_bucket{$e}[$s]))",
        "answers/s",
        "{{le}}",
        "Distribution of the time to answer.",
    ),
    _query(
        "hook_p99",
        "histogram_quantile(0.99, sum by (rung, le) "
        "(rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p99",
        "The 99th percentile of the time to answer, by rung. The deadline is 0.15 s unless the "
        "client sets another.",
    ),
    _query(
        "hook_p50",
        "histogram_quantile(0.5, sum by (rung, le) "
        "(rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p50",
        "The median time to answer, by rung.",
    ),
    _query(
        "missed_deadlines",
        "sum by (rung) (rate(misfire_hook_missed_deadlines_total{$e}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers after the client's deadline; lower is better.",
    ),
    _query(
        "late",
        "sum(rate(misfire_hook_late_total{$e}[$s]))",
        "decisions/s",
        "late",
        "Worker decisions that arrived after the hook had answered.",
    ),
    _query(
        "late_disagreements",
        "sum(rate(misfire_hook_late_disagreements_total{$e}[$s]))",
        "decisions/s",
        "another verdict",
        "Late decisions with another verdict than the answer given; lower is better.",
    ),
    _query(
        "late_dropped",
        "sum(rate(misfire_hook_late_dropped_total{$e}[$s]))",
        "decisions/s",
        "dropped",
        "Late disagreements that a listener or a callback was too slow to receive. The log "
        "contains them.",
    ),
    _query(
        "callbacks",
        "sum by (result) (rate(misfire_hook_callbacks_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Callbacks to the runtime about late disagreements. After a failed one, the runtime does "
        "not know of the disagreement.",
    ),
    _query(
        "repeated",
        "sum by (result) (rate(misfire_hook_repeated_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Requests about an event that was already decided. refused: an event id was reused for "
        "another event.",
    ),
    _query(
        "in_flight",
        "sum by (instance) (misfire_hook_in_flight{$e})",
        "requests",
        "{{instance}}",
        "Requests that wait for a worker now. At the limit (max_waiting), requests of the mildest "
        "risk classes are shed.",
    ),
    _query(
        "policy_differs",
        "sum(rate(misfire_hook_policy_differs_total{$e}[$s]))",
        "requests/s",
        "another policy",
        "Requests of clients whose fallback policy differs from the gateway's; normal only during "
        "a roll-out.",
    ),
    _query(
        "refused",
        "sum by (reason) (rate(misfire_hook_refused_total{$e}[$s]))",
        "requests/s",
        "{{reason}}",
        "Requests refused because of their token, host or origin; normally none.",
    ),
    _query(
        "cut",
        "sum by (reason) (rate(misfire_hook_cut_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Connections closed because a client exceeded a limit on bytes, time or connections; "
        "normally none.",
    ),
    _query(
        "replies_late",
        "sum(rate(misfire_replies_late_total{$e}[$s]))",
        "answers/s",
        "after the client's deadline",
        "Answers over Kafka that came after the client's deadline. The client applied its "
        "policy's fallback.",
    ),
    # Is anything lost, refused or stuck?
    _query(
        "lag",
        "sum by (topic, partition) (misfire_consumer_lag_records{$e})",
        "records",
        "{{topic}} {{partition}}",
        "Records that wait in each partition. If the number grows, there are too few workers, or "
        "a worker hangs.",
    ),
    _query(
        "watermark_age",
        "(time() - max by (topic, partition) (misfire_watermark_timestamp_seconds{$e}))"
        " * on (topic, partition) "
        "(sum by (topic, partition) (misfire_consumer_lag_records{$e}) > bool 0)",
        "seconds",
        "{{topic}} {{partition}}",
        "Age of the last processed record in partitions with waiting records; zero in all others.",
    ),
    _query(
        "dead_letters",
        "sum by (reason) (rate(misfire_dead_letters_total{$e}[$s]))",
        "records/s",
        "{{reason}}",
        "Records that could not be read; lower is better.",
    ),
    _query(
        "clocks_replaced",
        "sum(rate(misfire_clocks_replaced_total{$e}[$s]))",
        "events/s",
        "events",
        "Events whose device clock was too far off, so the log's time was used; lower is better.",
    ),
    _query(
        "unreadable_files",
        "sum by (instance) (rate(misfire_metrics_files_unreadable_total{$e}[$s]))",
        "files/s",
        "{{instance}}",
        "Files in the folder of shared metrics that contain no metrics and are skipped.",
    ),
    _query(
        "ignored_fields",
        "sum by (topic) (rate(misfire_ignored_fields_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records with fields that the worker does not know and ignores: a misspelt name, or a "
        "newer sender.",
    ),
    _query(
        "producer_times",
        "sum by (topic) (rate(misfire_producer_times_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records timestamped by their producer instead of the log; lower is better.",
    ),
    _query(
        "duplicates",
        "sum by (topic) (rate(misfire_duplicates_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records delivered again and skipped. This is normal after a restart, and a loop if it "
        "continues.",
    ),
    _query(
        "passed_on",
        "sum by (topic) (rate(misfire_passed_on_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records found outside their household's partition and forwarded to it; normal for a "
        "moment after topics grew.",
    ),
    _query(
        "earlier_topic",
        "sum by (topic) (rate(misfire_earlier_topic_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records of households last seen in an earlier topic of the same name: the topic was "
        "deleted and created again.",
    ),
    _query(
        "connections_lost",
        "sum by (reason) (rate(misfire_connections_lost_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Gateway connections to Kafka that failed and were replaced. internal_error is a bug in "
        "misfire.",
    ),
    _query(
        "replies_failed",
        "sum(rate(misfire_replies_failed_total{$e}[$s]))",
        "replies/s",
        "replies",
        "Replies that a gateway could not process and skipped. Each is a bug in misfire: see the "
        "gateway's log.",
    ),
    _query(
        "send_failures",
        "sum by (topic) (rate(misfire_send_failures_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records that Kafka did not accept; normally none.",
    ),
    _query(
        "unwritten_seconds",
        "max(misfire_unwritten_seconds{$e})",
        "seconds",
        "waiting",
        "How long decisions have waited for the audit log without any being written. A worker "
        "exits at 30 s.",
    ),
    _query(
        "ready_workers",
        "sum(misfire_ready{$e})",
        "workers",
        "ready",
        "Workers with partitions, a recovered table and running agents. With none, every answer "
        "is degraded.",
    ),
    _query(
        "brokers",
        "min by (instance) (misfire_broker_reachable{$e})",
        "yes or no",
        "{{instance}}",
        "Whether each process reaches a broker. With 0 it decides nothing.",
    ),
    _query(
        "rebalances",
        "sum(increase(misfire_rebalances_total{$e}[$s]))",
        "rebalances",
        "rebalances",
        "Rebalances of the consumer group. Each degrades answers for seconds.",
    ),
    _query(
        "recovery_seconds",
        "max by (instance) (misfire_recovery_seconds{$e})",
        "seconds",
        "{{instance}}",
        "Duration of the last recovery of each worker's household table. Answers are degraded for "
        "as long.",
    ),
    _query(
        "state_bytes",
        "sum by (instance) (misfire_state_bytes{$e})",
        "bytes",
        "{{instance}}",
        "Size of each worker's households in its table. A recovery reads all of it.",
    ),
    # Households, in aggregate only
    _query(
        "households",
        "sum(misfire_households{$e})",
        "households",
        "households",
        "Households with a state. A fall without erasures means a lost partition.",
    ),
    _query(
        "bytes_per_household",
        "sum(misfire_state_bytes{$e}) / (sum(misfire_households{$e}) > 0)",
        "bytes",
        "per household",
        "Mean size of a household's state. A state is bounded, so endless growth is a bug.",
    ),
    _query(
        "cohort_commands",
        "sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{cohort}}",
        "Commands of households in their first sessions, and of all others.",
    ),
    _query(
        "cohort_interruptions",
        'sum by (cohort) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{cohort}}",
        "Share of commands that were confirmed or blocked, by cohort. New households are "
        "calibrated separately, with the same budget.",
    ),
    # Annotations
    _query(
        "bundle_changes",
        "count by (version) (misfire_bundle_info{$e}) unless count by (version) "
        "(misfire_bundle_info{$e} offset $s)",
        "processes",
        "bundle {{version}}",
        "A bundle that was not in use before.",
    ),
    _query(
        "restarts",
        "count by (instance) ("
        "(process_start_time_seconds{$e} unless process_start_time_seconds{$e} offset $s)"
        " or process_start_time_seconds{$e} != process_start_time_seconds{$e} offset $s)",
        "restarts",
        "{{instance}} restarted",
        "A process that is new or was restarted.",
    ),
)

_BY_NAME = {query.name: query for query in QUERIES}


def named(name: str) -> Query:
    """Return the query with this name."""
    return _BY_NAME[name]
