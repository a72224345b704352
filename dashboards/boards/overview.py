"""The overview: is it running, what does it stop, and what does it cost users?"""

from __future__ import annotations

from dashboards.panels import Board, Panel, Row

__all__ = ["OVERVIEW"]

OVERVIEW = Board(
    "misfire-overview",
    "misfire: Overview",
    "Is it running, what does it stop, and what does it cost users?",
    (
        Row(
            "Is it running?",
            (
                Panel(
                    "Ready workers",
                    ("ready_workers",),
                    "As many as you run.",
                    "Read the workers' logs and open Pipeline. Without a ready worker, every "
                    "answer is degraded.",
                    "number",
                    4,
                    alert="MisfireNoWorkerReady",
                    bad_from=0.5,
                    bad_below=True,
                ),
                Panel(
                    "Events",
                    ("events",),
                    "Follows the day: low at night, high in the evening.",
                    "If it is zero while people speak, ask the runtime's team, then check the lag "
                    "in Pipeline.",
                    "number",
                    4,
                ),
                Panel(
                    "Degraded answers",
                    ("degraded_share",),
                    "Below 1 %, with short peaks when a worker joins or leaves.",
                    "Find in Pipeline why the worker's answer was not used.",
                    "number",
                    4,
                    alert="MisfireFirstRungBurnsFast",
                    bad_from=0.05,
                ),
                Panel(
                    "Age of the bundle",
                    ("bundle_age",),
                    "Less than a month.",
                    "Train a new bundle on the last weeks and roll it out.",
                    "number",
                    4,
                    alert="MisfireBundleStale",
                    bad_from=30 * 86_400,
                ),
                Panel(
                    "Block budget left",
                    ("block_budget_left",),
                    "Above 80 %.",
                    "At 0 blocks become confirms, and a page was sent. Compare with the previous "
                    "bundle.",
                    "number",
                    4,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.2,
                    bad_below=True,
                ),
                Panel(
                    "Dead letters",
                    ("dead_letters",),
                    "None.",
                    "Run 'misfire redrive' to see the reasons. The sender's data or clock is "
                    "wrong.",
                    "number",
                    4,
                    alert="MisfireDeadLetters",
                    bad_from=0.01,
                ),
            ),
        ),
        Row(
            "What does it stop?",
            (
                Panel(
                    "Commands by verdict",
                    ("verdicts",),
                    "Nearly all are allowed.",
                    "If many are blocked or confirmed, see below which commands.",
                    "stacked",
                    12,
                ),
                Panel(
                    "Confirmed or blocked, by risk class",
                    ("stopped",),
                    "About one command in a hundred, spread over the classes.",
                    "A sudden rise in one class is an attack, a broken microphone model or a "
                    "wrong bundle: see Decision quality.",
                    width=12,
                    every="5m",
                    alert="MisfireStoppedFarAboveNormal",
                ),
                Panel(
                    "Commands most often confirmed or blocked",
                    ("stopped_intents",),
                    "The leading intent changes.",
                    "If one intent keeps leading, the runtime may have renamed it, or something "
                    "plays it to many devices.",
                    "stacked",
                    12,
                    every="15m",
                ),
                Panel(
                    "Outcomes",
                    ("outcomes",),
                    "Nearly all executed; a few confirmed, denied or undone.",
                    "A command undone after allow is a misfire that went through. Run 'misfire "
                    "decisions tail' to see the evidence.",
                    "stacked",
                    12,
                    every="5m",
                ),
                Panel(
                    "Confirmation key present",
                    ("proof_key",),
                    "1.",
                    "0: a worker has no key. It accepts no PIN or push confirmation and blocks "
                    "commands that require one. Set confirmation_key_file.",
                    width=12,
                    every="5m",
                ),
                Panel(
                    "Refused outcomes",
                    ("outcomes_refused",),
                    "None.",
                    "ran_refused: a runtime ran a command that was not allowed; the worker's log "
                    "names the events. unchecked_confirmation: a runtime reports a confirmation "
                    "as an outcome; it must post it to /v1/confirmations.",
                    "stacked",
                    12,
                    every="5m",
                    alert="MisfireRanRefused",
                ),
                Panel(
                    "Labels",
                    ("labels",),
                    "Few; many that were unlearned mean that the bundle lets misfires run.",
                    "forgotten and day_full: only training uses the label. Read who labelled what, "
                    "and why, with GET /v1/labels or at the desk.",
                    "stacked",
                    12,
                    every="1h",
                ),
                Panel(
                    "Rules",
                    ("rules",),
                    "Few, and most of them with an expiry.",
                    "'misfire rules list' shows owner and reason of each. Put what should stay "
                    "into the policy, and remove the rule.",
                    "stacked",
                    12,
                    every="5m",
                ),
                Panel(
                    "Commands changed by a rule",
                    ("rule_commands",),
                    "As many as 'misfire rules dry-run' printed for the rules in force.",
                    "More: a pattern matches too much. 'misfire rules list' shows the rules, with "
                    "owners and reasons. 'misfire rules remove RULE --why TEXT' removes one. "
                    "failed: the log of the worker or gateway has the error.",
                    "stacked",
                    12,
                    every="1h",
                ),
            ),
        ),
        Row(
            "What does it cost users?",
            (
                Panel(
                    "Interruptions against the budget",
                    ("interruption_share", "interruption_budget"),
                    "Each class below its budget, or slightly above it, because misfires are "
                    "included.",
                    "If a class stays far above for an hour, check drift in Decision quality. If "
                    "it began with a new bundle, roll that back.",
                    width=8,
                    every="15m",
                    alert="MisfireInterruptionsOverBudget",
                ),
                Panel(
                    "Questions and answers",
                    ("confirmations",),
                    "Some confirmed, some denied; few expired.",
                    "Many denied: misfires are stopped; find their source. Many expired: users do "
                    "not see the questions.",
                    "stacked",
                    8,
                    every="15m",
                    alert="MisfireConfirmationsDenied",
                ),
                Panel(
                    "Time to answer",
                    ("hook_p50", "hook_p99"),
                    "On the worker's rung, half within 5 ms and 99 % within 50 ms. On the "
                    "gateway's rung, close to the deadline.",
                    "If the worker's rung is slow, check lag and rebalances in Pipeline.",
                    width=8,
                    alert="MisfireDeadlineBurnsFast",
                ),
            ),
        ),
    ),
)
