from __future__ import annotations

from streams.kafka.topics import TOPICS


def test_every_topic_has_its_retention_and_partitions() -> None:
    day = 86_400_000

    assert {topic.name: (topic.retention, topic.partitions) for topic in TOPICS} == {
        "assistant.intents": (30 * day, None),
        "assistant.decisions": (90 * day, None),
        "assistant.outcomes": (90 * day, None),
        "assistant.replies": (600_000, None),
        "assistant.dead-letters": (30 * day, None),
        "assistant.incidents": (90 * day, None),
        "misfire.labels": (90 * day, None),
        "misfire.households": (None, None),
        "misfire.bundles": (None, 1),
        "misfire.rules": (None, 1),
        "misfire.shadows": (90 * day, None),
    }


def test_a_removed_rule_stays_in_the_log_as_long_as_the_decisions_that_it_changed() -> None:
    kept = {topic.name: topic for topic in TOPICS}
    rules = kept["misfire.rules"]

    assert int(rules.settings["min.compaction.lag.ms"]) == kept["assistant.decisions"].retention
    assert int(rules.settings["max.compaction.lag.ms"]) > rules.keeps


def test_a_topic_without_retention_is_compacted() -> None:
    for topic in TOPICS:
        policy = topic.settings["cleanup.policy"]
        assert policy == ("compact" if topic.retention is None else "delete")
        assert (
            ("retention.ms" in topic.settings)
            == ("segment.ms" in topic.settings)
            == (policy == "delete")
        )


def test_the_changelog_is_compacted_before_it_is_much_larger_than_the_table() -> None:
    """A recovery reads the superseded states, too: by default those of a whole day."""
    advised = {topic.name: dict(topic.advised) for topic in TOPICS if topic.advised}
    assert advised["misfire.households"] == {
        "min.cleanable.dirty.ratio": "0.2",
        "segment.bytes": "16777216",
    }
    assert advised.keys() == {topic.name for topic in TOPICS if topic.retention is None}


def test_a_record_is_deleted_within_a_day_after_its_retention() -> None:
    """Kafka deletes whole segments: a segment of a week keeps its first record a week longer."""
    for topic in TOPICS:
        if topic.retention is not None:
            longest = int(topic.settings["retention.ms"]) + int(topic.settings["segment.ms"])
            assert topic.kept == longest <= topic.retention + min(topic.retention, 86_400_000)


def test_the_broker_stamps_records_whose_time_decides_something() -> None:
    stamped = {topic.name for topic in TOPICS if "message.timestamp.type" in topic.settings}

    assert {topic.name for topic in TOPICS if topic.retention is None} & stamped == {
        "misfire.rules"
    }
