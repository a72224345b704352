"""Runs broker, worker and gateway as child processes, for the demo, replays and benchmarks."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from streams.errors import DependencyUnavailable
from streams.files.certificates import verification
from streams.kafka.connection import Brokers
from streams.kafka.topics import admin, create_topics, keeps_producer_time
from streams.local.embedded_broker import EMBEDDED_FETCH_MAX_WAIT, EmbeddedBroker
from streams.local.processes import free_port, start, stop

__all__ = ["Stack"]

_READY_TIMEOUT = 60.0
#: Seconds until the embedded broker evicts a silent worker. It delays a join by half of that.
_EMBEDDED_SESSION_TIMEOUT = 3.0


def _ready(url: str) -> bool:
    try:
        return _get(url, 1.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _get(url: str, seconds: float) -> httpx.Response:
    return httpx.get(f"{url}/readyz", timeout=seconds, verify=verification(url))


def _is_connected(url: str) -> bool:
    """Whether a gateway is connected to Kafka.

    Without workers it never becomes ready, and some benchmarks start none.
    """
    try:
        return "kafka" not in _get(url, 2.0).json()["missing"]
    except (httpx.HTTPError, ValueError, LookupError):
        return False


class Stack:
    """A broker with its topics, and a worker and a gateway on request.

    The end of the ``with`` block stops every process and deletes every file.

    Args:
        bundle: directory of the bundle.
        broker: address of a running Kafka; ``None`` starts the embedded broker.
        partitions: partitions of topics that are created.
        producer_time: whether records keep their producers' timestamps, which old streams need.
        topics: whether to create missing topics; ``False`` if no broker listens at the address.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        broker: str | None = None,
        partitions: int = 8,
        producer_time: bool = False,
        topics: bool = True,
    ) -> None:
        self.bundle = bundle
        self.bootstrap = broker or ""
        self.partitions = partitions
        self.created: list[str] = []
        self.worker: subprocess.Popen[bytes] | None = None
        self.worker_url = f"http://127.0.0.1:{free_port()}"
        self.gateway_url = f"http://127.0.0.1:{free_port()}"
        #: The embedded broker's process.
        self.broker_pid: int | None = None
        self._embedded = broker is None
        #: The key for proofs of confirmations; the worker reads it from a file.
        self.confirmation_key = secrets.token_hex(32).encode()
        #: The embedded broker does not timestamp records.
        self.producer_time = producer_time or self._embedded
        self._topics = topics
        self._logs: dict[int, tuple[str, Path]] = {}
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="misfire-")))
        try:
            if self._embedded:
                broker = self._exit.enter_context(EmbeddedBroker())
                self.bootstrap = broker.bootstrap
                self.broker_pid = broker.process.pid if broker.process else None
            if self._topics:
                client = admin(self.brokers)
                self.created = create_topics(
                    client, self.partitions, producer_time=self.producer_time
                )
                if self.producer_time:
                    keeps_producer_time(client)
                client.close()
        except BaseException:
            self._exit.close()
            raise
        return self

    @property
    def brokers(self) -> Brokers:
        """The broker's address and options for clients."""
        return Brokers(self.bootstrap)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()

    def start_worker(self, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it has its partitions and has recovered its table."""
        self.worker = self.start_part("worker", self.worker_url)
        if wait:
            self.wait_ready(self.worker_url, self.worker)
        return self.worker

    def start_gateway(self) -> subprocess.Popen[bytes]:
        """Start a gateway and wait until it is connected to Kafka."""
        process = self.start_part("gateway", self.gateway_url)
        self.wait_ready(self.gateway_url, process, _is_connected)
        return process

    def kill_worker(self) -> None:
        """Kill the worker with SIGKILL, as the kernel does when memory runs out."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()

    def wait_ready(
        self,
        url: str,
        process: subprocess.Popen[bytes],
        ready: Callable[[str], bool] = _ready,
        seconds: float = _READY_TIMEOUT,
    ) -> None:
        """Wait until ``ready(url)`` holds, for at most ``seconds``.

        Raises:
            DependencyUnavailable: the process ended or was not ready in time; the message ends
                with the last line of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                part, log = self._logs[process.pid]
                output = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                raise DependencyUnavailable(
                    f"the {part} did not become ready: {''.join(output) or 'it wrote no output'}"
                )
            time.sleep(0.05)

    def start_part(
        self, part: str, url: str, *, broker: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a ``worker`` or ``gateway`` at an address, on the stack's broker or another one."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MISFIRE_")
        }
        # A stack serves demos and measurements only, so it accepts any bundle.
        environment["MISFIRE_ALLOW_UNREADY"] = "true"
        environment["MISFIRE_PARTITIONS"] = str(self.partitions)
        environment["MISFIRE_PRODUCER_TIME"] = str(self.producer_time).lower()
        # Faust creates a data folder there, although its tables are in memory.
        environment["TMPDIR"] = str(self.folder)
        if self._embedded:
            environment["MISFIRE_FETCH_MAX_WAIT"] = str(EMBEDDED_FETCH_MAX_WAIT)
            environment["MISFIRE_SESSION_TIMEOUT"] = str(_EMBEDDED_SESSION_TIMEOUT)
        if part == "worker":
            environment["MISFIRE_CONFIRMATION_KEY_FILE"] = str(self._key_file())
        port = url.rpartition(":")[2]
        command = [
            sys.executable,
            "-m",
            "streams.cli",
            part,
            "--broker",
            broker or self.bootstrap,
            "--bundle",
            str(self.bundle),
            "--port",
            port,
        ]
        log = self.folder / f"{part}-{port}.log"
        process = start(command, log=log, environment=environment)
        self._exit.callback(stop, process)
        self._logs[process.pid] = (part, log)
        return process

    def _key_file(self) -> Path:
        file = self.folder / "confirmation.key"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(self.confirmation_key)
        return file
