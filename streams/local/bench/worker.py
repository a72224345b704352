"""The worker's throughput, beside an empty Faust agent with a table over the same records.

Both read the same backlog from the same broker, one after the other. CPU time is that of the
measured process alone, from the first result to the last.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from detector.contracts.events import IntentEvent
from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.topics import DECISIONS, INTENTS, admin
from streams.local.bench.cpu import cpu_seconds
from streams.local.processes import start, stop
from streams.local.stack import Stack
from streams.operations.replay import refuse_used, send_events

__all__ = ["Throughput", "WorkerBench", "bench_worker"]

#: The changelog of the empty agent's table.
_CHANGELOG = "misfire-bench.table-changelog"
_LOOK_AGAIN = 0.05
#: Seconds for which a fetch of the empty agent waits for data.
_FETCH_MAX_WAIT = "0.5"
#: Seconds without a result after which a process counts as stuck.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one process did with the backlog, from its first result to its last."""

    name: str
    per_second: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class WorkerBench:
    """The results of the benchmark; ``share`` is the worker's throughput over the empty agent's."""

    events: int
    load_average: float
    worker: Throughput
    empty: Throughput
    share: float


def bench_worker(
    events: Sequence[IntentEvent],
    bundle: Path,
    *,
    broker: str,
    note: Callable[[str], None],
) -> WorkerBench:
    """Send ``events`` once, and let the empty agent and then the worker process them.

    Raises:
        UsageError: the broker is not empty or refuses the events, or there are too few of them.
        DependencyUnavailable: the agent or the worker stopped.
    """
    load_average = os.getloadavg()[0]
    with Stack(bundle, broker=broker, producer_time=True) as stack:
        refuse_used(stack.brokers)
        send_events(stack.brokers, events)
        with _empty_agent(stack) as pid:
            empty = _measured("empty Faust agent", stack.brokers, _CHANGELOG, pid, len(events))
        note(f"an empty Faust agent with a table: {empty.per_second:,.0f} records a second")
        process = stack.start_worker(wait=False)
        worker = _measured("worker", stack.brokers, DECISIONS, process.pid, len(events))
    return WorkerBench(
        len(events),
        round(load_average, 2),
        worker,
        empty,
        round(worker.per_second / empty.per_second, 2),
    )


def _measured(name: str, brokers: Brokers, topic: str, pid: int, events: int) -> Throughput:
    """Wait until a topic has as many records as there are events."""
    consumer = KafkaConsumer(**brokers.options, group_id=None)
    partitions = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic)]
    first: tuple[float, float, int] | None = None
    done, last = 0, time.monotonic()
    while done < events:
        found = sum(consumer.end_offsets(partitions).values())
        now = time.monotonic()
        if found > done:
            done, last = found, now
            if first is None:
                first = (now, cpu_seconds({name: pid})[name], found)
        elif first is not None and now - last > _PATIENCE:
            raise DependencyUnavailable(
                f"the {name} stopped after {done:,} of {events:,} records; use another broker"
            )
        time.sleep(_LOOK_AGAIN)
    consumer.close()
    if first is None or done == first[2]:
        raise UsageError("the backlog was finished at once; use more events")
    began, cpu, before = first
    count = done - before
    return Throughput(
        name,
        round(count / (last - began), 1),
        round(1e6 * (cpu_seconds({name: pid})[name] - cpu) / count, 1),
    )


@contextmanager
def _empty_agent(stack: Stack) -> Iterator[int]:
    """Run the empty agent on the topic of intents; yield its process id."""
    client = admin(stack.brokers)
    client.create_topics([NewTopic(_CHANGELOG, stack.partitions, 1)])
    command = [sys.executable, "-m", "streams.local.bench.echo", "table", stack.bootstrap]
    process = start(
        [*command, _FETCH_MAX_WAIT, INTENTS, _CHANGELOG], log=stack.folder / "empty-agent.log"
    )
    try:
        yield process.pid
    finally:
        stop(process)
        client.delete_topics([_CHANGELOG])
        client.close()
