"""Every metric, in one list.

No label identifies a household, device, user, slot or event. A label contains an intent only if
the bundle's vocabulary has it. ``dashboards/metrics.md`` is generated from ``CATALOGUE``;
``recording.py`` turns decisions and outcomes into counts.
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
    "BUNDLE_REFUSED",
    "BUNDLE_SWAPS",
    "BUNDLE_UNFINISHED",
    "BUNDLE_UNREADY",
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
    "DROPPED",
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
    "LABELS",
    "LAG",
    "LATE",
    "LATE_DISAGREEMENTS",
    "LATE_DROPPED",
    "MISFIRE_PROBABILITY",
    "MISSED_DEADLINES",
    "OLD_RULES",
    "OUTCOMES",
    "OUTCOMES_REFUSED",
    "OVER_LIMIT",
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
    "RULES",
    "RULE_COMMANDS",
    "SEND_FAILURES",
    "SHADOW_COMMANDS",
    "SHADOW_FAILURES",
    "SHADOW_SKIPPED",
    "SHADOW_UNPUBLISHED",
    "STATES_CUT",
    "STATES_REBUILT",
    "STATE_BYTES",
    "SURPRISAL_BITS",
    "UNREADABLE_FILES",
    "UNTAUGHT",
    "UNUSABLE_RECORDS",
    "UNWRITTEN_SECONDS",
    "WATERMARK_SECONDS",
]

# The creation time of each series would double the size of a scrape, and nothing uses it.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Declaring the first metric opens files in this folder.
prepare_folder()

CATALOGUE = Catalogue()
_counter, _gauge, _histogram = CATALOGUE.counter, CATALOGUE.gauge, CATALOGUE.histogram

# Decisions

EVENTS = _counter(
    "misfire_events_total",
    "Intent events applied to a household's state; each event counts once.",
    unit="events",
    owner="worker",
)
CLOCKS_REPLACED = _counter(
    "misfire_clocks_replaced_total",
    "Events whose device clock differed from the log's time by more than the policy allows; the "
    "log's time was used.",
    unit="events",
    owner="worker",
)
PRODUCER_TIMES = _counter(
    "misfire_producer_times_total",
    "Records with a time set by their producer although producer_time is off; a producer can use "
    "this to stretch time windows.",
    ("topic",),
    unit="records",
    owner="worker",
)
DECISIONS = _counter(
    "misfire_decisions_total",
    "Decisions by the component that made them: all decisions of the worker, and those of the "
    "gateway that it returned to a client.",
    ["verdict", "risk_class", "rung", "enforcement", "bundle"],
    unit="decisions",
    owner="worker, gateway",
)
COMMANDS = _counter(
    "misfire_commands_total",
    "Committing events that the worker decided; cohort is new during a household's first learned "
    "sessions, then known.",
    ["verdict", "risk_class", "cohort", "enforcement", "bundle"],
    unit="commands",
    owner="worker",
)
SHADOW_COMMANDS = _counter(
    "misfire_shadow_commands_total",
    "Committing events by the shadow bundle's verdict; active is the verdict of the active bundle.",
    ["bundle", "active", "verdict", "risk_class"],
    unit="commands",
    owner="worker",
)
SHADOW_FAILURES = _counter(
    "misfire_shadow_failures_total",
    "Commands that a shadow bundle failed to decide; the active bundle's decisions are not "
    "affected.",
    unit="commands",
    owner="worker",
)
SHADOW_SKIPPED = _counter(
    "misfire_shadow_skipped_total",
    "Commands that no shadow decided because the shadow bundles were too slow or just started.",
    unit="commands",
    owner="worker",
)
SHADOW_UNPUBLISHED = _counter(
    "misfire_shadow_unpublished_total",
    "Differing verdicts of shadow bundles that are not on misfire.shadows, because their tenant "
    "had too many or Kafka did not take them.",
    unit="commands",
    owner="worker",
)
COMMAND_INTENTS = _counter(
    "misfire_command_intents_total",
    "Committing events by intent; other stands for every intent outside the bundle's vocabulary.",
    ["intent", "verdict"],
    unit="commands",
    owner="worker",
)
ABSTENTIONS = _counter(
    "misfire_abstentions_total",
    "Commands decided by the policy's rule because the judge abstained, by reason.",
    ["risk_class", "reason"],
    unit="commands",
    owner="worker",
)
CAUTIONS = _counter(
    "misfire_cautions_total",
    "Commands not allowed because no policy rule names their intent, a physical command is new to "
    "its household, or the household gave too many commands within the hour.",
    ["risk_class", "reason"],
    unit="commands",
    owner="worker",
)
OVER_LIMIT = _counter(
    "misfire_commands_over_limit_total",
    "Commands beyond the number that one household gives in an hour; they are marked, and "
    "confirmed if they may do harm.",
    ["risk_class"],
    unit="commands",
    owner="worker",
)
RULES = _gauge(
    "misfire_rules",
    "Rules that the worker knows, by act; expired ones count until they are removed.",
    ["act"],
    unit="rules",
    owner="worker",
    merge="livemax",
)
RULE_COMMANDS = _counter(
    "misfire_rule_commands_total",
    "Commands whose verdict or class a rule changed, by what the rule does and the rung that "
    "decided; a worker later also decides what a lower rung answered. failed: an error kept the "
    "rules from applying to an answer without a model.",
    ["act", "risk_class", "rung"],
    unit="commands",
    owner="worker, gateway",
)
OLD_RULES = _counter(
    "misfire_old_rules_total",
    "Events that a worker decided under the rules that it had read before, after it could not read "
    "misfire.rules for three seconds.",
    unit="events",
    owner="worker",
)
MISFIRE_PROBABILITY = _histogram(
    "misfire_probability",
    "Misfire probability of committing events.",
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

# Outcomes

OUTCOMES = _counter(
    "misfire_outcomes_total",
    "Outcomes applied, by kind and source.",
    ["outcome", "source"],
    unit="outcomes",
    owner="worker",
)
LABELS = _counter(
    "misfire_labels_total",
    "Labels that people gave to events, by what the label says and what it changed in the "
    "household.",
    ["label", "effect"],
    unit="labels",
    owner="worker",
)
OUTCOMES_REFUSED = _counter(
    "misfire_outcomes_refused_total",
    "Outcomes refused without effect, by reason; ran_refused means that a command ran although it "
    "was not allowed.",
    ["reason"],
    unit="outcomes",
    owner="worker",
)
CONFIRMATIONS = _counter(
    "misfire_confirmations_total",
    "Confirmations by method and result; confirmed means a false interruption, reason is why an "
    "answer was refused.",
    ["method", "result", "reason", "risk_class"],
    unit="confirmations",
    owner="worker, gateway",
)

# The bundle and its data

BUNDLE = _gauge(
    "misfire_bundle_info",
    "1 for the active bundle and for that of a canary, 0 for those that decided before.",
    ["version", "policy"],
    unit="bundles",
    owner="worker, gateway",
    merge="livemax",
)
BUNDLE_CREATED_SECONDS = _gauge(
    "misfire_bundle_created_timestamp_seconds",
    "When the bundle was created, in seconds since 1970.",
    ["version"],
    unit="seconds",
    owner="worker, gateway",
    merge="livemax",
)
BUNDLE_UNREADY = _gauge(
    "misfire_bundle_unready",
    "1 while a bundle that is not ready to enforce decides because allow_unready is set.",
    ["version"],
    unit="bundles",
    owner="worker, gateway",
    merge="livemax",
)
BUNDLE_REFUSED = _gauge(
    "misfire_bundle_refused",
    "1 while the latest bundle of the active channel cannot be used; the one before it decides.",
    unit="bundles",
    owner="worker, gateway",
    merge="livemax",
)
BUNDLE_UNFINISHED = _gauge(
    "misfire_bundle_unfinished",
    "1 while an announced bundle has not been marked in every partition.",
    unit="bundles",
    owner="worker",
    merge="livemax",
)
BUNDLE_SWAPS = _counter(
    "misfire_bundle_swaps_total",
    "Changes of the bundle that decides, once for each partition.",
    unit="swaps",
    owner="worker",
)
STATES_REBUILT = _counter(
    "misfire_states_rebuilt_total",
    "Households whose open conversations were carried over to another bundle, or forgotten because "
    "the bundle before could not be read.",
    ["result"],
    unit="households",
    owner="worker",
)
EVIDENCE = _counter(
    "misfire_evidence_total",
    "Commands by the bin of each evidence term's value; the bins are the deciles of the training "
    "data.",
    ["term", "bin", "bundle"],
    unit="commands",
    owner="worker",
)
EVIDENCE_EXPECTED = _gauge(
    "misfire_evidence_expected_ratio",
    "The share of the training data's commands in the same bin of the evidence term.",
    ["term", "bin", "bundle"],
    unit="ratio",
    owner="worker",
    merge="livemax",
)
BUDGET = _gauge(
    "misfire_interruption_budget_ratio",
    "The share of intended commands that the bundle's policy allows to be interrupted.",
    ["risk_class", "bundle"],
    unit="ratio",
    owner="worker",
    merge="livemax",
)
BLOCK_BUDGET_LEFT = _gauge(
    "misfire_block_budget_left_ratio",
    "The remaining share of the block budget, for the tenant with the least left; at 0, that "
    "tenant's blocks become confirms.",
    unit="ratio",
    owner="worker",
    merge="livemin",
)
BLOCK_BUDGET_SPENT = _gauge(
    "misfire_block_budget_spent",
    "1 while a tenant's block budget is exhausted; its blocks become confirms.",
    unit="workers",
    owner="worker",
    merge="livesum",
)

# The hook's answers

_AT_ONCE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1)
#: 0.15 s is the default deadline. The gateway reserves 5 % of it for writing the response.
_AROUND_THE_DEADLINE = (0.125, 0.14, 0.145, 0.15, 0.155, 0.175, 0.2)
_TOO_LATE = (0.3, 0.5, 1.0, 2.5, 10.0)

ANSWERS = _counter(
    "misfire_hook_answers_total",
    "Answers of the hook by ladder rung; reason is empty on the worker rung.",
    ["rung", "verdict", "risk_class", "reason"],
    unit="answers",
    owner="gateway",
)
ANSWER_SECONDS = _histogram(
    "misfire_hook_answer_seconds",
    "Time until the hook answered, by ladder rung.",
    ["rung"],
    unit="seconds",
    owner="gateway",
    buckets=(*_AT_ONCE, *_AROUND_THE_DEADLINE, *_TOO_LATE),
)
MISSED_DEADLINES = _counter(
    "misfire_hook_missed_deadlines_total",
    "Answers sent after the client's deadline.",
    ["rung"],
    unit="answers",
    owner="gateway",
)
LATE = _counter(
    "misfire_hook_late_total",
    "Worker decisions that arrived after the hook had answered.",
    unit="decisions",
    owner="gateway",
)
LATE_DISAGREEMENTS = _counter(
    "misfire_hook_late_disagreements_total",
    "Late decisions whose verdict differs from the hook's answer.",
    unit="decisions",
    owner="gateway",
)
LATE_DROPPED = _counter(
    "misfire_hook_late_dropped_total",
    "Late disagreements dropped because a listener or a callback was too slow; the decision log "
    "has them.",
    unit="decisions",
    owner="gateway",
)
CALLBACKS = _counter(
    "misfire_hook_callbacks_total",
    "Late disagreements sent to a runtime's callback, by result.",
    ["result"],
    unit="requests",
    owner="gateway",
)
REPEATED = _counter(
    "misfire_hook_repeated_total",
    "Requests for an event that was already requested, by result.",
    ["result"],
    unit="requests",
    owner="gateway",
)
IN_FLIGHT = _gauge(
    "misfire_hook_in_flight",
    "Requests that are waiting for a worker's decision.",
    unit="requests",
    owner="gateway",
    merge="livesum",
)
POLICY_DIFFERS = _counter(
    "misfire_hook_policy_differs_total",
    "Requests from clients whose fallbacks come from a different policy version than the "
    "gateway's.",
    unit="requests",
    owner="gateway",
)

REFUSED = _counter(
    "misfire_hook_refused_total",
    "Requests refused because of the caller or its origin, by reason: missing or wrong token, "
    "missing scope, another tenant's"
    " household, rate limit, unknown host name, cross-origin page.",
    ["reason"],
    unit="requests",
    owner="gateway",
)
CUT = _counter(
    "misfire_hook_cut_total",
    "Connections closed because a client exceeded a limit on size, time or number of connections, "
    "by limit.",
    ["reason"],
    unit="connections",
    owner="gateway",
)

# Lost, refused and stuck records

DEAD_LETTERS = _counter(
    "misfire_dead_letters_total",
    "Records that could not be read, by reason.",
    ["reason"],
    unit="records",
    owner="worker",
)
UNUSABLE_RECORDS = _counter(
    "misfire_unusable_records_total",
    "Records of misfire.rules and misfire.bundles that a process could not apply, by reason. Each "
    "process counts those that it reads, also at its start.",
    ["topic", "reason"],
    unit="records",
    owner="worker, gateway",
)
UNREADABLE_FILES = _counter(
    "misfire_metrics_files_unreadable_total",
    "Files in PROMETHEUS_MULTIPROC_DIR that could not be read as metrics and are skipped; each "
    "counts once.",
    unit="files",
    owner="worker, gateway",
)
DUPLICATES = _counter(
    "misfire_duplicates_total",
    "Records that were redelivered and skipped.",
    ["topic"],
    unit="records",
    owner="worker",
)
IGNORED_FIELDS = _counter(
    "misfire_ignored_fields_total",
    "Records with fields that this version does not know and ignores.",
    ["topic"],
    unit="records",
    owner="worker",
)
PASSED_ON = _counter(
    "misfire_passed_on_total",
    "Records found in a partition other than their household's and forwarded to the right one.",
    ["topic"],
    unit="records",
    owner="worker",
)
EARLIER_TOPIC = _counter(
    "misfire_earlier_topic_total",
    "Records of households last updated from an earlier topic of the same name, before it was "
    "deleted and created again.",
    ["topic"],
    unit="records",
    owner="worker",
)
CONNECTIONS_LOST = _counter(
    "misfire_connections_lost_total",
    "Connections to Kafka that failed and were reopened, by cause: Kafka or an internal error.",
    ["reason"],
    unit="connections",
    owner="gateway",
)
REPLIES_FAILED = _counter(
    "misfire_replies_failed_total",
    "Replies that could not be processed and were skipped.",
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
    "How long decisions and states have been waiting without a successful write to Kafka; 0 if "
    "none is waiting.",
    unit="seconds",
    owner="worker",
    merge="livemax",
)
LAG = _gauge(
    "misfire_consumer_lag_records",
    "Records of a partition that its worker has not processed yet.",
    ["topic", "partition"],
    unit="records",
    owner="worker",
    merge="livesum",
)
WATERMARK_SECONDS = _gauge(
    "misfire_watermark_timestamp_seconds",
    "The broker's timestamp of the last processed record of a partition, in seconds since 1970.",
    ["topic", "partition"],
    unit="seconds",
    owner="worker",
    merge="livemax",
)
REBALANCES = _counter(
    "misfire_rebalances_total",
    "Partition reassignments.",
    unit="rebalances",
    owner="worker",
)
REPLIES_LATE = _counter(
    "misfire_replies_late_total",
    "Worker replies sent after the deadline of the request.",
    unit="replies",
    owner="worker",
)
READY = _gauge(
    "misfire_ready",
    "1 once partitions are assigned, the table is recovered and the agents run.",
    unit="workers",
    owner="worker",
    merge="livesum",
)
PROOF_KEY = _gauge(
    "misfire_proof_key_present",
    "1 while this worker has a key to verify proofs of confirmations.",
    unit="processes",
    owner="worker",
    merge="livemin",
)
BROKER_REACHABLE = _gauge(
    "misfire_broker_reachable",
    "1 while a broker responds to this process.",
    unit="processes",
    owner="worker, gateway",
    merge="livemin",
)
RECOVERY_SECONDS = _gauge(
    "misfire_recovery_seconds",
    "Duration of the last recovery of the household table.",
    unit="seconds",
    owner="worker",
    merge="livemax",
)
HOUSEHOLDS = _gauge(
    "misfire_households",
    "Households whose state this worker stores.",
    unit="households",
    owner="worker",
    merge="livesum",
)
STATE_BYTES = _gauge(
    "misfire_state_bytes",
    "Size of the household states in the table, keys and values, without Python's overhead.",
    unit="bytes",
    owner="worker",
    merge="livesum",
)

# Stored household data

ERASED = _counter(
    "misfire_households_erased_total",
    "Households whose state was erased.",
    unit="households",
    owner="worker",
)
AFTER_ERASURE = _counter(
    "misfire_after_erasure_total",
    "Records skipped because they precede the erasure of their household.",
    ["topic"],
    unit="records",
    owner="worker",
)
STATES_CUT = _counter(
    "misfire_states_cut_total",
    "Households whose state was too large for the changelog; their open sessions were dropped.",
    unit="households",
    owner="worker",
)
DROPPED = _counter(
    "misfire_sessions_dropped_total",
    "Open sessions that were dropped because their household had too many; it did not learn from"
    " them.",
    unit="sessions",
    owner="worker",
)
UNTAUGHT = _counter(
    "misfire_sessions_untaught_total",
    "Sessions that a household did not learn from because it had reached its daily limit.",
    unit="sessions",
    owner="worker",
)
EXPORTS_REFUSED = _counter(
    "misfire_exports_refused_total",
    "Exports refused because a record names another household as well.",
    unit="exports",
    owner="worker",
)
