from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from streams.kafka.connection import Brokers
from streams.kafka.retention import overdue
from streams.kafka.topics import (
    HOUSEHOLDS,
    INTENTS,
    OUTCOMES,
    TOPICS,
    admin,
    check_topics,
    create_topics,
)
from tests.integration.kafka import ApacheKafka, Broker
from tests.integration.worker import producing, until


@pytest.fixture
def client(broker: Broker) -> Iterator[KafkaAdminClient]:
    found = admin(Brokers(broker.bootstrap))
    yield found
    found.close()


def test_creating_topics_is_idempotent(client: KafkaAdminClient) -> None:
    assert len(check_topics(client, 3)) == len(TOPICS)

    assert create_topics(client, 3) == [topic.name for topic in TOPICS]

    assert check_topics(client, 3) == []
    assert create_topics(client, 3) == []


def test_topics_that_are_missing_or_have_the_wrong_partitions_are_named(
    client: KafkaAdminClient,
) -> None:
    client.create_topics([NewTopic(INTENTS, 2, 1)])
    create_topics(client, 3)
    client.delete_topics([OUTCOMES])

    until(lambda: any("missing" in problem for problem in check_topics(client, 3)))

    problems = check_topics(client, 3)
    assert any(INTENTS in problem and "2 partitions, not 3" in problem for problem in problems)
    assert any(OUTCOMES in problem and "missing" in problem for problem in problems)
    assert not any("decisions" in problem for problem in problems)


def test_a_changed_topic_setting_is_named(apache_kafka: ApacheKafka) -> None:
    client = admin(Brokers(apache_kafka.bootstrap))
    create_topics(client, 3)
    wrong = ConfigResource(ConfigResourceType.TOPIC, INTENTS, configs={"retention.ms": "1000"})
    client.alter_configs([wrong])

    until(lambda: any("retention.ms=1000" in problem for problem in check_topics(client, 3)))
    (problem,) = check_topics(client, 3)

    client.close()
    assert INTENTS in problem


def test_a_record_kept_beyond_its_retention_is_named(apache_kafka: ApacheKafka) -> None:
    brokers, now = Brokers(apache_kafka.bootstrap), time.time()
    client = admin(brokers)
    create_topics(client, 3, producer_time=True)  # Kafka would replace their timestamps
    assert overdue(brokers, client, now) == []
    with producing(apache_kafka) as producer:
        for topic, days in ((INTENTS, 30.5), (OUTCOMES, 90.5), (HOUSEHOLDS, 400)):
            producer.send(
                topic, b"{}", key=b"h", partition=0, timestamp_ms=int(1000 * (now - 86_400 * days))
            ).get(30)
    assert overdue(brokers, client, now) == []

    with producing(apache_kafka) as producer:
        producer.send(
            INTENTS, b"{}", partition=2, timestamp_ms=int(1000 * (now - 86_400 * 31.5))
        ).get(30)
    (said,) = overdue(brokers, client, now)
    assert said.startswith(f"topic {INTENTS} has a record of ")
    assert "at most 31 days" in said
    client.close()
