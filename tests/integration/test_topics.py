from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from streams.kafka.connection import Brokers
from streams.kafka.retention import overdue
from streams.kafka.topic_settings import Change, configure_topics
from streams.kafka.topics import (
    HOUSEHOLDS,
    INTENTS,
    OUTCOMES,
    TOPICS,
    admin,
    check_topics,
    create_topics,
    reported_settings,
)
from streams.local.embedded_broker import EmbeddedBroker
from tests.integration.kafka import ApacheKafka, Broker
from tests.integration.worker import producing, until


@pytest.fixture
def client(broker: Broker) -> Iterator[KafkaAdminClient]:
    found = admin(Brokers(broker.bootstrap))
    yield found
    found.close()


def test_a_client_waits_for_a_broker_that_is_starting() -> None:
    broker = EmbeddedBroker()
    with ThreadPoolExecutor(1) as pool:
        with socket.create_server(("127.0.0.1", broker.port)) as starting:
            connecting = pool.submit(admin, Brokers(broker.bootstrap), wait=60.0)
            starting.accept()[0].close()
        with broker:
            client = connecting.result(60)
            assert create_topics(client, 3)
            client.close()


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


def test_topics_of_an_earlier_version_get_the_settings_of_this_one(
    apache_kafka: ApacheKafka,
) -> None:
    """Version 0.1.0 created topics that keep producers' times and default segments."""
    chosen = {"cleanup.policy": "compact", "segment.bytes": "1048576"}
    client = admin(Brokers(apache_kafka.bootstrap))
    kept = {"retention.ms": "31536000000"}
    client.create_topics([NewTopic(INTENTS, 3, 1, topic_configs=kept)])
    client.create_topics([NewTopic(HOUSEHOLDS, 3, 1, topic_configs=chosen)])
    create_topics(client, 3)

    changes = configure_topics(client)

    # A shorter retention would delete records, so a person has to set it.
    until(lambda: [each for each in check_topics(client, 3) if "retention.ms" not in each] == [])
    assert len(check_topics(client, 3)) == 1
    assert Change(INTENTS, "message.timestamp.type", "CreateTime", "LogAppendTime") in changes
    assert Change(HOUSEHOLDS, "min.cleanable.dirty.ratio", "0.5", "0.2") in changes
    assert {change.topic for change in changes} == {INTENTS, HOUSEHOLDS}
    settings = reported_settings(client, next(each for each in TOPICS if each.name == HOUSEHOLDS))
    assert settings["segment.bytes"]["value"] == "1048576"  # chosen by the operator
    until(lambda: configure_topics(client) == [])
    client.close()


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
