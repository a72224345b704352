"""Brokers for integration tests: the embedded one and Apache Kafka."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from streams.local.embedded_broker import EmbeddedBroker
from tests.integration.installation import Installation, installed
from tests.integration.kafka import ApacheKafka, Broker, lacking, wipe
from tests.integration.stream import bundle_on_disk


@pytest.fixture(scope="session")
def started_kafka() -> Iterator[ApacheKafka]:
    """Apache Kafka, one for the whole run."""
    if missing := lacking():
        sentence = f"Apache Kafka needs {' and '.join(missing)}, not found on the PATH: install a Java 17 runtime and Maven"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
    with ApacheKafka() as kafka:
        yield kafka


@pytest.fixture
def apache_kafka(started_kafka: ApacheKafka) -> ApacheKafka:
    """Apache Kafka without topics, whatever the test before has left."""
    wipe(started_kafka.bootstrap)
    return started_kafka


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker without topics; each test that takes it runs on the embedded one and on Apache Kafka."""
    if request.param == "embedded":
        with EmbeddedBroker(port=0) as embedded:
            yield embedded
    else:
        yield request.getfixturevalue("apache_kafka")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation under Prometheus and Alertmanager, on the embedded broker, for a module's tests to break and repair."""
    folder = tmp_path_factory.mktemp("installation")
    _, bundle = bundle_on_disk(folder)
    with EmbeddedBroker() as embedded, installed(folder, bundle, embedded) as everything:
        yield everything
