"""A real Apache Kafka on loopback for tests.

Maven fetches the jars (tests/kafka/pom.xml) into the user's cache. Each broker has free ports and a
temporary folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from string import Template
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.kafka.connection import Brokers

__all__ = [
    "FILES",
    "ON_KAFKA",
    "UNTIL_THE_PIPE_CLOSES",
    "ApacheKafka",
    "Broker",
    "close_pipe",
    "free_ports",
    "java",
    "kafka_acls",
    "lacking",
    "run",
    "wait_until_ready",
    "wipe",
]

FILES = Path(__file__).parents[1] / "kafka"
#: The parameter of fixtures that need Apache Kafka. It marks their tests, and puts ``kafka`` into
#: their names, by which tests/conftest.py keeps them in one process of a parallel run.
ON_KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)
#: Kafka starts in 4 s on two idle cores; the tests share theirs.
START_SECONDS = 90.0

# Kafka exits when the pipe on its standard input closes. That happens however the test run ends,
# even by SIGKILL.
# It is killed because a controlled shutdown takes seconds, and the data is not needed any more.
UNTIL_THE_PIPE_CLOSES = """
exec 3<&0
"$@" </dev/null & kafka=$!
{ read -r _ <&3; kill -9 "$kafka"; } & watcher=$!
wait "$kafka"; status=$?
kill "$watcher"
exit "$status"
"""


class Broker(Protocol):
    """A broker that tests can connect to. ``process`` leads its own process group."""

    process: subprocess.Popen[bytes] | None

    @property
    def bootstrap(self) -> str:
        """The broker's address, ``host:port``."""


class ApacheKafka:
    """A broker for a ``with`` block; ``bootstrap`` is its ``host:port``.

    Args:
        properties: its settings, a template with $broker_port, $controller_port, $inside_port,
            $data and the names in ``filled``.
        filled: other values of the template.
        passwords: the passwords of SCRAM-SHA-512 users, by user.
        client: returns the connection of an administrator, for an address; by default without
            authentication.
    """

    bootstrap: str
    #: The address of a second listener, if the settings have one.
    inside: str
    process: subprocess.Popen[bytes] | None = None

    def __init__(
        self,
        properties: str | None = None,
        *,
        filled: Mapping[str, object] = MappingProxyType({}),
        passwords: Mapping[str, str] = MappingProxyType({}),
        client: Callable[[str], Brokers] = Brokers,
    ) -> None:
        self._properties = Template(properties or (FILES / "server.properties").read_text())
        self._filled = filled
        self._passwords = passwords
        self._client = client

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="misfire-kafka-")))
            broker_port, controller_port, inside_port = free_ports(3)
            self.bootstrap = f"127.0.0.1:{broker_port}"
            self.inside = f"127.0.0.1:{inside_port}"
            config = folder / "server.properties"
            ports = {
                "broker_port": broker_port,
                "controller_port": controller_port,
                "inside_port": inside_port,
            }
            config.write_text(
                self._properties.substitute(ports, data=folder / "data", **self._filled)
            )
            command = java()
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            scram = [
                f"--add-scram=SCRAM-SHA-512=[name={user},password={password}]"
                for user, password in self._passwords.items()
            ]
            run(
                [
                    *command,
                    "kafka.tools.StorageTool",
                    "format",
                    f"--cluster-id={cluster}",
                    f"--config={config}",
                    *scram,
                ]
            )
            log = folder / "kafka.log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    ["sh", "-c", UNTIL_THE_PIPE_CLOSES, "sh", *command, "kafka.Kafka", str(config)],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C stops the tests first, then Kafka
                )
            stack.callback(close_pipe, process)
            self.process = process
            wait_until_ready(self._client(self.bootstrap), process, log)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


def lacking() -> list[str]:
    """Return the tools that a broker needs and this machine lacks."""
    needed = ["java"] if _cache(os.environ).is_dir() else ["java", "mvn"]
    return [tool for tool in needed if shutil.which(tool) is None]


def wipe(bootstrap: str) -> None:
    """Delete every topic with its committed offsets; wait until all are gone."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        while topics := [name for name in admin.list_topics() if not name.startswith("__")]:
            with suppress(KafkaError):  # another client's request may still be in flight
                admin.delete_topics(topics)
            time.sleep(0.05)
    finally:
        admin.close()


def _cache(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CACHE_HOME")
    jars = hashlib.sha256((FILES / "pom.xml").read_bytes()).hexdigest()[:12]
    return (Path(base) if base else Path.home() / ".cache") / "misfire" / f"kafka-{jars}"


def kafka_acls(arguments: list[str]) -> None:
    """Run Kafka's tool for ACLs.

    Raises:
        RuntimeError: the tool failed; the message contains its output.
    """
    run([*java(), "org.apache.kafka.tools.AclCommand", *arguments])


def _jars(cache: Path) -> Path:
    """Fetch the jars unless they are cached.

    Of two concurrent runs the first one wins; both fetch the same files.
    """
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.", dir=cache.parent) as partial:
        lib = Path(partial) / "lib"
        copy = [
            "dependency:copy-dependencies",
            f"-DoutputDirectory={lib}",
            "-DincludeScope=runtime",
        ]
        run(["mvn", "--batch-mode", "--quiet", f"--file={FILES / 'pom.xml'}", *copy])
        with suppress(OSError):
            lib.rename(cache)
    return cache


def java(heap: str = "512m") -> list[str]:
    """Return the command that runs a class of Kafka, without the class.

    Args:
        heap: the largest heap, as java writes it.
    """
    # The C2 compiler only pays off after minutes.
    logging = f"-Dlog4j2.configurationFile={(FILES / 'log4j2.xml').as_uri()}"
    return [
        "java",
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        logging,
        "-cp",
        f"{_jars(_cache(os.environ))}/*",
    ]


def run(command: list[str]) -> None:
    """Run a command.

    Raises:
        RuntimeError: it failed; the message contains the end of its output.
    """
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}")


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free at the moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until_ready(brokers: Brokers, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a broker answers.

    Raises:
        RuntimeError: it exited or did not answer; the message contains the end of its log.
    """
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with suppress(KafkaError):
            admin = KafkaAdminClient(**brokers.options, bootstrap_timeout_ms=1000)
            try:
                if admin.describe_cluster()["brokers"]:
                    return
            finally:
                admin.close()
        time.sleep(0.1)
    raise RuntimeError(
        f"Apache Kafka did not start within {START_SECONDS:.0f} s:\n{log.read_text()[-2000:]}"
    )


def close_pipe(process: subprocess.Popen[bytes]) -> None:
    """End a broker that ``UNTIL_THE_PIPE_CLOSES`` started."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=30)
