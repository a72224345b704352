"""What to ask Prometheus about misfire: one literal table, apart from any panel or alert.

Nothing here runs. A query is an expression for Prometheus over the names that
``streams.telemetry.metrics`` exports, with Grafana's variables in
it (``$environment``, ``$bundle``, ``$risk_class``, ``$__rate_interval``); a test holds each name and label to what is really exported
there, and demands a query for every metric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

__all__ = ["EVERYTHING", "QUERIES", "VARIABLES", "Query", "filled", "named"]

#: Values for the variables that leave nothing out.
EVERYTHING = {"environment": ".*", "bundle": ".*", "risk_class": ".*"}

#: Grafana's variables: name, label, and where its values come from.
VARIABLES = (
    ("environment", "Environment", "label_values(misfire_bundle_info, environment)"),
    ("bundle", "Bundle", 'label_values(misfire_bundle_info{environment=~"$environment"}, version)'),
    (
        "risk_class",
        "Risk class",
        'label_values(misfire_interruption_budget_ratio{environment=~"$environment"}, risk_class)',
    ),
)

# What stands in braces below, in short: which environment, bundle and risk class are looked at.
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
    """One question.

    Attributes:
        name: what panels and alerts call it.
        promql: the expression.
        unit: the unit of its value: seconds, bits, bytes, a share in [0, 1], or things or things per second.
        legend: how one of its series is called: text, and labels in double braces.
        meaning: what the value says, in one sentence, and which direction is bad where one is.
    """

    name: str
    promql: str
    unit: str
    legend: str
    meaning: str


def filled(promql: str, variables: Mapping[str, str], span: str) -> str:
    """Return a query as Prometheus takes it: with values for Grafana's variables, and ``span`` (``5m``) as the rate interval."""
    values = {**variables, "__rate_interval": span}
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], promql)


def _ask(name: str, promql: str, unit: str, legend: str, meaning: str) -> Query:
    return Query(name, Template(promql).safe_substitute(_SELECTORS), unit, legend, meaning)


QUERIES: tuple[Query, ...] = (
    # Is it on, and what does it stop?
    _ask(
        "events",
        "sum(rate(misfire_events_total{$e}[$s]))",
        "events/s",
        "events",
        "Intent events applied to a household's state.",
    ),
    _ask(
        "verdicts",
        "sum by (verdict) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{verdict}}",
        "Commands by the worker's verdict.",
    ),
    _ask(
        "stopped",
        'sum by (risk_class, verdict) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow", enforcement="enforce"}[$s]))',
        "commands/s",
        "{{risk_class}} {{verdict}}",
        "Commands that were not simply allowed, by risk class; far above the usual is an attack or a broken microphone model.",
    ),
    _ask(
        "stopped_intents",
        'topk(10, sum by (intent, verdict) (increase(misfire_command_intents_total{$e, verdict!="allow"}[$s])))',
        "commands",
        "{{intent}} {{verdict}}",
        "Which commands were not simply allowed, the ten most frequent ones.",
    ),
    _ask(
        "decisions",
        "sum by (rung, enforcement) (rate(misfire_decisions_total{$e, $b, $r}[$s]))",
        "decisions/s",
        "{{rung}} {{enforcement}}",
        "Decisions on all events by the rung that made them; the worker's should be nearly all.",
    ),
    # What does it cost users?
    _ask(
        "interruption_share",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}}",
        "Commands that were not simply allowed, misfires among them: false interruptions are at most this many.",
    ),
    _ask(
        "interruption_budget",
        "max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "share",
        "{{risk_class}} budget",
        "The share of meant commands that the policy allows to interrupt.",
    ),
    _ask(
        "interruption_over_budget",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)"
        " / max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "times",
        "{{risk_class}}",
        "The realised interruption rate in budgets: 1 is all of it; above 1 for long means misfires, drift, or a bundle that is off.",
    ),
    _ask(
        "confirmed_share",
        'sum by (risk_class) (rate(misfire_confirmations_total{$e, $r, result="confirmed"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} confirmed",
        "Commands that were asked about although they were meant: false interruptions are at least this many.",
    ),
    _ask(
        "confirmations",
        "sum by (method, result, reason) (rate(misfire_confirmations_total{$e, $r}[$s]))",
        "confirmations/s",
        "{{method}} {{result}} {{reason}}",
        "What became of questions; many denied: misfires are stopped; many expired: nobody sees the question.",
    ),
    _ask(
        "outcomes",
        "sum by (outcome, source) (rate(misfire_outcomes_total{$e}[$s]))",
        "outcomes/s",
        "{{outcome}} ({{source}})",
        "What happened afterwards; undone after allow is a misfire that went through.",
    ),
    _ask(
        "proof_key",
        "min(misfire_proof_key_present{$e})",
        "",
        "key",
        "1 while every worker has a key to check proofs of confirmations with.",
    ),
    _ask(
        "outcomes_refused",
        "sum by (reason) (rate(misfire_outcomes_refused_total{$e}[$s]))",
        "outcomes/s",
        "{{reason}}",
        "Outcomes that changed nothing; ran_refused: a command ran that was not allowed.",
    ),
    # Is the bundle still right?
    _ask(
        "abstained_share",
        "sum by (risk_class, reason) (rate(misfire_abstentions_total{$e, $r}[$s]))"
        " / on (risk_class) group_left () (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} {{reason}}",
        "Commands left to the policy's rule because the judge could not know; lower is better.",
    ),
    _ask(
        "cautions",
        "sum by (risk_class, reason) (rate(misfire_cautions_total{$e, $r}[$s]))",
        "commands/s",
        "{{risk_class}} {{reason}}",
        "Commands that were asked about on top of the budgets: of unclassified intents, and physical ones new in their household.",
    ),
    _ask(
        "misfire_probability",
        "sum by (le) (rate(misfire_probability_bucket{$e, $b, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "How the misfire probabilities of commands are distributed.",
    ),
    _ask(
        "misfire_probability_p99",
        "histogram_quantile(0.99, sum by (risk_class, le) (rate(misfire_probability_bucket{$e, $b, $r}[$s])))",
        "share",
        "{{risk_class}}",
        "The misfire probability that one in a hundred commands exceeds; a jump means other traffic or a bad bundle.",
    ),
    _ask(
        "surprisal",
        "sum by (le) (rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "How rare the committed chains are; higher is rarer.",
    ),
    _ask(
        "surprisal_median",
        "histogram_quantile(0.5, sum by (risk_class, le) (rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s])))",
        "bits",
        "{{risk_class}}",
        "How rare the middle one of the committed chains is; a slow rise means that the bundle ages.",
    ),
    _ask(
        "drift",
        # The population stability index as detector.evidence.drift has it: sum of (now - then) * ln(now / then), empty bins as 1e-4.
        "topk(10, sum by (term) ("
        "(clamp_min(" + _NOW + ", 1e-4) - clamp_min(" + _THEN + ", 1e-4))"
        " * ln(clamp_min(" + _NOW + ", 1e-4) / clamp_min(" + _THEN + ", 1e-4))))",
        "index",
        "{{term}}",
        "How far each evidence term has moved from the training data, the ten farthest; below 0.1 is none, above 0.25 is drift.",
    ),
    _ask(
        "stopped_share_by_bundle",
        'sum by (bundle, enforcement) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle, enforcement) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{bundle}} {{enforcement}}",
        "What each bundle stops, or would stop where its policy only records.",
    ),
    _ask(
        "shadow_stopped_share",
        'sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0)",
        "share",
        "{{bundle}} in shadow",
        "What the shadow bundle would stop; a shadow that stops much more than the active bundle is not ready.",
    ),
    _ask(
        "shadow_differs",
        "sum by (active, verdict) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0",
        "commands/s",
        "{{active}}, in shadow {{verdict}}",
        "What was decided and what the shadow bundle would have decided; where they are the same verdict they agree.",
    ),
    _ask(
        "shadow_failures",
        "sum(rate(misfire_shadow_failures_total{$e}[$s]))",
        "records/s",
        "failures",
        "Records that the shadow bundle could not decide on; more than none is a defect, and touches nobody.",
    ),
    _ask(
        "bundles",
        "count by (version, policy) (misfire_bundle_info{$e, $v})",
        "processes",
        "{{version}} policy {{policy}}",
        "Which bundles decide; more than one, for longer than a roll-out takes, is bad.",
    ),
    # Is a household's data where it must not be?
    _ask(
        "exports_refused",
        "sum(rate(misfire_exports_refused_total{$e}[$s]))",
        "exports/s",
        "refused",
        "Exports refused because a record names another household as well; more than none is an incident.",
    ),
    _ask(
        "households_erased",
        "sum(rate(misfire_households_erased_total{$e}[$s]))",
        "households/s",
        "erased",
        "Households whose state was erased.",
    ),
    _ask(
        "after_erasure",
        "sum by (topic) (rate(misfire_after_erasure_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records about the time before a household's erasure, not taken in; for long, a runtime keeps sending them again.",
    ),
    _ask(
        "untaught",
        "sum(rate(misfire_sessions_untaught_total{$e}[$s]))",
        "sessions/s",
        "not learned from",
        "Sessions beyond those that a household learns from on one day; a flood, by a skill or a loop, stands out.",
    ),
    _ask(
        "states_cut",
        "sum(rate(misfire_states_cut_total{$e}[$s]))",
        "households/s",
        "cut",
        "Households too large for the changelog, whose open sessions and questions were forgotten; more than none is a defect.",
    ),
    _ask(
        "block_budget_left",
        "min by (instance) (misfire_block_budget_left_ratio{$e})",
        "share",
        "{{instance}}",
        "What is left of each worker's block budget; at 0 its blocks become confirms: the bundle is wrong, or somebody attacks.",
    ),
    _ask(
        "block_budget_spent",
        "sum(misfire_block_budget_spent{$e})",
        "workers",
        "spent",
        "Workers that ask instead of blocking because their block budget is spent; none is normal.",
    ),
    _ask(
        "bundle_age",
        "time() - max by (version) (misfire_bundle_created_timestamp_seconds{$e, $v})",
        "seconds",
        "{{version}}",
        "How long ago the bundle was made; habits change within months.",
    ),
    # Does the hook answer in time, and from which rung?
    _ask(
        "hook_answers",
        "sum by (rung) (rate(misfire_hook_answers_total{$e, $r}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers of the hook by the rung they stand on.",
    ),
    _ask(
        "degraded_share",
        'sum(rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s])) / (sum(rate(misfire_hook_answers_total{$e, $r}[$s])) > 0)',
        "share",
        "degraded",
        "Answers that a rung below the worker had to give; lower is better.",
    ),
    _ask(
        "degraded_reasons",
        'sum by (reason) (rate(misfire_hook_answers_total{$e, $r, rung!="worker"}[$s]))',
        "answers/s",
        "{{reason}}",
        "Why the worker's answer was not used.",
    ),
    _ask(
        "hook_seconds",
        "sum by (le) (rate(misfire_hook_answer_seconds_bucket{$e}[$s]))",
        "answers/s",
        "{{le}}",
        "How long answers took.",
    ),
    _ask(
        "hook_p99",
        "histogram_quantile(0.99, sum by (rung, le) (rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p99",
        "The time within which 99 of 100 answers came, by rung; the deadline is 0.15 s unless the asker names another.",
    ),
    _ask(
        "hook_p50",
        "histogram_quantile(0.5, sum by (rung, le) (rate(misfire_hook_answer_seconds_bucket{$e}[$s])))",
        "seconds",
        "{{rung}} p50",
        "The time within which half of the answers came, by rung.",
    ),
    _ask(
        "missed_deadlines",
        "sum by (rung) (rate(misfire_hook_missed_deadlines_total{$e}[$s]))",
        "answers/s",
        "{{rung}}",
        "Answers after the asker's own deadline; lower is better.",
    ),
    _ask(
        "late",
        "sum(rate(misfire_hook_late_total{$e}[$s]))",
        "decisions/s",
        "late",
        "Decisions of a worker that came after the hook had answered.",
    ),
    _ask(
        "late_disagreements",
        "sum(rate(misfire_hook_late_disagreements_total{$e}[$s]))",
        "decisions/s",
        "another verdict",
        "Late decisions that would have been another verdict than the one given; lower is better.",
    ),
    _ask(
        "late_dropped",
        "sum(rate(misfire_hook_late_dropped_total{$e}[$s]))",
        "decisions/s",
        "dropped",
        "Late disagreements that a listener or a callback was too slow for; the log has them.",
    ),
    _ask(
        "callbacks",
        "sum by (result) (rate(misfire_hook_callbacks_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Late disagreements sent to the runtime; failed ones left the runtime in the dark.",
    ),
    _ask(
        "repeated",
        "sum by (result) (rate(misfire_hook_repeated_total{$e}[$s]))",
        "requests/s",
        "{{result}}",
        "Questions about an event that was asked about before; refused means that an event id was used for another event.",
    ),
    _ask(
        "in_flight",
        "sum by (instance) (misfire_hook_in_flight{$e})",
        "requests",
        "{{instance}}",
        "Questions that wait for a worker right now; as many as there are places means that the mildest are shed.",
    ),
    _ask(
        "policy_differs",
        "sum(rate(misfire_hook_policy_differs_total{$e}[$s]))",
        "requests/s",
        "another policy",
        "Requests of clients with another policy's fallbacks than the gateway's; normal during a roll-out only.",
    ),
    _ask(
        "refused",
        "sum by (reason) (rate(misfire_hook_refused_total{$e}[$s]))",
        "requests/s",
        "{{reason}}",
        "Requests refused for who asks or from where; normally none.",
    ),
    _ask(
        "cut",
        "sum by (reason) (rate(misfire_hook_cut_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Connections ended because a client took more bytes, seconds or places than it may; normally none.",
    ),
    _ask(
        "replies_late",
        "sum(rate(misfire_replies_late_total{$e}[$s]))",
        "answers/s",
        "after the asker's deadline",
        "Answers by Kafka that came after the deadline that their asker named; it took its policy's fallback.",
    ),
    # Is anything lost, refused or stuck?
    _ask(
        "lag",
        "sum by (topic, partition) (misfire_consumer_lag_records{$e})",
        "records",
        "{{topic}} {{partition}}",
        "Records that wait in each partition; a growing one means too few workers, or a worker that hangs.",
    ),
    _ask(
        "watermark_age",
        "(time() - max by (topic, partition) (misfire_watermark_timestamp_seconds{$e}))"
        " * on (topic, partition) (sum by (topic, partition) (misfire_consumer_lag_records{$e}) > bool 0)",
        "seconds",
        "{{topic}} {{partition}}",
        "How long ago what was worked on last had come, where records wait; zero where none does.",
    ),
    _ask(
        "dead_letters",
        "sum by (reason) (rate(misfire_dead_letters_total{$e}[$s]))",
        "records/s",
        "{{reason}}",
        "Records that could not be read; lower is better.",
    ),
    _ask(
        "clocks_replaced",
        "sum(rate(misfire_clocks_replaced_total{$e}[$s]))",
        "events/s",
        "events",
        "Events whose device's clock was too far off, so that the log's time stood in; lower is better.",
    ),
    _ask(
        "unreadable_files",
        "sum by (instance) (rate(misfire_metrics_files_unreadable_total{$e}[$s]))",
        "files/s",
        "{{instance}}",
        "Files of the folder that processes share their metrics in which hold no metrics and are left out.",
    ),
    _ask(
        "ignored_fields",
        "sum by (topic) (rate(misfire_ignored_fields_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records with fields that the worker does not know and ignores; a slip in a name, or a newer sender.",
    ),
    _ask(
        "producer_times",
        "sum by (topic) (rate(misfire_producer_times_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records whose time their producer chose, and not the log; lower is better.",
    ),
    _ask(
        "duplicates",
        "sum by (topic) (rate(misfire_duplicates_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records delivered again and skipped; normal after a restart, a loop if it stays.",
    ),
    _ask(
        "passed_on",
        "sum by (topic) (rate(misfire_passed_on_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records in another partition than their household's, sent to its own; normal for a moment after topics grew.",
    ),
    _ask(
        "earlier_topic",
        "sum by (topic) (rate(misfire_earlier_topic_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records of households last heard of in an earlier topic of that name: somebody deleted and created it again.",
    ),
    _ask(
        "connections_lost",
        "sum by (reason) (rate(misfire_connections_lost_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Gateways' connections to Kafka that failed and were made anew; internal_error is a fault of our own.",
    ),
    _ask(
        "replies_failed",
        "sum(rate(misfire_replies_failed_total{$e}[$s]))",
        "replies/s",
        "replies",
        "Replies that a gateway could not take in and passed over; a fault of our own, see its log.",
    ),
    _ask(
        "send_failures",
        "sum by (topic) (rate(misfire_send_failures_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records that Kafka did not take; more than none is bad.",
    ),
    _ask(
        "unwritten_seconds",
        "max(misfire_unwritten_seconds{$e})",
        "seconds",
        "waiting",
        "How long decisions have waited for the audit log without any getting through; a worker ends at 30 s.",
    ),
    _ask(
        "ready_workers",
        "sum(misfire_ready{$e})",
        "workers",
        "ready",
        "Workers with partitions assigned, the table recovered and the agents running; none means every answer is degraded.",
    ),
    _ask(
        "brokers",
        "min by (instance) (misfire_broker_reachable{$e})",
        "yes or no",
        "{{instance}}",
        "Whether a broker answers each process; 0 means that it decides nothing.",
    ),
    _ask(
        "rebalances",
        "sum(increase(misfire_rebalances_total{$e}[$s]))",
        "rebalances",
        "rebalances",
        "Times that partitions were given out anew; each degrades the hook for seconds.",
    ),
    _ask(
        "recovery_seconds",
        "max by (instance) (misfire_recovery_seconds{$e})",
        "seconds",
        "{{instance}}",
        "How long the last recovery of each household table took; the hook is degraded for as long.",
    ),
    _ask(
        "state_bytes",
        "sum by (instance) (misfire_state_bytes{$e})",
        "bytes",
        "{{instance}}",
        "What each worker's households take in its table; recovery reads all of it.",
    ),
    # Households, in aggregate only
    _ask(
        "households",
        "sum(misfire_households{$e})",
        "households",
        "households",
        "Households with a state; one that falls without erasures means a lost partition.",
    ),
    _ask(
        "bytes_per_household",
        "sum(misfire_state_bytes{$e}) / (sum(misfire_households{$e}) > 0)",
        "bytes",
        "per household",
        "What one household takes on average; a state is bounded, so growth without end is a defect.",
    ),
    _ask(
        "cohort_commands",
        "sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{cohort}}",
        "Commands of households in their first sessions, and of all others.",
    ),
    _ask(
        "cohort_interruptions",
        'sum by (cohort) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{cohort}}",
        "Commands that were not simply allowed, by cohort; new households are calibrated apart and held to the same budget.",
    ),
    # Annotations
    _ask(
        "bundle_changes",
        "count by (version) (misfire_bundle_info{$e}) unless count by (version) (misfire_bundle_info{$e} offset $s)",
        "processes",
        "bundle {{version}}",
        "A bundle that was not there before.",
    ),
    _ask(
        "restarts",
        "count by (instance) ("
        "(process_start_time_seconds{$e} unless process_start_time_seconds{$e} offset $s)"
        " or process_start_time_seconds{$e} != process_start_time_seconds{$e} offset $s)",
        "restarts",
        "{{instance}} restarted",
        "A process that was not there before, or was started anew.",
    ),
)

_BY_NAME = {query.name: query for query in QUERIES}


def named(name: str) -> Query:
    """Return the query of that name."""
    return _BY_NAME[name]
