"""Commands: what misfire stops, and what it costs users."""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["COMMANDS"]

COMMANDS: tuple[Query, ...] = (
    # Is it running, and what does it stop?
    query(
        "events",
        "sum(rate(misfire_events_total{$e}[$s]))",
        "events/s",
        "events",
        "Intent events applied to the state of a household.",
    ),
    query(
        "verdicts",
        "sum by (verdict) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{verdict}}",
        "Commands by the worker's verdict.",
    ),
    query(
        "stopped",
        'sum by (risk_class, verdict) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow", '
        'enforcement="enforce"}[$s]))',
        "commands/s",
        "{{risk_class}} {{verdict}}",
        "Commands that were confirmed or blocked, by risk class. A value far above normal is an "
        "attack or a broken microphone model.",
    ),
    query(
        "stopped_intents",
        "topk(10, sum by (intent, verdict) (increase(misfire_command_intents_total{$e, "
        'verdict!="allow"}[$s])))',
        "commands",
        "{{intent}} {{verdict}}",
        "The ten intents whose commands are most often confirmed or blocked.",
    ),
    query(
        "decisions",
        "sum by (rung, enforcement) (rate(misfire_decisions_total{$e, $b, $r}[$s]))",
        "decisions/s",
        "{{rung}} {{enforcement}}",
        "Decisions on all events, by the rung that made them. Nearly all should come from the "
        "worker.",
    ),
    # What does it cost users?
    query(
        "interruption_share",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}}",
        "Share of commands that were confirmed or blocked, misfires included: an upper bound of "
        "false interruptions.",
    ),
    query(
        "interruption_budget",
        "max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "share",
        "{{risk_class}} budget",
        "The share of meant commands that the policy may interrupt.",
    ),
    query(
        "interruption_over_budget",
        'sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)"
        " / max by (risk_class) (misfire_interruption_budget_ratio{$e, $b, $r})",
        "times",
        "{{risk_class}}",
        "The interruption rate divided by its budget. Above 1 for long means misfires, drift, or "
        "a wrong bundle.",
    ),
    query(
        "confirmed_share",
        'sum by (risk_class) (rate(misfire_confirmations_total{$e, $r, result="confirmed"}[$s]))'
        " / (sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} confirmed",
        "Share of commands that users confirmed when asked: a lower bound of false interruptions.",
    ),
    query(
        "confirmations",
        "sum by (method, result, reason) (rate(misfire_confirmations_total{$e, $r}[$s]))",
        "confirmations/s",
        "{{method}} {{result}} {{reason}}",
        "Results of questions. Many denied: misfires are stopped. Many expired: users do not see "
        "the questions.",
    ),
    query(
        "outcomes",
        "sum by (outcome, source) (rate(misfire_outcomes_total{$e}[$s]))",
        "outcomes/s",
        "{{outcome}} ({{source}})",
        "What happened to commands afterwards. A command undone after allow is a misfire that "
        "went through.",
    ),
    query(
        "proof_key",
        "min(misfire_proof_key_present{$e})",
        "",
        "key",
        "1 while every worker has the key that verifies proofs of confirmations.",
    ),
    query(
        "labels",
        "sum by (label, effect) (increase(misfire_labels_total{$e}[$s]))",
        "labels",
        "{{label}} {{effect}}",
        "Labels that people gave to events, by what they changed in the household.",
    ),
    query(
        "rule_commands",
        "sum by (rung, act, risk_class) (increase(misfire_rule_commands_total{$e, $r}[$s]))",
        "commands",
        "{{rung}} {{act}} {{risk_class}}",
        "Commands whose verdict or class a rule changed, by rung and by what the rule does.",
    ),
    query(
        "rules",
        "max by (act) (misfire_rules{$e})",
        "rules",
        "{{act}}",
        "Rules that the workers know, by what they do; expired ones until they are removed.",
    ),
    query(
        "outcomes_refused",
        "sum by (reason) (rate(misfire_outcomes_refused_total{$e}[$s]))",
        "outcomes/s",
        "{{reason}}",
        "Outcomes that were refused and changed nothing. ran_refused: a command ran that was not "
        "allowed.",
    ),
)
