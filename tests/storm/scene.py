"""What the faults act on: three brokers, workers, gateways and the load."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streams.kafka.connection import Brokers
from streams.kafka.topics import admin, create_topics
from tests.integration.installation import Gateway
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import PARTITIONS, Worker
from tests.storm.cluster import Cluster
from tests.storm.load import Load

__all__ = ["SETTINGS", "Scene", "Setting", "hung", "staged", "waited"]

#: A worker that the coordinator has not heard of for two seconds loses its partitions, as
#: streams/operations/brokers.md recommends for three brokers.
SETTINGS = {"MISFIRE_SESSION_TIMEOUT": "2", "MISFIRE_FETCH_MAX_WAIT": "0.1"}


@dataclass(frozen=True, slots=True)
class Setting:
    """The load: calls per second, their deadline, and a prefix of all ids."""

    rate: float
    deadline_ms: int
    run: str


@dataclass
class Scene:
    """The running parts. ``kills`` are the times at which each gateway was killed."""

    cluster: Cluster
    workers: list[Worker]
    gateways: list[Gateway]
    load: Load
    bundle: Path
    folder: Path
    kills: list[tuple[int, float]] = field(default_factory=list)

    def another_worker(self) -> Worker:
        """Return a further worker that is not started yet."""
        return Worker(self.cluster, self.bundle, self.next_log(), **SETTINGS)

    def next_log(self) -> Path:
        """Return a new file for the log of a worker."""
        log = self.folder / f"worker-{sum(1 for _ in self.folder.glob('worker-*.log'))}.log"
        log.touch()
        return log

    def kill_gateway(self, number: int) -> None:
        """Kill a gateway with SIGKILL."""
        self.kills.append((number, time.monotonic()))
        self.gateways[number].kill()

    def start_gateway(self, number: int) -> None:
        """Start a gateway again, at its address."""
        self.gateways[number].start(self.bundle, **SETTINGS)

    def quiet(self, seconds: float = 3.0, limit: float = 60.0) -> bool:
        """Wait until workers alone have answered for some seconds; return whether they did."""
        return waited(lambda: self._answered_by_workers(seconds), limit)

    def _answered_by_workers(self, seconds: float) -> bool:
        calls = self.load.since(time.monotonic() - seconds)
        return bool(calls) and all(call.answered_by_worker for call in calls)


def waited(true: Callable[[], bool], limit: float, every: float = 0.1) -> bool:
    """Wait until a condition holds; return whether it did within ``limit`` seconds."""
    give_up = time.monotonic() + limit
    while not true():
        if time.monotonic() > give_up:
            return False
        time.sleep(every)
    return True


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """Suspend a process group: it neither exits nor closes a connection."""
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


@contextmanager
def staged(cluster: Cluster, folder: Path, setting: Setting) -> Iterator[Scene]:
    """Run two workers and two gateways under load on a cluster."""
    _, bundle = bundle_on_disk(folder)
    client = admin(Brokers(cluster.bootstrap))
    create_topics(client, PARTITIONS, replication=3)
    client.close()
    gateways = [Gateway(cluster, folder / f"gateway-{number}.log") for number in range(2)]
    urls = [gateway.url for gateway in gateways]
    load = Load(urls, rate=setting.rate, deadline_ms=setting.deadline_ms, run=setting.run)
    scene = Scene(cluster, [], gateways, load, bundle, folder)
    with ExitStack() as stack:
        for number in range(2):
            stack.callback(gateways[number].stop)
            scene.start_gateway(number)
        for _ in range(2):
            scene.workers.append(stack.enter_context(scene.another_worker()))
        for worker in scene.workers:
            worker.wait_ready()
        with load:
            scene.quiet()
            yield scene
