"""The faults: each breaks one part of a scene, holds it broken and repairs it.

A fault yields the name of each step before it takes it, so that each step gets its own figures.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.earlier_version import EARLIER, checkout
from tests.storm.cluster import Node
from tests.storm.scene import SETTINGS, Scene, hung
from tests.storm.versions import EarlierWorker

__all__ = ["FAULTS", "Fault", "Steps"]

Steps = Iterator[str]
Fault = Callable[[Scene, random.Random], Steps]

#: Rolling restarts of the workers in one fault.
_RESTARTS = 3
#: Seconds for which a part stays away: longer than every timeout that should act on it.
_AWAY = 10.0


def calm(_: Scene, __: random.Random) -> Steps:
    """Break nothing, to compare with."""
    yield "none"
    time.sleep(_AWAY)


def _kill_broker(scene: Scene, node: Node, what: str = "") -> Steps:
    yield f"kill -9 of broker {node.number}{what}"
    node.signal(signal.SIGKILL)
    time.sleep(_AWAY)
    yield f"broker {node.number} starts again"
    node.start()
    node.wait_ready()
    scene.cluster.wait_whole()


def brokers_killed(scene: Scene, _: random.Random) -> Steps:
    """Kill each broker and start it again."""
    for node in scene.cluster.nodes:
        yield from _kill_broker(scene, node)


def controller_killed(scene: Scene, _: random.Random) -> Steps:
    """Kill the broker with the active controller and start it again."""
    yield from _kill_broker(scene, scene.cluster.controller(), ", the active controller")


def broker_hung(scene: Scene, chance: random.Random) -> Steps:
    """Suspend a broker."""
    node = chance.choice(scene.cluster.nodes)
    yield f"SIGSTOP of broker {node.number} for {_AWAY:.0f} s"
    assert node.process is not None
    with hung(node.process.pid):
        time.sleep(_AWAY)
    scene.cluster.wait_whole()


def broker_cut_off(scene: Scene, chance: random.Random) -> Steps:
    """Cut one broker off from all clients, but not from the other brokers."""
    node = chance.choice(scene.cluster.nodes)
    yield f"broker {node.number} cut off from its clients for {_AWAY:.0f} s"
    node.proxy.cut()
    time.sleep(_AWAY)
    node.proxy.heal()


def all_brokers_cut_off(scene: Scene, _: random.Random) -> Steps:
    """Cut all brokers off from all clients."""
    yield f"all brokers cut off for {_AWAY:.0f} s"
    for node in scene.cluster.nodes:
        node.proxy.cut()
    time.sleep(_AWAY)
    for node in scene.cluster.nodes:
        node.proxy.heal()


def brokers_restarted(scene: Scene, _: random.Random) -> Steps:
    """Restart the brokers one after another, as for an upgrade."""
    yield "rolling restart of the brokers"
    for node in scene.cluster.nodes:
        node.leave()
        node.start()
        node.wait_ready()
        scene.cluster.wait_whole()


def disk_full(scene: Scene, _: random.Random) -> Steps:
    """Fill the disk of broker 3, if it has a small one of its own; the broker stops."""
    node = scene.cluster.nodes[2]
    if not node.data.parent.is_mount():
        raise LookupError("a small disk needs the right to mount one (root)")
    yield "disk of broker 3 full"
    filling = node.data.parent / "filling"
    _fill(filling)
    assert node.process is not None
    node.process.wait(60)
    time.sleep(_AWAY)
    yield "broker 3 starts again with room on its disk"
    filling.unlink()
    node.start()
    node.wait_ready()
    scene.cluster.wait_whole()


def _fill(filling: Path) -> None:
    """Write until the disk is full; Kafka would take days."""
    with filling.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            return


def worker_killed(scene: Scene, chance: random.Random) -> Steps:
    """Kill a worker and start it again."""
    worker = chance.choice(scene.workers)
    yield "kill -9 of a worker"
    worker.kill()
    time.sleep(_AWAY)
    yield "the killed worker starts again"
    worker.__enter__()
    worker.wait_ready()


def worker_leaves(scene: Scene, chance: random.Random) -> Steps:
    """Stop a worker with SIGTERM and start it again."""
    worker = chance.choice(scene.workers)
    yield "a worker leaves (SIGTERM)"
    worker.process.terminate()
    time.sleep(_AWAY)
    worker.process.kill()
    worker.process.wait()
    yield "a worker joins"
    worker.__enter__()
    worker.wait_ready()


def worker_hung(scene: Scene, chance: random.Random) -> Steps:
    """Suspend a worker until another one has its households, and let it go on."""
    worker = chance.choice(scene.workers)
    yield f"SIGSTOP of a worker for {_AWAY:.0f} s"
    with hung(worker.process.pid):
        time.sleep(_AWAY)


def gateway_killed(scene: Scene, chance: random.Random) -> Steps:
    """Kill a gateway and start it again."""
    number = chance.randrange(len(scene.gateways))
    yield "kill -9 of one of two gateways for 5 s"
    scene.kill_gateway(number)
    time.sleep(_AWAY / 2)
    scene.start_gateway(number)


def gateway_hung(scene: Scene, chance: random.Random) -> Steps:
    """Suspend a gateway."""
    gateway = chance.choice(scene.gateways)
    yield "SIGSTOP of one of two gateways for 5 s"
    with hung(gateway.pid):
        time.sleep(_AWAY / 2)


def services_restarted(scene: Scene, _: random.Random) -> Steps:
    """Restart workers and gateways one after another, as for an upgrade."""
    for number in range(1, _RESTARTS + 1):
        yield f"rolling restart {number} of the workers"
        for worker in scene.workers:
            worker.restart(scene.bundle)
            worker.wait_ready()
    yield "rolling restart of the gateways"
    for number in range(len(scene.gateways)):
        scene.start_gateway(number)


def versions_mixed(scene: Scene, _: random.Random) -> Steps:
    """Upgrade and downgrade one of two workers under load; each takes over the other's states."""
    code = checkout(scene.folder, "detector", "streams")
    present, other = scene.workers
    yield f"a worker of {EARLIER} replaces one of two"
    other.__exit__(None, None, None)
    earlier = EarlierWorker(code, scene.cluster, scene.bundle, scene.next_log(), **SETTINGS)
    with earlier:
        earlier.wait_ready()
        time.sleep(_AWAY / 2)
        yield f"kill -9 of the present worker: {EARLIER} has all households"
        present.kill()
        time.sleep(_AWAY / 2)
        yield "the present worker comes back"
        present.__enter__()
        present.wait_ready()
        time.sleep(_AWAY / 2)
        yield f"kill -9 of the worker of {EARLIER}"
        earlier.kill()
        time.sleep(_AWAY / 2)
    yield "the second present worker comes back"
    other.__enter__()
    other.wait_ready()


def broker_and_worker_killed(scene: Scene, chance: random.Random) -> Steps:
    """Kill a worker and a broker at the same time and start both again."""
    node, worker = chance.choice(scene.cluster.nodes), chance.choice(scene.workers)
    broker = _kill_broker(scene, node, " and of a worker")
    yield next(broker)
    worker.kill()
    yield from broker
    yield "the killed worker starts again"
    worker.__enter__()
    worker.wait_ready()


FAULTS: Mapping[str, Fault] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        calm,
        worker_killed,
        worker_leaves,
        worker_hung,
        gateway_killed,
        gateway_hung,
        services_restarted,
        brokers_killed,
        controller_killed,
        broker_hung,
        broker_cut_off,
        all_brokers_cut_off,
        brokers_restarted,
        disk_full,
        versions_mixed,
        broker_and_worker_killed,
    )
}
