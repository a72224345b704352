"""Every metric, in one list.

No household, device, user, slot or event id ever becomes a label; an intent does only where it is of the bundle's vocabulary.
``dashboards/metrics.md`` is drawn from ``CATALOGUE``; ``observers.py`` turns decisions and outcomes into counts.
"""

from __future__ import annotations

from prometheus_client import disable_created_metrics

from streams.telemetry.instruments import Catalogue
from streams.telemetry.metrics_folder import prepare_folder

__all__ = [
    "ABSTENTIONS",
    "AFTER_ERASURE",
    "ANSWERS",
    "ANSWER_SECONDS",
    "BLOCK_BUDGET_LEFT",
    "BLOCK_BUDGET_SPENT",
    "BROKER_REACHABLE",
    "BUDGET",
    "BUNDLE",
    "BUNDLE_CREATED_SECONDS",
    "CALLBACKS",
    "CATALOGUE",
    "CAUTIONS",
    "CLOCKS_REPLACED",
    "COMMANDS",
    "COMMAND_INTENTS",
    "CONFIRMATIONS",
    "CONNECTIONS_LOST",
    "CUT",
    "DEAD_LETTERS",
    "DECISIONS",
    "DUPLICATES",
    "EARLIER_TOPIC",
    "ERASED",
    "EVENTS",
    "EVIDENCE",
    "EVIDENCE_EXPECTED",
    "EXPORTS_REFUSED",
    "HOUSEHOLDS",
    "IGNORED_FIELDS",
    "IN_FLIGHT",
    "LAG",
    "LATE",
    "LATE_DISAGREEMENTS",
    "LATE_DROPPED",
    "MISFIRE_PROBABILITY",
    "MISSED_DEADLINES",
    "OUTCOMES",
    "OUTCOMES_REFUSED",
    "PASSED_ON",
    "POLICY_DIFFERS",
    "PRODUCER_TIMES",
    "PROOF_KEY",
    "READY",
    "REBALANCES",
    "RECOVERY_SECONDS",
    "REFUSED",
    "REPEATED",
    "REPLIES_FAILED",
    "REPLIES_LATE",
    "SEND_FAILURES",
    "SHADOW_COMMANDS",
    "SHADOW_FAILURES",
    "STATES_CUT",
    "STATE_BYTES",
    "SURPRISAL_BITS",
    "UNREADABLE_FILES",
    "UNTAUGHT",
    "UNWRITTEN_SECONDS",
    "WATERMARK_SECONDS",
]

# When each series began doubles what is scraped, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

# The first metric opens files there.
prepare_folder()

CATALOGUE = Catalogue()
_counter, _gauge, _histogram = CATALOGUE.counter, CATALOGUE.gauge, CATALOGUE.histogram

# What is decided

EVENTS = _counter(
    "misfire_events_total",
    "Intent events applied to a household's state, each once.",
    unit="events",
    owner="worker",
)
CLOCKS_REPLACED = _counter(
    "misfire_clocks_replaced_total",
    "Events whose device's clock was further from the log's than the policy believes; the log's time stood in.",
    unit="events",
    owner="worker",
)
PRODUCER_TIMES = _counter(
    "misfire_producer_times_total",
    "Records whose time their producer chose and not the log, although producer_time is off: whoever produces can stretch windows.",
    ("topic",),
    unit="records",
    owner="worker",
)
DECISIONS = _counter(
    "misfire_decisions_total",
    "Decisions by whoever made them: the worker each of its own, the gateway those that it answered with itself.",
    ["verdict", "risk_class", "rung", "enforcement", "bundle"],
    unit="decisions",
    owner="worker, gateway",
)
COMMANDS = _counter(
    "misfire_commands_total",
    "Committing events that the worker decided on; cohort is new in a household's first learned sessions, else known.",
    ["verdict", "risk_class", "cohort", "enforcement", "bundle"],
    unit="commands",
    owner="worker",
)
SHADOW_COMMANDS = _counter(
    "misfire_shadow_commands_total",
    "Committing events by what the shadow bundle would have made of them; active is the verdict of the bundle that decides.",
    ["bundle", "active", "verdict", "risk_class"],
    unit="commands",
    owner="worker",
)
SHADOW_FAILURES = _counter(
    "misfire_shadow_failures_total",
    "Records that the shadow bundle could not decide on; nothing else was touched by it.",
    unit="records",
    owner="worker",
)
COMMAND_INTENTS = _counter(
    "misfire_command_intents_total",
    "The same by intent; other is every intent that the bundle's vocabulary does not have.",
    ["intent", "verdict"],
    unit="commands",
    owner="worker",
)
ABSTENTIONS = _counter(
    "misfire_abstentions_total",
    "Commands left to the policy's rule because the judge could not know, by why.",
    ["risk_class", "reason"],
    unit="commands",
    owner="worker",
)
CAUTIONS = _counter(
    "misfire_cautions_total",
    "Commands that were not allowed since no rule of the policy names their intent, or since a physical one is new in its household.",
    ["risk_class", "reason"],
    unit="commands",
    owner="worker",
)
MISFIRE_PROBABILITY = _histogram(
    "misfire_probability",
    "Misfire probability of commands.",
    ["risk_class", "bundle"],
    unit="ratio",
    owner="worker",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 1.0),
)
SURPRISAL_BITS = _histogram(
    "misfire_chain_surprisal_bits",
    "Surprisal of committed chains; higher is rarer.",
    ["risk_class"],
    unit="bits",
    owner="worker",
    buckets=(1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64),
)

# What became of it

OUTCOMES = _counter(
    "misfire_outcomes_total",
    "Outcomes applied, by kind and who reported them.",
    ["outcome", "source"],
    unit="outcomes",
    owner="worker",
)
OUTCOMES_REFUSED = _counter(
    "misfire_outcomes_refused_total",
    "Outcomes that were refused and changed nothing, by why; ran_refused says that a command ran which was not allowed.",
    ["reason"],
    unit="outcomes",
    owner="worker",
)
CONFIRMATIONS = _counter(
    "misfire_confirmations_total",
    "Confirmations by method and what became of them; confirmed is a false interruption, reason is why an answer was refused.",
    ["method", "result", "reason", "risk_class"],
    unit="confirmations",
    owner="worker, gateway",
)

# Is the bundle still right?

BUNDLE = _gauge(
    "misfire_bundle_info",
    "The bundle that decides; always 1.",
    ["version", "policy"],
    unit="bundles",
    owner="worker, gateway",
    merge="livemax",
)
BUNDLE_CREATED_SECONDS = _gauge(
    "misfire_bundle_created_timestamp_seconds",
    "When the bundle was made, in seconds since 1970.",
    ["version"],
    unit="seconds",
    owner="worker, gateway",
    merge="livemax",
)
EVIDENCE = _counter(
    "misfire_evidence_total",
    "Commands by the bin that each evidence term's value fell into; the bins are the training data's tenths.",
    ["term", "bin", "bundle"],
    unit="commands",
    owner="worker",
)
EVIDENCE_EXPECTED = _gauge(
    "misfire_evidence_expected_ratio",
    "The share of the training data's commands in the same bin.",
    ["term", "bin", "bundle"],
    unit="ratio",
    owner="worker",
    merge="livemax",
)
BUDGET = _gauge(
    "misfire_interruption_budget_ratio",
    "The share of meant commands that the bundle's policy allows to interrupt.",
    ["risk_class", "bundle"],
    unit="ratio",
    owner="worker",
    merge="livemax",
)
BLOCK_BUDGET_LEFT = _gauge(
    "misfire_block_budget_left_ratio",
    "The share of a block budget that is left, of the tenant that has the least; at 0 its blocks become confirms.",
    unit="ratio",
    owner="worker",
    merge="livemin",
)
BLOCK_BUDGET_SPENT = _gauge(
    "misfire_block_budget_spent",
    "1 while more of a tenant's commands were blocked than the policy's block budget allows: its blocks become confirms.",
    unit="workers",
    owner="worker",
    merge="livesum",
)

# Does the hook answer in time?

_AT_ONCE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1)
#: 0.15 s is the default deadline, of which the gateway keeps 5 % for writing the answer.
_AROUND_THE_DEADLINE = (0.125, 0.14, 0.145, 0.15, 0.155, 0.175, 0.2)
_TOO_LATE = (0.3, 0.5, 1.0, 2.5, 10.0)

ANSWERS = _counter(
    "misfire_hook_answers_total",
    "Answers of the hook by the rung they stand on; reason is empty on the first.",
    ["rung", "verdict", "risk_class", "reason"],
    unit="answers",
    owner="gateway",
)
ANSWER_SECONDS = _histogram(
    "misfire_hook_answer_seconds",
    "Seconds until the hook answered, by rung.",
    ["rung"],
    unit="seconds",
    owner="gateway",
    buckets=(*_AT_ONCE, *_AROUND_THE_DEADLINE, *_TOO_LATE),
)
MISSED_DEADLINES = _counter(
    "misfire_hook_missed_deadlines_total",
    "Answers that came after the asker's own deadline.",
    ["rung"],
    unit="answers",
    owner="gateway",
)
LATE = _counter(
    "misfire_hook_late_total",
    "Worker decisions that came after the hook had answered.",
    unit="decisions",
    owner="gateway",
)
LATE_DISAGREEMENTS = _counter(
    "misfire_hook_late_disagreements_total",
    "Late decisions with another verdict than the answer.",
    unit="decisions",
    owner="gateway",
)
LATE_DROPPED = _counter(
    "misfire_hook_late_dropped_total",
    "Late disagreements that a listener or a callback was too slow for; the log has them.",
    unit="decisions",
    owner="gateway",
)
CALLBACKS = _counter(
    "misfire_hook_callbacks_total",
    "Late disagreements sent to the runtime's callback, by result.",
    ["result"],
    unit="requests",
    owner="gateway",
)
REPEATED = _counter(
    "misfire_hook_repeated_total",
    "Questions about an event that was asked about before, by result.",
    ["result"],
    unit="requests",
    owner="gateway",
)
IN_FLIGHT = _gauge(
    "misfire_hook_in_flight",
    "Questions that wait for a worker's decision right now.",
    unit="requests",
    owner="gateway",
    merge="livesum",
)
POLICY_DIFFERS = _counter(
    "misfire_hook_policy_differs_total",
    "Requests of clients whose fallbacks are another policy's than the gateway's.",
    unit="requests",
    owner="gateway",
)

REFUSED = _counter(
    "misfire_hook_refused_total",
    "Requests refused for who asks or from where: no token, a wrong one, one without the scope, another tenant's household, too many,"
    " another host's name, another origin's page.",
    ["reason"],
    unit="requests",
    owner="gateway",
)
CUT = _counter(
    "misfire_hook_cut_total",
    "Connections that were ended because a client took more bytes, seconds or places than it may, by which.",
    ["reason"],
    unit="connections",
    owner="gateway",
)

# Is anything lost, refused or stuck?

DEAD_LETTERS = _counter(
    "misfire_dead_letters_total",
    "Records that could not be read, by why.",
    ["reason"],
    unit="records",
    owner="worker",
)
UNREADABLE_FILES = _counter(
    "misfire_metrics_files_unreadable_total",
    "Files of PROMETHEUS_MULTIPROC_DIR that hold no metrics and are left out, each once.",
    unit="files",
    owner="worker, gateway",
)
DUPLICATES = _counter(
    "misfire_duplicates_total",
    "Records that were delivered again and skipped.",
    ["topic"],
    unit="records",
    owner="worker",
)
IGNORED_FIELDS = _counter(
    "misfire_ignored_fields_total",
    "Records with fields that this version does not know, and ignores.",
    ["topic"],
    unit="records",
    owner="worker",
)
PASSED_ON = _counter(
    "misfire_passed_on_total",
    "Records that stood in another partition than their household's and were sent there.",
    ["topic"],
    unit="records",
    owner="worker",
)
EARLIER_TOPIC = _counter(
    "misfire_earlier_topic_total",
    "Records of households that were last heard of in an earlier topic of that name: it was deleted and created again.",
    ["topic"],
    unit="records",
    owner="worker",
)
CONNECTIONS_LOST = _counter(
    "misfire_connections_lost_total",
    "Connections to Kafka that failed and were made anew, by what failed: Kafka, or something of our own.",
    ["reason"],
    unit="connections",
    owner="gateway",
)
REPLIES_FAILED = _counter(
    "misfire_replies_failed_total",
    "Replies that could not be taken in and were passed over.",
    unit="replies",
    owner="gateway",
)
SEND_FAILURES = _counter(
    "misfire_send_failures_total",
    "Records that could not be sent to Kafka.",
    ["topic"],
    unit="records",
    owner="gateway",
)
UNWRITTEN_SECONDS = _gauge(
    "misfire_unwritten_seconds",
    "How long decisions and states have waited to be written to Kafka without any getting through; 0 where none waits.",
    unit="seconds",
    owner="worker",
    merge="livemax",
)
LAG = _gauge(
    "misfire_consumer_lag_records",
    "Records of a partition that its worker has not worked on yet.",
    ["topic", "partition"],
    unit="records",
    owner="worker",
    merge="livesum",
)
WATERMARK_SECONDS = _gauge(
    "misfire_watermark_timestamp_seconds",
    "The broker's time stamp of the last record of a partition that was worked on, in seconds since 1970.",
    ["topic", "partition"],
    unit="seconds",
    owner="worker",
    merge="livemax",
)
REBALANCES = _counter(
    "misfire_rebalances_total",
    "Times that partitions were given out anew.",
    unit="rebalances",
    owner="worker",
)
REPLIES_LATE = _counter(
    "misfire_replies_late_total",
    "Answers of the worker that were sent after the deadline that their asker named.",
    unit="replies",
    owner="worker",
)
READY = _gauge(
    "misfire_ready",
    "1 when partitions are assigned, the table is recovered and the agents run.",
    unit="workers",
    owner="worker",
    merge="livesum",
)
PROOF_KEY = _gauge(
    "misfire_proof_key_present",
    "1 while this worker has a key to check proofs of confirmations with.",
    unit="processes",
    owner="worker",
    merge="livemin",
)
BROKER_REACHABLE = _gauge(
    "misfire_broker_reachable",
    "1 while a broker answers this process.",
    unit="processes",
    owner="worker, gateway",
    merge="livemin",
)
RECOVERY_SECONDS = _gauge(
    "misfire_recovery_seconds",
    "How long the last recovery of the household table took.",
    unit="seconds",
    owner="worker",
    merge="livemax",
)
HOUSEHOLDS = _gauge(
    "misfire_households",
    "Households whose state this worker holds.",
    unit="households",
    owner="worker",
    merge="livesum",
)
STATE_BYTES = _gauge(
    "misfire_state_bytes",
    "What these states take in the table, keys and values, without Python's own overhead.",
    unit="bytes",
    owner="worker",
    merge="livesum",
)

# What became of what is held on a household

ERASED = _counter(
    "misfire_households_erased_total",
    "Households whose state was erased.",
    unit="households",
    owner="worker",
)
AFTER_ERASURE = _counter(
    "misfire_after_erasure_total",
    "Records about the time before a household's erasure, not taken in.",
    ["topic"],
    unit="records",
    owner="worker",
)
STATES_CUT = _counter(
    "misfire_states_cut_total",
    "Households that were too large for the changelog: what was open in them was forgotten.",
    unit="households",
    owner="worker",
)
UNTAUGHT = _counter(
    "misfire_sessions_untaught_total",
    "Sessions that taught their household nothing, since it had learned from as many as it may on that day.",
    unit="sessions",
    owner="worker",
)
EXPORTS_REFUSED = _counter(
    "misfire_exports_refused_total",
    "Exports that were refused because a record names another household as well.",
    unit="exports",
    owner="worker",
)
