from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from tests.integration.kafka import ApacheKafka, Broker, wipe
from tests.integration.worker import until


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield client
    client.close()


@pytest.fixture
def topic(admin: KafkaAdminClient) -> str:
    name = f"fixture-{uuid.uuid4()}"
    admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
    # Kafka answers before every broker knows the topic.
    until(lambda: admin.describe_topics([name])[0]["partitions"])
    return name


def test_a_topic_has_the_requested_partitions(admin: KafkaAdminClient, topic: str) -> None:
    (description,) = admin.describe_topics([topic])

    assert len(description["partitions"]) == 3


def test_records_are_consumed_in_order_per_key(broker: Broker, topic: str) -> None:
    sent = [(f"household-{number % 5}".encode(), str(number).encode()) for number in range(50)]
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for key, value in sent:
        producer.send(topic, key=key, value=value)
    producer.close()

    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    )
    received = [(record.key, record.value) for record in islice(consumer, len(sent))]
    consumer.close()

    assert sorted(received) == sorted(sent)
    for household in {key for key, _ in sent}:
        assert [v for k, v in received if k == household] == [v for k, v in sent if k == household]


def test_a_wiped_broker_has_no_topics_and_accepts_the_same_name_again(
    apache_kafka: ApacheKafka,
) -> None:
    name = f"fixture-{uuid.uuid4()}"
    client = KafkaAdminClient(bootstrap_servers=apache_kafka.bootstrap)
    client.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])

    wipe(apache_kafka.bootstrap)
    assert name not in client.list_topics()

    client.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
    (description,) = client.describe_topics([name])
    client.close()
    assert len(description["partitions"]) == 2


@pytest.mark.usefixtures("apache_kafka")
def test_the_broker_exits_with_its_parent_even_after_sigkill(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    program = (
        "import sys\n"
        "from tests.integration.kafka import ApacheKafka\n"
        "with ApacheKafka() as kafka:\n"
        "    print(kafka.bootstrap, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(pytestconfig.rootpath)},
        text=True,
    )
    assert owner.stdout is not None
    host, port = owner.stdout.readline().strip().split(":")
    with socket.create_connection((host, int(port))) as connection:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()

        with suppress(ConnectionResetError):  # a killed broker may close or reset the connection
            assert connection.recv(1) == b""  # runs into pytest's timeout if the broker still runs
