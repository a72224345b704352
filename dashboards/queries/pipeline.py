"""The path through Kafka: is anything lost, refused or stuck?"""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["PIPELINE"]

PIPELINE: tuple[Query, ...] = (
    query(
        "lag",
        "sum by (topic, partition) (misfire_consumer_lag_records{$e})",
        "records",
        "{{topic}} {{partition}}",
        "Records that wait in each partition. If the number grows, there are too few workers, or "
        "a worker hangs.",
    ),
    query(
        "watermark_age",
        "(time() - max by (topic, partition) (misfire_watermark_timestamp_seconds{$e}))"
        " * on (topic, partition) "
        "(sum by (topic, partition) (misfire_consumer_lag_records{$e}) > bool 0)",
        "seconds",
        "{{topic}} {{partition}}",
        "Age of the last processed record in partitions with waiting records; zero in all others.",
    ),
    query(
        "dead_letters",
        "sum by (reason) (rate(misfire_dead_letters_total{$e}[$s]))",
        "records/s",
        "{{reason}}",
        "Records that could not be read; lower is better.",
    ),
    query(
        "unusable_records",
        "sum by (topic, reason) (rate(misfire_unusable_records_total{$e}[$s]))",
        "records/s",
        "{{topic}} {{reason}}",
        "Records of misfire.rules and misfire.bundles that a process could not apply; lower is "
        "better.",
    ),
    query(
        "clocks_replaced",
        "sum(rate(misfire_clocks_replaced_total{$e}[$s]))",
        "events/s",
        "events",
        "Events whose device clock was too far off, so the log's time was used; lower is better.",
    ),
    query(
        "unreadable_files",
        "sum by (instance) (rate(misfire_metrics_files_unreadable_total{$e}[$s]))",
        "files/s",
        "{{instance}}",
        "Files in the folder of shared metrics that contain no metrics and are skipped.",
    ),
    query(
        "ignored_fields",
        "sum by (topic) (rate(misfire_ignored_fields_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records with fields that the worker does not know and ignores: a misspelt name, or a "
        "newer sender.",
    ),
    query(
        "producer_times",
        "sum by (topic) (rate(misfire_producer_times_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records timestamped by their producer instead of the log; lower is better.",
    ),
    query(
        "duplicates",
        "sum by (topic) (rate(misfire_duplicates_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records delivered again and skipped. This is normal after a restart, and a loop if it "
        "continues.",
    ),
    query(
        "passed_on",
        "sum by (topic) (rate(misfire_passed_on_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records found outside their household's partition and forwarded to it; normal for a "
        "moment after topics grew.",
    ),
    query(
        "earlier_topic",
        "sum by (topic) (rate(misfire_earlier_topic_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records of households last seen in an earlier topic of the same name: the topic was "
        "deleted and created again.",
    ),
    query(
        "connections_lost",
        "sum by (reason) (rate(misfire_connections_lost_total{$e}[$s]))",
        "connections/s",
        "{{reason}}",
        "Gateway connections to Kafka that failed and were replaced. internal_error is a bug in "
        "misfire.",
    ),
    query(
        "old_rules",
        "sum(rate(misfire_old_rules_total{$e}[$s]))",
        "events/s",
        "events",
        "Events that a worker decided while it could not read misfire.rules.",
    ),
    query(
        "replies_failed",
        "sum(rate(misfire_replies_failed_total{$e}[$s]))",
        "replies/s",
        "replies",
        "Replies that a gateway could not process and skipped. Each is a bug in misfire: see the "
        "gateway's log.",
    ),
    query(
        "send_failures",
        "sum by (topic) (rate(misfire_send_failures_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records that Kafka did not accept; normally none.",
    ),
    query(
        "unwritten_seconds",
        "max(misfire_unwritten_seconds{$e})",
        "seconds",
        "waiting",
        "How long decisions have waited for the audit log without any being written. A worker "
        "exits at 30 s.",
    ),
    query(
        "ready_workers",
        "sum(misfire_ready{$e})",
        "workers",
        "ready",
        "Workers with partitions, a recovered table and running agents. With none, every answer "
        "is degraded.",
    ),
    query(
        "brokers",
        "min by (instance) (misfire_broker_reachable{$e})",
        "yes or no",
        "{{instance}}",
        "Whether each process reaches a broker. With 0 it decides nothing.",
    ),
    query(
        "rebalances",
        "sum(increase(misfire_rebalances_total{$e}[$s]))",
        "rebalances",
        "rebalances",
        "Rebalances of the consumer group. Each degrades answers for seconds.",
    ),
    query(
        "recovery_seconds",
        "max by (instance) (misfire_recovery_seconds{$e})",
        "seconds",
        "{{instance}}",
        "Duration of the last recovery of each worker's household table. Answers are degraded for "
        "as long.",
    ),
    query(
        "state_bytes",
        "sum by (instance) (misfire_state_bytes{$e})",
        "bytes",
        "{{instance}}",
        "Size of each worker's households in its table. A recovery reads all of it.",
    ),
)
