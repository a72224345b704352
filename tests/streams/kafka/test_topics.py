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
    }


def test_a_topic_without_retention_is_compacted() -> None:
    for topic in TOPICS:
        policy = topic.settings["cleanup.policy"]
        assert policy == ("compact" if topic.retention is None else "delete")
        assert (
            ("retention.ms" in topic.settings)
            == ("segment.ms" in topic.settings)
            == (policy == "delete")
        )


def test_a_record_is_deleted_within_a_day_after_its_retention() -> None:
    """Kafka deletes whole segments: a segment of a week keeps its first record a week longer."""
    for topic in TOPICS:
        if topic.retention is not None:
            longest = int(topic.settings["retention.ms"]) + int(topic.settings["segment.ms"])
            assert topic.kept == longest <= topic.retention + min(topic.retention, 86_400_000)
