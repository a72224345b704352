"""The four dashboards as literal tables.

Each panel names its queries, what is normal and what to do otherwise. The PromQL is in
``queries.py``. ``build.py`` turns the tables into Grafana's JSON, ``preview.py`` into an HTML page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ANNOTATIONS", "BOARDS", "DECISIONS", "Board", "Look", "Panel", "Row"]

#: How a panel is drawn; ``heat`` is a distribution over time.
Look = Literal["lines", "stacked", "number", "heat"]

#: Queries whose results every dashboard marks on its graphs.
ANNOTATIONS = ("bundle_changes", "restarts")
#: The uid of the dashboard that exemplars link to.
DECISIONS = "misfire-decisions"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard.

    Attributes:
        title: what the panel shows.
        queries: names in ``queries.QUERIES``, all with the same unit.
        normal: what the panel shows in normal operation.
        do: what to do otherwise.
        look: how the panel is drawn.
        width: its columns, of 24.
        every: the shortest step. Rare events need a long one, or a rate has nothing to count.
        alert: the alert whose runbook section the panel links to.
        bad_from: the threshold at which a value is bad.
        bad_below: whether values at or below the threshold are bad, instead of at or above it.
    """

    title: str
    queries: tuple[str, ...]
    normal: str
    do: str
    look: Look = "lines"
    width: int = 8
    every: str | None = None
    alert: str | None = None
    bad_from: float | None = None
    bad_below: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A group of panels that answer one question."""

    question: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; ``uid`` identifies it in links and names its file."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]


_OVERVIEW = Board(
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

_QUALITY = Board(
    DECISIONS,
    "misfire: Decision quality",
    "Are the decisions right: budget, calibration, drift, risk classes, shadow against active?",
    (
        Row(
            "Are interruptions within the budget?",
            (
                Panel(
                    "Interruption rate as a multiple of the budget",
                    ("interruption_over_budget",),
                    "Around 1 or below.",
                    "Above 2 for an hour: misfires, drift or a wrong bundle. The next panels show "
                    "which.",
                    every="15m",
                    alert="MisfireInterruptionsOverBudget",
                    bad_from=2.0,
                ),
                Panel(
                    "Bounds on false interruptions",
                    ("interruption_share", "confirmed_share"),
                    "The true share of false interruptions lies between the two. Both are below "
                    "the budget.",
                    "If the confirmed share alone exceeds the budget, the bundle does not fit "
                    "this traffic: train a new one.",
                    every="15m",
                ),
                Panel(
                    "Judge abstained",
                    ("abstained_share",),
                    "Near zero in every class.",
                    "unknown_intent: the runtime has new intents; train a new bundle. "
                    "too_little_calibration: train on more households. judge_failed: the bundle "
                    "gives no valid numbers; restore the previous one.",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is confirmed on top of the budgets?",
            (
                Panel(
                    "Unclassified, or new in its household",
                    ("cautions",),
                    "unclassified_intent: none. first_physical_command: a few for each new "
                    "household, then almost none.",
                    "unclassified_intent: run 'misfire doctor' to list the intents, and name them "
                    "in the policy. first_physical_command for long: users deny the questions, or "
                    "a skill sends commands that the household does not use.",
                    width=24,
                    alert="MisfireIntentsUnclassified",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What does the judge estimate?",
            (
                Panel(
                    "Misfire probability",
                    ("misfire_probability",),
                    "A broad band far below 1 %, and a thin one near the top.",
                    "A band that moves up means drift or an attack.",
                    "heat",
                ),
                Panel(
                    "Misfire probability, 99th percentile",
                    ("misfire_probability_p99",),
                    "Steady in each class.",
                    "A jump with a new bundle: roll the bundle back. A jump without one: the "
                    "traffic has changed.",
                    every="5m",
                ),
                Panel(
                    "Surprisal of chains",
                    ("surprisal",),
                    "Steady. Rarer chains are higher.",
                    "A slow rise over weeks means that habits have changed: train a new bundle.",
                    "heat",
                ),
                Panel(
                    "Median surprisal of chains",
                    ("surprisal_median",),
                    "Between 2 and 10 bits, steady.",
                    "A slow rise in one risk class means that habits have changed there: train a "
                    "new bundle.",
                    width=12,
                    every="5m",
                ),
                Panel(
                    "Drift of evidence",
                    ("drift",),
                    "Below 0.1. Between 0.1 and 0.25, keep an eye on it.",
                    "Above 0.25 over hundreds of commands: check whether a channel is missing "
                    "(confidences) or habits have changed. With few commands, the value means "
                    "nothing.",
                    width=12,
                    every="15m",
                    bad_from=0.25,
                ),
            ),
        ),
        Row(
            "Which bundle decides, and what would another one do?",
            (
                Panel(
                    "Bundles in use",
                    ("bundles",),
                    "One version, in as many processes as you run; two during a roll-out.",
                    "If two remain after a roll-out, restart the processes that have the old one.",
                    "stacked",
                    alert="MisfireBundlesDiffer",
                ),
                Panel(
                    "Unready bundles that decide",
                    ("bundle_unready",),
                    "0.",
                    "1: a rule without a model costs users less than this bundle. Roll back to the "
                    "previous one; 'misfire bundle show bundle' prints the costs.",
                    every="5m",
                    alert="MisfireBundleUnready",
                ),
                Panel(
                    "Shadow against active",
                    ("stopped_share_by_bundle", "shadow_stopped_share"),
                    "The shadow bundle is near the active one. Without a shadow_bundle, only the "
                    "active one is shown.",
                    "A shadow bundle that stops far more commands is not ready. The workers' log "
                    'has its decisions (event "shadow").',
                    every="15m",
                ),
                Panel(
                    "Active and shadow, by verdict",
                    ("shadow_differs",),
                    "Nearly always the same verdict twice.",
                    "Active allow, shadow confirm or block: what the shadow bundle would cost "
                    "users. The reverse: what it would let through.",
                    every="15m",
                ),
                Panel(
                    "Shadow failures",
                    ("shadow_failures",),
                    "None.",
                    "The shadow bundle does not fit this version: train it again. Answers are not "
                    "affected.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Late decisions and disagreements",
                    ("late", "late_disagreements", "late_dropped"),
                    "Few late, almost none different, none dropped.",
                    "Run 'misfire decisions late' to list them: the gateway's verdict was "
                    "applied. Dropped: a listener is too slow.",
                    width=12,
                ),
                Panel(
                    "Block budget left",
                    ("block_budget_left",),
                    "Above 80 %.",
                    "If it falls towards 0, too much is blocked: compare with the previous bundle.",
                    width=12,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.2,
                    bad_below=True,
                ),
                Panel(
                    "Workers that have exhausted their block budget",
                    ("block_budget_spent",),
                    "None.",
                    "These workers confirm instead of blocking: follow the runbook.",
                    width=12,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.5,
                ),
            ),
        ),
    ),
)

_PIPELINE = Board(
    "misfire-pipeline",
    "misfire: Pipeline",
    "Does the path through Kafka work: rungs, latency, lag, rebalances, dead letters, brokers?",
    (
        Row(
            "Which rung answers, and how fast?",
            (
                Panel(
                    "Answers by rung",
                    ("hook_answers",),
                    "Nearly all from the worker's rung.",
                    "If other rungs answer, the next panel gives the reasons.",
                    "stacked",
                    alert="MisfireFirstRungBurnsFast",
                ),
                Panel(
                    "Reasons for degraded answers",
                    ("degraded_reasons",),
                    "Empty except for seconds around a rebalance.",
                    "worker_timeout: check lag and rebalances. broker_unreachable: check the "
                    "brokers. no_bundle: give the gateway a bundle.",
                    "stacked",
                ),
                Panel(
                    "Answers after the deadline",
                    ("missed_deadlines", "replies_late"),
                    "None.",
                    "The gateway itself is too slow. Is its CPU busy, or is the deadline below 10 "
                    "ms?",
                    alert="MisfireDeadlineBurnsFast",
                    bad_from=0.01,
                ),
                Panel(
                    "Distribution of the time to answer",
                    ("hook_seconds",),
                    "A band at a few milliseconds; nothing above the deadline.",
                    "A second band just below 0.15 s is the gateway's rung: the worker did not "
                    "answer in time.",
                    "heat",
                    12,
                ),
                Panel(
                    "Time to answer, by rung",
                    ("hook_p50", "hook_p99"),
                    "On the worker's rung, half within 5 ms and 99 % within 50 ms.",
                    "If it is slow, check the lag and the brokers' own dashboards.",
                    width=12,
                ),
                Panel(
                    "Requests waiting for a worker",
                    ("in_flight",),
                    "A few.",
                    "Near the limit (max_waiting), requests of the mildest risk classes are shed. "
                    "Add gateways, or find out why workers are slow.",
                    width=6,
                ),
                Panel(
                    "Repeated requests",
                    ("repeated",),
                    "Some, if runtimes retry.",
                    "refused: a runtime uses one event id for two events.",
                    width=6,
                ),
                Panel(
                    "Callbacks",
                    ("callbacks",),
                    "As many as late disagreements.",
                    "failed: the runtime's callback is down or slow. The log contains all of them.",
                    width=6,
                ),
                Panel(
                    "Clients with another policy",
                    ("policy_differs",),
                    "None, except during a roll-out.",
                    "Roll the policy out to the clients as well.",
                    width=6,
                ),
                Panel(
                    "Refused callers",
                    ("refused",),
                    "None.",
                    "wrong_token: a token was revoked, or someone guesses. other_tenant: the "
                    "keyring's household key differs from the access file's (run 'misfire token "
                    "list FILE'). rate_exceeded: raise per_second, or look for a loop in the "
                    "runtime. wrong_host: add the name to allowed_hosts if it is yours. "
                    "foreign_origin: a web page sends requests; find out which.",
                    width=12,
                ),
                Panel(
                    "Closed connections",
                    ("cut",),
                    "None, except single ones when clients lose their network.",
                    "crowded, full: too many connections at once; find their owner, or raise the "
                    "limit on open files (ulimit -n). head_time, body_time, slow_reader: a slow "
                    "network or an attack. Run 'misfire config limits' to see each limit.",
                    width=12,
                ),
            ),
        ),
        Row(
            "Do the workers keep up?",
            (
                Panel(
                    "Consumer lag",
                    ("lag",),
                    "Zero, with short peaks.",
                    "One partition grows: its worker hangs; restart it. All partitions grow: add "
                    "workers.",
                    alert="MisfireLagGrows",
                ),
                Panel(
                    "Processing delay",
                    ("watermark_age",),
                    "Zero, with peaks below a second.",
                    "If it grows as fast as time passes, no record is processed: read the "
                    "worker's log.",
                    alert="MisfireLagGrows",
                ),
                Panel(
                    "Decisions by rung",
                    ("decisions",),
                    "From the worker's rung, as many as events.",
                    "Decisions of the gateway's rung were made without the household's history.",
                    "stacked",
                ),
                Panel(
                    "Ready workers",
                    ("ready_workers",),
                    "As many as you run.",
                    "Fewer: check restarts, logs and the broker.",
                    width=6,
                    alert="MisfireWorkerMissing",
                ),
                Panel(
                    "Rebalances",
                    ("rebalances",),
                    "Only when a worker starts or stops.",
                    "Again and again: a worker keeps exiting, or is too slow for its session "
                    "timeout.",
                    width=6,
                ),
                Panel(
                    "Last recovery",
                    ("recovery_seconds",),
                    "Seconds, growing with the state.",
                    "Above 30 seconds, add partitions and workers, and check that the changelog "
                    "is compacted.",
                    width=6,
                    alert="MisfireRecoverySlow",
                    bad_from=30.0,
                ),
                Panel(
                    "Size of the state",
                    ("state_bytes",),
                    "Grows with the number of households, evenly over workers.",
                    "Uneven: a few households have large states. A recovery reads all of it.",
                    width=6,
                ),
            ),
        ),
        Row(
            "Is anything lost or rejected?",
            (
                Panel(
                    "Dead letters",
                    ("dead_letters",),
                    "None.",
                    "schema or not_json: check the version of the sender. Run 'misfire redrive' "
                    "to send the records again.",
                    width=8,
                    alert="MisfireDeadLetters",
                    bad_from=0.01,
                ),
                Panel(
                    "Records with unknown fields",
                    ("ignored_fields",),
                    "None.",
                    "A misspelt field is missing from every decision. Send the event over HTTP: "
                    "the answer names the field (X-Misfire-Ignored-Fields).",
                    width=8,
                ),
                Panel(
                    "Duplicate records",
                    ("duplicates",),
                    "Some after a restart.",
                    "If they continue, a worker cannot commit: read its log.",
                    width=8,
                ),
                Panel(
                    "Records forwarded to their own partition",
                    ("passed_on",),
                    "None, except for a moment after topics grew.",
                    "A producer does not use Kafka's default partitioner (murmur2): configure it "
                    "there.",
                    width=8,
                ),
                Panel(
                    "Topics deleted and created again",
                    ("earlier_topic",),
                    "None.",
                    "A topic was deleted and created again: follow the runbook.",
                    width=8,
                    alert="MisfireTopicCreatedAgain",
                    bad_from=0.001,
                ),
                Panel(
                    "Lost connections to Kafka",
                    ("connections_lost",),
                    "None, except while brokers restart.",
                    "internal_error: a bug in misfire. The gateway's log has the details.",
                    width=8,
                    bad_from=0.1,
                ),
                Panel(
                    "Replies skipped",
                    ("replies_failed",),
                    "None.",
                    "A bug in misfire. The gateway's log has the details.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Records rejected by Kafka",
                    ("send_failures",),
                    "None.",
                    "Check the brokers. Records that a gateway could not send are missing from "
                    "the log.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Devices with a wrong clock",
                    ("clocks_replaced",),
                    "Below one in a hundred events.",
                    "Follow the runbook: one runtime's devices have lost their time service, or "
                    "the broker's clock is wrong.",
                    width=8,
                    alert="MisfireClockSkew",
                ),
                Panel(
                    "Records timestamped by their producer",
                    ("producer_times",),
                    "None, except with the embedded broker.",
                    "Set message.timestamp.type=LogAppendTime on the topic. Otherwise a producer "
                    "can stretch every time window.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Decisions waiting to be written",
                    ("unwritten_seconds",),
                    "Below 2 s.",
                    "Follow the runbook: the audit log cannot be written, and after 30 s the "
                    "worker exits.",
                    width=8,
                    alert="MisfireAuditNotWritable",
                    bad_from=10.0,
                ),
                Panel(
                    "Kafka reachable",
                    ("brokers",),
                    "1 in every process.",
                    "0 in all: Kafka is down. 0 in one: check the network of that process.",
                    width=8,
                    alert="MisfireBrokerGone",
                    bad_from=0.5,
                    bad_below=True,
                ),
                Panel(
                    "Unreadable metrics files",
                    ("unreadable_files",),
                    "None.",
                    "The log names each file of PROMETHEUS_MULTIPROC_DIR. Remove it, and give "
                    "misfire a folder of its own.",
                    width=24,
                ),
            ),
        ),
    ),
)

_COHORT = Board(
    "misfire-households",
    "misfire: Household cohort",
    "Households in aggregate: new ones against all others. No panel shows a single household.",
    (
        Row(
            "Are new households served as well as others?",
            (
                Panel(
                    "Commands by cohort",
                    ("cohort_commands",),
                    "New households are few, unless many have just started.",
                    "If there are only new ones, states were lost: see the households below.",
                    "stacked",
                    12,
                ),
                Panel(
                    "Interruptions by cohort",
                    ("cohort_interruptions",),
                    "Both within the budget; new households slightly above the others.",
                    "If new households are far above, the calibration lacks new households: train "
                    "on streams that start with them.",
                    width=12,
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is stored?",
            (
                Panel(
                    "Households",
                    ("households",),
                    "Grows slowly.",
                    "If it falls without erasures, a partition has no worker, or its changelog "
                    "was lost.",
                ),
                Panel(
                    "Mean state size of a household",
                    ("bytes_per_household",),
                    "A few kilobytes, steady: a state is bounded.",
                    "If it keeps growing, report a bug.",
                ),
                Panel(
                    "Erased households",
                    ("households_erased",),
                    "As many as were requested.",
                    "If there are more, find out who requests them.",
                    every="15m",
                ),
                Panel(
                    "Refused exports",
                    ("exports_refused",),
                    "None.",
                    "A record names another household. This is a privacy incident: find the "
                    "sender first.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Records from before an erasure",
                    ("after_erasure",),
                    "A few right after an erasure.",
                    "If they continue, a runtime keeps sending old records.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Sessions not learned from",
                    ("untaught",),
                    "Almost none: no home has so many sessions in one day.",
                    "Something floods a household to make a rare command usual. Run 'misfire "
                    "decisions tail' to see the household and the commands.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Truncated households",
                    ("states_cut",),
                    "None: the bounds of a state keep every household small enough.",
                    "A state was too large for the changelog. This is a bug: report it with the "
                    "log line.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
            ),
        ),
    ),
)

BOARDS = (_OVERVIEW, _QUALITY, _PIPELINE, _COHORT)
