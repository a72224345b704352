"""Run each part on a Kafka with TLS, SCRAM, client certificates and ACLs.

Each part works with its own rights and is refused all others.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import count
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import trustme
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ResourceType
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from detector.contracts.decisions import Rung
from streams.hook import Hook
from streams.kafka.acls import Part
from streams.kafka.topics import TOPICS, admin, create_topics
from streams.wire.state.marks import partition_of
from tests import commands
from tests.detector.builders import event
from tests.integration.kafka import lacking
from tests.integration.secured import ADMIN, STRANGER, Secured, secured
from tests.integration.stream import bundle_on_disk
from tests.integration.test_gateway import gateway, post
from tests.integration.worker import PARTITIONS, Worker, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        bool(lacking()) and os.environ.get("CI") != "true",
        reason="Apache Kafka needs Java and Maven",
    ),
]

#: The topics that each part reads and writes, repeated here to detect errors in the table.
READS = {
    Part.WORKER: {
        "assistant.intents",
        "assistant.outcomes",
        "misfire.households",
        "misfire.bundles",
        "misfire.rules",
    },
    Part.GATEWAY: {"assistant.replies", "misfire.bundles", "misfire.rules"},
    Part.RUNTIME: {"assistant.replies"},
    Part.TRAINER: {"assistant.intents", "assistant.outcomes", "misfire.labels"},
    Part.OPERATOR: {topic.name for topic in TOPICS},
    Part.PROMOTER: {"assistant.intents", "assistant.replies", "misfire.bundles"},
    Part.GROWER: {"misfire.households"},
    STRANGER: set(),
}
WRITES = {
    Part.WORKER: {
        "assistant.intents",
        "assistant.outcomes",
        "assistant.decisions",
        "assistant.replies",
        "assistant.dead-letters",
        "misfire.households",
        "misfire.labels",
        "misfire.shadows",
    },
    Part.GATEWAY: {"assistant.intents", "assistant.outcomes", "assistant.incidents"},
    Part.RUNTIME: {"assistant.intents", "assistant.outcomes"},
    Part.TRAINER: set(),
    Part.OPERATOR: {
        "assistant.intents",
        "assistant.outcomes",
        "assistant.dead-letters",
        "misfire.rules",
    },
    Part.PROMOTER: {"assistant.intents", "misfire.bundles"},
    Part.GROWER: {"misfire.households"},
    STRANGER: set(),
}


#: A worker refuses states outside their household's partition.
_OF_PARTITION_0 = next(
    key for key in map(b"nobody%d".__mod__, count()) if not partition_of(key, PARTITIONS)
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as found:
        for part in Part:
            found.grant(part)
        made = misfire(found, Part.OPERATOR, "topics", "create", "--partitions", PARTITIONS)
        assert made.returncode == 0, made.stderr
        yield found


def misfire(
    broker: Secured, who: str, *arguments: object, **variables: str
) -> CompletedProcess[str]:
    given = broker.variables(who) | {"MISFIRE_PARTITIONS": str(PARTITIONS)} | variables
    return commands.misfire(*arguments, **given)


@pytest.mark.parametrize("who", READS)
def test_each_part_has_exactly_its_rights(broker: Secured, who: str) -> None:
    topics = {topic.name for topic in TOPICS}

    assert _written(broker, who, topics) == WRITES[who]
    assert _read(broker, who, topics, READS[who]) == READS[who]


@pytest.mark.parametrize(
    ("part", "operation", "kind"),
    [(Part.TRAINER, "Read", ResourceType.TOPIC), (Part.GROWER, "Describe", ResourceType.GROUP)],
)
def test_the_printed_commands_revoke_and_grant_rights(
    broker: Secured, part: Part, operation: str, kind: ResourceType
) -> None:
    """The other tests grant the same rights without a JVM for each command."""
    before, affected = set(broker.granted(part)), set(broker.acls(part, operation))
    assert affected <= before
    assert {acl.resource_pattern.resource_type for acl in affected} == {kind}

    broker.run_kafka_acls(part, only=operation, remove=True)
    assert set(broker.granted(part)) == before - affected

    broker.run_kafka_acls(part, only=operation, remove=False)
    assert set(broker.granted(part)) == before


def test_only_the_operator_creates_topics(broker: Secured) -> None:
    client = admin(broker.brokers(ADMIN))
    client.delete_topics(["assistant.incidents"])
    until(lambda: "assistant.incidents" not in client.list_topics())
    client.close()

    for part in set(Part) - {Part.OPERATOR}:
        client = admin(broker.brokers(part))
        with pytest.raises(KafkaError):
            create_topics(client, PARTITIONS)
        client.close()

    assert misfire(broker, Part.OPERATOR, "topics", "create").returncode == 0


def test_every_part_works_with_its_own_rights(broker: Secured, tmp_path: Path) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    asked = event(1, household_id="home1")
    logs = tmp_path / "worker.log", tmp_path / "gateway.log"
    with (
        Worker(broker.kafka, bundle, logs[0], **broker.variables(Part.WORKER)) as worker,
        gateway(
            broker.kafka.inside, bundle, logs[1], wait=True, **broker.variables(Part.GATEWAY)
        ) as url,
    ):
        worker.wait_ready()
        with Hook(url, deadline_ms=5_000) as hook:
            assert hook.decide(asked).rung is Rung.WORKER

        port = ("MISFIRE_WORKER_PORT", worker.url), ("MISFIRE_GATEWAY_PORT", url)
        found = misfire(
            broker,
            Part.OPERATOR,
            "doctor",
            "--bundle",
            bundle,
            **{name: address.rpartition(":")[2] for name, address in port},
        )
        assert "every topic is set up correctly" in found.stderr
        assert "over SASL_SSL as operator" in found.stderr
        shown = misfire(broker, Part.OPERATOR, "household", "show", "home1")
        assert shown.returncode == 0, shown.stderr
        erased = misfire(broker, Part.OPERATOR, "household", "erase", "home1", "--wait", 60)
        assert erased.returncode == 0, erased.stderr
        assert misfire(broker, Part.OPERATOR, "redrive", "--dry-run").returncode == 0
        tail = misfire(broker, Part.OPERATOR, "decisions", "tail", "--from-beginning", "--limit", 1)
        assert tail.returncode == 0, tail.stderr

    said = "".join(log.read_text() for log in logs)
    for secret in broker.folder.glob("*.password"):
        assert secret.read_text().strip() not in said


def test_without_the_right_to_produce_the_gateway_answers_itself_and_counts_it(
    broker: Secured, tmp_path: Path
) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    with gateway(
        broker.kafka.bootstrap, bundle, tmp_path / "log", wait=False, **broker.variables(STRANGER)
    ) as url:
        answer = post(url, event(1)).json()

        assert answer["rung"] == "gateway"
        assert answer["reasons"]
    assert "Kafka at" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("who", "changed", "said"),
    [
        (STRANGER, {}, "grant a right to it"),
        (Part.WORKER, {"MISFIRE_KAFKA_PASSWORD_FILE": "{wrong}"}, "rejects user worker"),
        (Part.WORKER, {"MISFIRE_KAFKA_USER": "nobody"}, "rejects user nobody"),
        (Part.WORKER, {"MISFIRE_KAFKA_CA": "{other}"}, "the TLS handshake with"),
        (Part.WORKER, {"MISFIRE_BROKER": "{inside}"}, "rejects user worker"),
    ],
)
def test_a_worker_that_kafka_rejects_gives_the_reason_in_one_sentence(
    broker: Secured, tmp_path: Path, who: str, changed: dict[str, str], said: str
) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    (tmp_path / "wrong").write_text("not the password")
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    places = {"wrong": tmp_path / "wrong", "other": other, "inside": broker.kafka.inside}

    ended = misfire(
        broker,
        who,
        "worker",
        "--bundle",
        bundle,
        **{name: value.format_map(places) for name, value in changed.items()},
    )

    assert ended.returncode == 3
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_that_loses_its_write_permission_exits(broker: Secured, tmp_path: Path) -> None:
    """Decisions would be lost, so the worker exits.

    One with its rights continues at its offsets.
    """
    _, bundle = bundle_on_disk(tmp_path)
    with (
        Worker(broker.kafka, bundle, tmp_path / "log", **broker.variables(Part.WORKER)) as worker,
        gateway(
            broker.kafka.inside,
            bundle,
            tmp_path / "gw",
            wait=True,
            **broker.variables(Part.GATEWAY),
        ) as url,
    ):
        worker.wait_ready()
        broker.revoke(Part.WORKER, only="Write")
        try:
            post(url, event(2, household_id="home2"))
            until(lambda: worker.process.poll() is not None, (tmp_path / "log").read_text)
        finally:
            broker.grant(Part.WORKER, only="Write")

        assert worker.process.poll() == 1
        assert "Traceback" not in (tmp_path / "log").read_text()
        with Worker(
            broker.kafka, bundle, tmp_path / "log2", **broker.variables(Part.WORKER)
        ) as again:
            again.wait_ready()
            with Hook(url, deadline_ms=5_000) as hook:
                assert hook.decide(event(3, household_id="home2")).rung is Rung.WORKER


def _written(broker: Secured, who: str, topics: Collection[str]) -> AbstractSet[str]:
    producer = KafkaProducer(
        **broker.brokers(who).options, max_block_ms=3_000, enable_idempotence=False
    )
    taken = set()
    for topic in topics:
        try:
            # A foreign record becomes a dead letter.
            producer.send(topic, b"", key=_OF_PARTITION_0, partition=0).get(10)
            taken.add(topic)
        except KafkaError:
            continue
    producer.close()
    return taken


def _read(
    broker: Secured, who: str, topics: Collection[str], expected: AbstractSet[str]
) -> AbstractSet[str]:
    """Return the topics from which ``who`` can read the administrator's record."""
    _written(broker, ADMIN, topics)
    consumer = KafkaConsumer(**broker.brokers(who).options, group_id=None)
    partitions = [TopicPartition(topic, 0) for topic in topics]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    given: set[str] = set()

    def poll() -> None:
        with suppress(TopicAuthorizationFailedError):
            given.update(partition.topic for partition in consumer.poll(timeout_ms=200))

    def expected_given() -> bool:
        poll()
        return given >= expected

    until(expected_given, lambda: f"read only {sorted(given)}")
    for _ in range(10):  # any other topic would arrive as well
        poll()
    consumer.close()
    return given
