"""Three brokers of Apache Kafka: the short form of ``make storm``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka.connection import Brokers
from streams.kafka.topics import INTENTS, TOPICS, admin, check_topics, reported_settings
from tests.commands import misfire
from tests.integration.conftest import skip_without_java
from tests.integration.worker import PARTITIONS
from tests.storm.cluster import Cluster
from tests.storm.counting import count_ids, settled
from tests.storm.faults import FAULTS
from tests.storm.scene import Setting, staged, waited

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    skip_without_java()
    with Cluster() as brokers:
        yield brokers


def test_replicated_topics_need_two_replicas_in_sync(cluster: Cluster) -> None:
    created = misfire(
        *("topics", "create", "--broker", cluster.bootstrap),
        *("--partitions", PARTITIONS, "--replication", 3),
    )
    assert created.returncode == 0, created.stderr

    client = admin(Brokers(cluster.bootstrap))
    topics = {topic["name"]: topic for topic in client.describe_topics()}
    settings = [reported_settings(client, topic) for topic in TOPICS]
    problems = check_topics(client, PARTITIONS)
    client.close()
    assert {len(part["replica_nodes"]) for part in topics[INTENTS]["partitions"]} == {3}
    assert {each["min.insync.replicas"]["value"] for each in settings} == {"2"}
    assert problems == []


def test_nothing_is_lost_or_applied_twice_when_a_broker_and_a_worker_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    with staged(cluster, tmp_path, Setting(20, 1_000, "short")) as scene:
        for _ in FAULTS["broker and worker killed"](scene, random.Random(0)):
            pass
        assert scene.quiet()
    load = scene.load

    assert waited(lambda: settled(cluster), 60, every=1)
    count = count_ids(cluster, load.calls, load.unanswered, scene.kills)
    count.late = 0  # the machine of a test run may be busy; `make storm` counts them
    assert load.unanswered == 0
    assert count.ok, count
