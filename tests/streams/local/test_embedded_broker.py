from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.topics import INTENTS, admin, create_topics
from streams.local import embedded_broker as module
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from tests.processes import runs

PATIENCE = 15.0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _gone(pid: int) -> bool:
    give_up = time.monotonic() + PATIENCE
    while runs(pid) and time.monotonic() < give_up:
        time.sleep(0.02)
    return not runs(pid)


def test_the_broker_stores_records_and_ends_with_the_block() -> None:
    with EmbeddedBroker() as broker:
        client = admin(Brokers(broker.bootstrap))
        create_topics(client, 2)
        client.close()
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        producer.send(INTENTS, b"value", key=b"key", headers=[("a", b"1")]).get(10)
        producer.close()
        consumer = KafkaConsumer(
            INTENTS,
            bootstrap_servers=broker.bootstrap,
            group_id=None,
            auto_offset_reset="earliest",
            consumer_timeout_ms=10_000,
        )
        record = next(iter(consumer))
        consumer.close()
        assert (record.key, record.value, list(record.headers)) == (b"key", b"value", [("a", b"1")])
        assert broker.process is not None
        pid = broker.process.pid
    assert not _listens(broker.port)
    assert not runs(pid)


def test_two_brokers_use_two_ports() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.port != other.port


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(DependencyUnavailable, match=rf"port {port} is in use"),
            EmbeddedBroker(port),
        ):
            pass


def test_without_the_binary_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with (
        pytest.raises(DependencyUnavailable, match="not available on this platform"),
        EmbeddedBroker(),
    ):
        pass


def test_a_broker_that_fails_to_start_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tansu"
    program.write_text("#!/bin/sh\necho it is out of order\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_binary", lambda: program)
    with pytest.raises(DependencyUnavailable, match="it is out of order"), EmbeddedBroker():
        pass


def _command(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the command and wait until it listens and has removed its temporary files."""
    command = [sys.executable, "-m", "streams.cli", "broker", "--port", str(port)]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, env=os.environ | {"TMPDIR": str(folder)}
    )
    give_up = time.monotonic() + PATIENCE
    while not _listens(port) or any(folder.iterdir()):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return running


def _child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parents")
def test_the_broker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    running = _command(free_port(), tmp_path)
    child = _child(running.pid)
    running.kill()
    running.wait()
    assert running.stderr is not None
    running.stderr.close()
    assert _gone(child)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table of children is Linux's")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_without_a_traceback(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    running = _command(free_port(), tmp_path)
    child = _child(running.pid)
    os.kill(running.pid, number)
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == code
    assert b"Traceback" not in said
    assert _gone(child)
    assert not list(tmp_path.iterdir())
