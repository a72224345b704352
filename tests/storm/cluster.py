"""Three brokers of Apache Kafka on loopback that can be killed, stopped, cut off and restarted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Any, Self, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.kafka.connection import Brokers
from tests.integration.kafka import (
    FILES,
    UNTIL_THE_PIPE_CLOSES,
    close_pipe,
    free_ports,
    java,
    run,
    wait_until_ready,
)
from tests.storm.proxy import Proxy

__all__ = ["Cluster", "Node"]

T = TypeVar("T")

#: Three of these and their processes fit into 1.5 GB.
_HEAP = "256m"
#: Seconds in which Kafka answers an administrator, elections included.
_PATIENCE = 60.0


def _uuid() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


class Node:
    """One broker and its proxy. ``folder`` has its settings and its log, ``data`` its disk."""

    def __init__(self, number: int, folder: Path, ports: Sequence[int], data: Path) -> None:
        self.number, self.folder, self.data = number, folder, data
        self.inside_port, self.client_port, self.controller_port, self.proxy_port = ports
        self.proxy = Proxy(self.proxy_port, self.client_port)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The address for clients, through the proxy."""
        return f"127.0.0.1:{self.proxy_port}"

    @property
    def log(self) -> Path:
        """The broker's log."""
        return self.folder / "kafka.log"

    def start(self) -> None:
        """Start the broker without waiting for it."""
        config = str(self.folder / "server.properties")
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["sh", "-c", UNTIL_THE_PIPE_CLOSES, "sh", *java(_HEAP), "kafka.Kafka", config],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Wait until the broker answers."""
        assert self.process is not None
        wait_until_ready(Brokers(f"127.0.0.1:{self.client_port}"), self.process, self.log)

    def signal(self, number: int) -> None:
        """Send a signal to the broker; SIGKILL waits for its end."""
        assert self.process is not None
        os.killpg(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def leave(self) -> None:
        """Shut the broker down as an operator does: it hands over what it leads."""
        assert self.process is not None
        # The shell in between must live until the broker has ended.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "java":
                os.kill(int(child), signal.SIGTERM)
        self.process.wait(_PATIENCE)

    def close(self) -> None:
        """End the broker."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            close_pipe(self.process)


class Cluster:
    """Three brokers for a ``with`` block; every topic of theirs has three replicas.

    Args:
        data: returns the folder for a node's data, by its number; by default one of the cluster's.
    """

    def __init__(self, data: Callable[[int], Path] | None = None) -> None:
        self._data = data
        self.nodes: list[Node] = []
        #: The first broker's process.
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers."""
        return ",".join(node.address for node in self.nodes)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="misfire-kafka-")))
            ports = free_ports(12)
            for number in range(1, 4):
                home = folder / str(number)
                home.mkdir()
                data = self._data(number) / "log" if self._data else home / "data"
                node = Node(number, home, ports[4 * number - 4 : 4 * number], data)
                self.nodes.append(node)
                stack.enter_context(node.proxy)
            self._configure()
            self._format()
            for node in self.nodes:
                stack.callback(node.close)
                node.start()
            for node in self.nodes:
                node.wait_ready()
            self.process = self.nodes[0].process
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def controller(self) -> Node:
        """Return the node with the active controller."""
        leader = self.ask(lambda admin: admin.describe_metadata_quorum())
        found = leader["topics"][0]["partitions"][0]["leader_id"]
        return next(node for node in self.nodes if node.number == found)

    def leader(self, topic: str, partition: int) -> Node:
        """Return the node that leads a partition."""
        (entry,) = self.ask(lambda admin: admin.describe_topics([topic]))
        found = {each["partition_index"]: each["leader_id"] for each in entry["partitions"]}
        return next(node for node in self.nodes if node.number == found[partition])

    def out_of_sync(self) -> int:
        """Return the number of replicas that are not in sync, over all topics."""
        topics: Any = self.ask(lambda admin: admin.describe_topics())
        return sum(
            len(part["replica_nodes"]) - len(part["isr_nodes"])
            for topic in topics
            for part in topic["partitions"]
        )

    def wait_whole(self) -> None:
        """Wait until every replica is in sync again."""
        give_up = time.monotonic() + _PATIENCE
        while missing := self.out_of_sync():
            if time.monotonic() > give_up:
                raise RuntimeError(f"{missing} replicas are not in sync")
            time.sleep(0.2)

    def ask(self, question: Callable[[Any], T]) -> T:
        """Ask the brokers as an administrator; ask again while none can answer."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            try:
                admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
                try:
                    return question(admin)
                finally:
                    admin.close()
            except (KafkaError, LookupError, StopIteration):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)

    def _configure(self) -> None:
        template = Template((FILES / "cluster.properties").read_text())
        voters = ",".join(f"{n.number}@127.0.0.1:{n.controller_port}" for n in self.nodes)
        for node in self.nodes:
            text = template.substitute(
                node=node.number,
                voters=voters,
                inside_port=node.inside_port,
                client_port=node.client_port,
                controller_port=node.controller_port,
                advertised=node.address,
                data=node.data,
            )
            (node.folder / "server.properties").write_text(text)

    def _format(self) -> None:
        """Format one node's disk with Kafka's tool, and the others as copies: java starts once."""
        first, *others = self.nodes
        config = f"--config={first.folder / 'server.properties'}"
        run([*java(), "kafka.tools.StorageTool", "format", f"--cluster-id={_uuid()}", config])
        properties = (first.data / "meta.properties").read_text().splitlines()
        kept = [line for line in properties if not line.startswith(("node.id=", "directory.id="))]
        for node in others:
            shutil.copytree(first.data, node.data)
            own = [f"node.id={node.number}", f"directory.id={_uuid()}"]
            (node.data / "meta.properties").write_text("\n".join([*kept, *own, ""]))
