"""The pipeline: the path through Kafka, from rungs and latency to dead letters and brokers."""

from __future__ import annotations

from dashboards.panels import Board, Panel, Row

__all__ = ["PIPELINE"]

PIPELINE = Board(
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
                    ("dead_letters", "unusable_records"),
                    "None.",
                    "schema or not_json: check the version of the sender. Run 'misfire redrive' "
                    "to send the records again. With a topic's name: a rule or a bundle is not "
                    "applied; the log of the process names the record.",
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
                    width=12,
                ),
                Panel(
                    "Events decided under old rules",
                    ("old_rules",),
                    "None.",
                    "The workers cannot read misfire.rules: check that its partition has a leader, "
                    "and that they may read it ('misfire topics acl --part worker').",
                    width=12,
                    bad_from=0.01,
                ),
            ),
        ),
    ),
)
