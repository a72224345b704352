"""Brokers for integration tests: the embedded one and Apache Kafka."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local.embedded_broker import EmbeddedBroker
from tests.integration.installation import Installation, installed
from tests.integration.kafka import ApacheKafka, Broker, lacking, wipe
from tests.integration.stream import bundle_on_disk

#: Modules with a Kafka of their own.
_OWN_KAFKA = ("test_kafka_fixture", "test_secured")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here, and keep those that share parts in one process of a parallel run.

    The tests on Apache Kafka share it; the others share what their module starts.
    """
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.integration)
            on_kafka = item.get_closest_marker("kafka") and item.path.stem not in _OWN_KAFKA
            item.add_marker(pytest.mark.xdist_group("kafka" if on_kafka else item.path.stem))


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


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    """The embedded broker without topics."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """A broker without topics, for tests in which the broker matters: they run on the embedded one and on Apache Kafka."""
    broker: Broker = request.getfixturevalue(
        "embedded" if request.param == "embedded" else "apache_kafka"
    )
    return broker


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation under Prometheus and Alertmanager, on the embedded broker, for a module's tests to break and repair."""
    folder = tmp_path_factory.mktemp("installation")
    _, bundle = bundle_on_disk(folder)
    with EmbeddedBroker() as embedded, installed(folder, bundle, embedded) as everything:
        yield everything
