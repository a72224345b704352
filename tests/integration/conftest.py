"""Fixtures of the integration tests: brokers and installations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local.embedded_broker import EmbeddedBroker
from tests.integration.installation import Installation, installed
from tests.integration.kafka import ON_KAFKA, ApacheKafka, Broker, lacking, wipe
from tests.integration.stream import bundle_on_disk

#: These tests run in an environment of their own (test_home_assistant.py).
collect_ignore = ["home_assistant"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as integration tests."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.integration)


def skip_without_java() -> None:
    """Skip a test, or fail it in CI, if this machine cannot run Apache Kafka."""
    if missing := lacking():
        sentence = (
            f"Apache Kafka needs {' and '.join(missing)}, not found on the PATH: "
            "install a Java 17 runtime and Maven"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)


@pytest.fixture(scope="session")
def started_kafka() -> Iterator[ApacheKafka]:
    """Start one Apache Kafka for the whole run."""
    skip_without_java()
    with ApacheKafka() as kafka:
        yield kafka


@pytest.fixture
def wiped_kafka(started_kafka: ApacheKafka) -> ApacheKafka:
    """Return Apache Kafka without topics."""
    wipe(started_kafka.bootstrap)
    return started_kafka


@pytest.fixture(params=[ON_KAFKA])
def apache_kafka(wiped_kafka: ApacheKafka) -> ApacheKafka:
    """Return Apache Kafka without topics; its tests have ``[kafka]`` in their names."""
    return wiped_kafka


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    """Start an embedded broker without topics."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(params=["embedded", ON_KAFKA])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Return a broker without topics, once embedded and once Apache Kafka."""
    found: Broker = request.getfixturevalue(
        "embedded" if request.param == "embedded" else "wiped_kafka"
    )
    return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run an installation with Prometheus and Alertmanager on the embedded broker.

    The tests of a module share it: they break and repair its parts.
    """
    folder = tmp_path_factory.mktemp("installation")
    _, bundle = bundle_on_disk(folder)
    with EmbeddedBroker() as embedded, installed(folder, bundle, embedded) as everything:
        yield everything
