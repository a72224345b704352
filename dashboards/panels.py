"""The four dashboards as literal tables: which named query each panel shows, what is normal there, and what to do when it is not.

No PromQL stands here; ``queries.py`` has it. ``build.py`` makes Grafana's JSON of it, ``preview.py`` pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ANNOTATIONS", "BOARDS", "DECISIONS", "Board", "Look", "Panel", "Row"]

#: How a panel is drawn: lines, lines stacked on each other, one number, or a distribution over time.
Look = Literal["lines", "stacked", "number", "heat"]

#: Queries whose results are marks in every dashboard.
ANNOTATIONS = ("bundle_changes", "restarts")
#: The dashboard that the link of an exemplar leads to.
DECISIONS = "misfire-decisions"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        title: what it shows.
        queries: names in ``queries.QUERIES``, all of one unit.
        normal: what is seen when all is well.
        do: what to do when something else is seen.
        look: how it is drawn.
        width: of 24 columns.
        every: the shortest step; long where events are rare, so that a rate has something to count.
        alert: the alert whose section of the runbook says more.
        bad_from: values from here on are marked, or up to here where ``bad_below``.
        bad_below: whether low values are the bad ones.
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
    """Panels under one question."""

    question: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; ``uid`` is its place in links and the name of its file."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]


_OVERVIEW = Board(
    "misfire-overview",
    "misfire: Overview",
    "Is it on, what does it stop, and what does it cost users?",
    (
        Row(
            "Is it on?",
            (
                Panel(
                    "Workers that are ready",
                    ("ready_workers",),
                    "As many as were started.",
                    "Look at the workers' logs and at Pipeline; without any, every answer is degraded.",
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
                    "At zero although people talk: ask the runtime's side, then look at Pipeline for lag.",
                    "number",
                    4,
                ),
                Panel(
                    "Degraded answers",
                    ("degraded_share",),
                    "Below 1 %, with short peaks when a worker joins or leaves.",
                    "Pipeline says why the worker's answer was not used.",
                    "number",
                    4,
                    alert="MisfireFirstRungBurnsFast",
                    bad_from=0.05,
                ),
                Panel(
                    "Bundle's age",
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
                    "At 0 blocks become confirms: compare with the bundle before; somebody was paged.",
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
                    "'misfire redrive' shows why; the sender's data or clock is wrong.",
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
                    "Nearly all allowed.",
                    "Many blocks or confirms: see which commands, below.",
                    "stacked",
                    12,
                ),
                Panel(
                    "Not simply allowed, by risk class",
                    ("stopped",),
                    "About one command in a hundred, spread over the classes.",
                    "A sudden rise in one class is an attack, a broken microphone model, or a bundle that is off: see Decision quality.",
                    width=12,
                    every="5m",
                    alert="MisfireStoppedFarAboveNormal",
                ),
                Panel(
                    "Which commands",
                    ("stopped_intents",),
                    "Intents take turns.",
                    "One intent on top for long: the runtime may have renamed it, or somebody plays it to many devices.",
                    "stacked",
                    12,
                    every="15m",
                ),
                Panel(
                    "Outcomes",
                    ("outcomes",),
                    "Nearly all executed; a few confirmed, denied, undone.",
                    "Undone after allow is a misfire that went through: see what spoke for it with 'misfire decisions tail'.",
                    "stacked",
                    12,
                    every="5m",
                ),
                Panel(
                    "A key for proofs",
                    ("proof_key",),
                    "1.",
                    "0: a worker has none. No PIN and no push confirms there, and what takes one is blocked: set confirmation_key_file.",
                    width=12,
                    every="5m",
                ),
                Panel(
                    "Refused outcomes",
                    ("outcomes_refused",),
                    "None.",
                    "ran_refused: a runtime ran what was not allowed; the worker's log names the events. unchecked_confirmation: a runtime"
                    " reports a yes as an outcome; answers belong to /v1/confirmations.",
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
                    "Each class below its budget, or a little above: misfires are in it, too.",
                    "Far above for an hour: see drift in Decision quality; roll the bundle back if it began with a new one.",
                    width=8,
                    every="15m",
                    alert="MisfireInterruptionsOverBudget",
                ),
                Panel(
                    "Questions and answers",
                    ("confirmations",),
                    "Some confirmed, some denied; few expire.",
                    "Many denied: misfires are stopped, find their source. Many expired: nobody sees the question.",
                    "stacked",
                    8,
                    every="15m",
                    alert="MisfireConfirmationsDenied",
                ),
                Panel(
                    "Waiting for the hook",
                    ("hook_p50", "hook_p99"),
                    "The worker's rung: half within 5 ms, 99 of 100 within 50 ms. The gateway's: close to the deadline.",
                    "Slow on the worker's rung: see lag and rebalances in Pipeline.",
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
    "Are the decisions right: budget, calibration, drift, each risk class, shadow against active?",
    (
        Row(
            "Is the budget kept?",
            (
                Panel(
                    "Interruptions in budgets",
                    ("interruption_over_budget",),
                    "Around 1 or below.",
                    "Above 2 for an hour: misfires, drift or a wrong bundle; the next panels tell which.",
                    every="15m",
                    alert="MisfireInterruptionsOverBudget",
                    bad_from=2.0,
                ),
                Panel(
                    "At most and at least falsely interrupted",
                    ("interruption_share", "confirmed_share"),
                    "The true share of false interruptions lies between the two; both below the budget.",
                    "Confirmed alone over the budget: the bundle is wrong for this traffic, train it again.",
                    every="15m",
                ),
                Panel(
                    "Left to the policy's rule",
                    ("abstained_share",),
                    "Near zero in every class.",
                    "unknown_intent: the runtime has new intents, train again. too_little_calibration: train on more households. "
                    "judge_failed: the bundle gives no numbers; put the one before back.",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is asked about on top of the budgets?",
            (
                Panel(
                    "Unclassified, or new in its household",
                    ("cautions",),
                    "unclassified_intent: none. first_physical_command: a few for each new household, then hardly any.",
                    "unclassified_intent: 'misfire doctor' lists the intents; name them in the policy. first_physical_command for long: "
                    "households answer with no, or a skill tries what nobody there uses.",
                    width=24,
                    alert="MisfireIntentsUnclassified",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What does the judge think?",
            (
                Panel(
                    "Misfire probability",
                    ("misfire_probability",),
                    "A broad band far below 1 %, a thin one near the top.",
                    "A band that moves up is drift or an attack.",
                    "heat",
                ),
                Panel(
                    "Misfire probability, 99 of 100 are below",
                    ("misfire_probability_p99",),
                    "Steady in each class.",
                    "A jump with a new bundle: roll it back. A jump without one: other traffic.",
                    every="5m",
                ),
                Panel(
                    "Surprisal of chains",
                    ("surprisal",),
                    "Steady; rarer chains are further up.",
                    "A slow rise over weeks means that habits moved on: train again.",
                    "heat",
                ),
                Panel(
                    "Surprisal of the middle chain",
                    ("surprisal_median",),
                    "Between 2 and 10 bits, steady.",
                    "The same as beside it, by risk class.",
                    width=12,
                    every="5m",
                ),
                Panel(
                    "Drift of evidence",
                    ("drift",),
                    "Below 0.1; up to 0.25 is worth a look.",
                    "Above 0.25, over hundreds of commands: is a channel gone (confidences), or did habits move? Few commands say nothing.",
                    width=12,
                    every="15m",
                    bad_from=0.25,
                ),
            ),
        ),
        Row(
            "Which bundle, and what would another one do?",
            (
                Panel(
                    "Bundles in use",
                    ("bundles",),
                    "One version, in as many processes as run; two during a roll-out.",
                    "Two for longer than a roll-out takes: some processes did not follow, restart them.",
                    "stacked",
                    alert="MisfireBundlesDiffer",
                ),
                Panel(
                    "Shadow against active",
                    ("stopped_share_by_bundle", "shadow_stopped_share"),
                    "A shadow bundle near the active one; only the active one, where no worker has a shadow_bundle.",
                    'A shadow that stops much more is not ready: the workers\' log has its decisions, event "shadow".',
                    every="15m",
                ),
                Panel(
                    "Active and shadow, verdict by verdict",
                    ("shadow_differs",),
                    "The same verdict twice, nearly always.",
                    "allow, in shadow confirm or block: what the shadow would cost users. The other way round: what it would let through.",
                    every="15m",
                ),
                Panel(
                    "Shadow failures",
                    ("shadow_failures",),
                    "None.",
                    "The shadow bundle does not fit this version: train it anew. No answer was touched.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Late and different",
                    ("late", "late_disagreements", "late_dropped"),
                    "Few late, hardly any different, none dropped.",
                    "'misfire decisions late' lists them: what ran was the gateway's verdict. Dropped: a listener is too slow.",
                    width=12,
                ),
                Panel(
                    "Block budget left",
                    ("block_budget_left",),
                    "Above 80 %.",
                    "Falls towards 0: too much is blocked; compare with the bundle before.",
                    width=12,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.2,
                    bad_below=True,
                ),
                Panel(
                    "Workers whose block budget is spent",
                    ("block_budget_spent",),
                    "None.",
                    "Their blocks have become confirms: see the runbook.",
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
    "Does the road through the log work: rungs, latency, lag, rebalances, dead letters, brokers?",
    (
        Row(
            "Who answers, and how fast?",
            (
                Panel(
                    "Answers by rung",
                    ("hook_answers",),
                    "Nearly all from the worker's rung.",
                    "Others: the next panel says why.",
                    "stacked",
                    alert="MisfireFirstRungBurnsFast",
                ),
                Panel(
                    "Why not the worker",
                    ("degraded_reasons",),
                    "Empty but for seconds around a rebalance.",
                    "worker_timeout: see lag and rebalances. broker_unreachable: see brokers. no_bundle: give the gateway one.",
                    "stacked",
                ),
                Panel(
                    "Answers after the deadline",
                    ("missed_deadlines", "replies_late"),
                    "None.",
                    "The gateway itself is too slow: is its CPU taken, or is the deadline below 10 ms?",
                    alert="MisfireDeadlineBurnsFast",
                    bad_from=0.01,
                ),
                Panel(
                    "Time to answer",
                    ("hook_seconds",),
                    "A band at a few milliseconds; nothing above the deadline.",
                    "A second band just below 0.15 s is the gateway's rung: the worker did not answer in time.",
                    "heat",
                    12,
                ),
                Panel(
                    "Time to answer, by rung",
                    ("hook_p50", "hook_p99"),
                    "The worker's rung: half within 5 ms, 99 of 100 within 50 ms.",
                    "Slow: see lag and the broker's own dashboards.",
                    width=12,
                ),
                Panel(
                    "Waiting questions",
                    ("in_flight",),
                    "A few.",
                    "Near the number of places: the mildest are shed; add gateways, or find why workers are slow.",
                    width=6,
                ),
                Panel(
                    "Asked again",
                    ("repeated",),
                    "Some, where runtimes retry.",
                    "refused: a runtime uses one event id for two events.",
                    width=6,
                ),
                Panel(
                    "Callbacks",
                    ("callbacks",),
                    "As many as late disagreements.",
                    "failed: the runtime's callback is gone or slow; the log has them all.",
                    width=6,
                ),
                Panel(
                    "Clients with another policy",
                    ("policy_differs",),
                    "None, but during a roll-out.",
                    "Roll the policy out to the clients, too.",
                    width=6,
                ),
                Panel(
                    "Callers refused",
                    ("refused",),
                    "None.",
                    "wrong_token: a token was revoked, or somebody guesses. other_tenant: a keyring's household key is not the "
                    "access file's ('misfire token list FILE'). rate_exceeded: raise per_second, or look for a loop in that runtime. "
                    "wrong_host: list the name in allowed_hosts, if it is yours. foreign_origin: a web page asks; find out whose.",
                    width=12,
                ),
                Panel(
                    "Connections cut",
                    ("cut",),
                    "None, but single ones where clients lose their network.",
                    "crowded, full: too many connections at a time; look whose, or raise the limit on open files (ulimit -n). "
                    "head_time, body_time, slow_reader: a slow network, or an attack. 'misfire config limits' shows each limit.",
                    width=12,
                ),
            ),
        ),
        Row(
            "Do the workers follow?",
            (
                Panel(
                    "Records that wait",
                    ("lag",),
                    "Zero, with short peaks.",
                    "One partition grows: its worker hangs, restart it. All grow: add workers.",
                    alert="MisfireLagGrows",
                ),
                Panel(
                    "Age of what is worked on",
                    ("watermark_age",),
                    "Zero, with peaks below a second.",
                    "Grows with the clock: nothing is worked on; see the worker's log.",
                    alert="MisfireLagGrows",
                ),
                Panel(
                    "Decisions by rung",
                    ("decisions",),
                    "The worker's, as many as events.",
                    "Those of the gateway are answers without the household's history.",
                    "stacked",
                ),
                Panel(
                    "Workers that are ready",
                    ("ready_workers",),
                    "As many as were started.",
                    "Fewer: see the restarts, the logs, and the broker.",
                    width=6,
                    alert="MisfireWorkerMissing",
                ),
                Panel(
                    "Rebalances",
                    ("rebalances",),
                    "Only when a worker starts or ends.",
                    "Again and again: a worker dies, or is too slow for its session time-out.",
                    width=6,
                ),
                Panel(
                    "Last recovery",
                    ("recovery_seconds",),
                    "Seconds, growing with the state.",
                    "Above half a minute: more partitions and workers; check the changelog's compaction.",
                    width=6,
                    alert="MisfireRecoverySlow",
                    bad_from=30.0,
                ),
                Panel(
                    "State",
                    ("state_bytes",),
                    "Grows with households, evenly over workers.",
                    "Uneven: few households hold much. Recovery reads all of it.",
                    width=6,
                ),
            ),
        ),
        Row(
            "Is anything lost or refused?",
            (
                Panel(
                    "Dead letters",
                    ("dead_letters",),
                    "None.",
                    "schema or not_json: a sender's version. 'misfire redrive' sends them again.",
                    width=8,
                    alert="MisfireDeadLetters",
                    bad_from=0.01,
                ),
                Panel(
                    "With unknown fields",
                    ("ignored_fields",),
                    "None.",
                    "A misspelt field is missing from every decision: ask over HTTP, the answer names it (X-Misfire-Ignored-Fields).",
                    width=8,
                ),
                Panel(
                    "Delivered again",
                    ("duplicates",),
                    "Some after a restart.",
                    "For long: a worker cannot commit; see its log.",
                    width=8,
                ),
                Panel(
                    "Sent to their own partition",
                    ("passed_on",),
                    "None, but for a moment after topics grew.",
                    "A producer with another partitioner than Kafka's default (murmur2): set it there.",
                    width=8,
                ),
                Panel(
                    "From a topic created again",
                    ("earlier_topic",),
                    "None.",
                    "Somebody deleted and created a topic; see the runbook.",
                    width=8,
                    alert="MisfireTopicCreatedAgain",
                    bad_from=0.001,
                ),
                Panel(
                    "Connections lost",
                    ("connections_lost",),
                    "None, but while brokers restart.",
                    "Reason internal_error: a fault of our own; the gateway's log has it.",
                    width=8,
                    bad_from=0.1,
                ),
                Panel(
                    "Replies passed over",
                    ("replies_failed",),
                    "None.",
                    "A fault of our own; the gateway's log has it.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Not taken by Kafka",
                    ("send_failures",),
                    "None.",
                    "See brokers; what a gateway could not send is missing from the log.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Devices with a wrong clock",
                    ("clocks_replaced",),
                    "Below one in a hundred events.",
                    "Follow the runbook: one runtime's devices lost their time service, or the broker's clock is wrong.",
                    width=8,
                    alert="MisfireClockSkew",
                ),
                Panel(
                    "Times that producers chose",
                    ("producer_times",),
                    "None, except with the embedded broker.",
                    "Set message.timestamp.type=LogAppendTime on the topic: who produces could stretch every window.",
                    width=8,
                    bad_from=0.01,
                ),
                Panel(
                    "Decisions that wait to be written",
                    ("unwritten_seconds",),
                    "Below 2 s.",
                    "Follow the runbook: the audit log cannot be written, and at 30 s the worker ends.",
                    width=8,
                    alert="MisfireAuditNotWritable",
                    bad_from=10.0,
                ),
                Panel(
                    "Brokers reached",
                    ("brokers",),
                    "1 in every process.",
                    "0 in all: Kafka is gone. 0 in one: its network.",
                    width=8,
                    alert="MisfireBrokerGone",
                    bad_from=0.5,
                    bad_below=True,
                ),
                Panel(
                    "Metrics left out",
                    ("unreadable_files",),
                    "None.",
                    "The log names each file of PROMETHEUS_MULTIPROC_DIR; remove it, and give misfire a folder of its own.",
                    width=24,
                ),
            ),
        ),
    ),
)

_COHORT = Board(
    "misfire-households",
    "misfire: Household cohort",
    "Households in aggregate: new ones against all others. Nothing here is about one household.",
    (
        Row(
            "Are new households served as well?",
            (
                Panel(
                    "Commands by cohort",
                    ("cohort_commands",),
                    "New households are few, unless many have just begun.",
                    "Only new ones: states were lost; see households below.",
                    "stacked",
                    12,
                ),
                Panel(
                    "Interruptions by cohort",
                    ("cohort_interruptions",),
                    "Both within the budget; new households somewhat above the others.",
                    "New ones far above: the calibration lacks new households, train on streams that begin with them.",
                    width=12,
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is held?",
            (
                Panel(
                    "Households",
                    ("households",),
                    "Grows slowly.",
                    "Falls without erasures: a partition is not owned, or its changelog was lost.",
                ),
                Panel(
                    "State of one household, on average",
                    ("bytes_per_household",),
                    "A few kilobytes, steady: a state is bounded.",
                    "Grows without end: a defect, report it.",
                ),
                Panel(
                    "Erased",
                    ("households_erased",),
                    "As many as were asked for.",
                    "More than were asked for: find out who asks.",
                    every="15m",
                ),
                Panel(
                    "Exports refused",
                    ("exports_refused",),
                    "None.",
                    "A record names another household: an incident of privacy, find the sender before anything else.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Records from before an erasure",
                    ("after_erasure",),
                    "A few right after an erasure.",
                    "For long: a runtime keeps sending them again.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Sessions not learned from",
                    ("untaught",),
                    "Next to none: no home says so much on one day.",
                    "Somebody floods a household, so that what is rare becomes usual: 'misfire decisions tail' names it, and what is said.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Households cut",
                    ("states_cut",),
                    "None: the bounds of a state keep every household small enough.",
                    "A household was too large for the changelog: a defect, report it with the log line beside it.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
            ),
        ),
    ),
)

BOARDS = (_OVERVIEW, _QUALITY, _PIPELINE, _COHORT)
