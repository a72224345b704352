"""``misfire bench recovery``: memory of a worker for many households, and recovery of their table.

The changelog of an empty broker is filled with the states of more and more households. For each
number, a worker starts, recovers the table, and handles one event of each of the first households.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from detector.contracts.events import Act, IntentEvent
from detector.progress import Progress, silent
from streams.errors import DependencyUnavailable, UsageError
from streams.files.bundles import read_bundle
from streams.kafka.connection import Brokers
from streams.kafka.topics import HOUSEHOLDS
from streams.local.bench.cpu import cpu_seconds
from streams.local.bench.many_households import household_id, packed_households, packed_states
from streams.local.bench.watching import memory_mib, metric
from streams.local.processes import stop
from streams.local.stack import Stack
from streams.operations.replay import refuse_used, send_events
from streams.wire.state.marks import partition_of

__all__ = ["RecoveryRow", "bench_recovery"]

#: Seconds until a worker must be ready, and until it must have handled the events.
_READY_SECONDS, _HANDLED_SECONDS = 900.0, 900.0


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """A worker with a number of households.

    Attributes:
        records: records in the changelog.
        changelog_mib: keys and values in the changelog, uncompressed by Kafka.
        start_seconds: from the start of the process until it is ready.
        recovery_seconds: from the start of the app to the recovered table, as the worker reports.
        cpu_seconds: CPU time of the process until it is ready.
        ready_mib: resident memory when ready.
        worked: events handled then, one of each household.
        worked_mib: resident memory afterwards.
        peak_mib: the most resident memory so far.
    """

    households: int
    records: int
    changelog_mib: float
    start_seconds: float
    recovery_seconds: float
    cpu_seconds: float
    ready_mib: float
    worked: int
    worked_mib: float
    peak_mib: float


def bench_recovery(
    bundle: Path,
    *,
    broker: str | None,
    households: Sequence[int],
    versions: int,
    worked: int,
    simulated: int,
    note: Callable[[str], None],
    progress: Progress = silent,
) -> list[RecoveryRow]:
    """Measure a worker with each number of households, in ascending order.

    Args:
        bundle: directory of the bundle.
        broker: address of an empty Kafka; ``None`` starts the embedded broker.
        households: numbers of households.
        versions: records of each household in the changelog; more than one if the broker has not
            compacted them yet.
        worked: households that send an event after the recovery, at most.
        simulated: households that are simulated; the others are copies with other ids.
        note: called with a sentence about each step.
        progress: called with (stage, done, total).

    Raises:
        UsageError: the broker has records already.
        DependencyUnavailable: a worker did not become ready.
    """
    states = packed_states(simulated, read_bundle(bundle), progress=progress)
    rows, written, size = [], 0, 0
    with Stack(bundle, broker=broker) as stack:
        refuse_used(stack.brokers)
        _refuse_states(stack.brokers)
        for number in sorted(households):
            entries = islice(packed_households(states, number), written, None)
            size += _fill(stack, entries, versions, progress, number - written)
            written = number
            note(f"{number:,} households are in the changelog; starting a worker")
            rows.append(_measured(stack, number, versions * number, size, worked))
    return rows


def _measured(stack: Stack, number: int, records: int, size: int, worked: int) -> RecoveryRow:
    began = time.monotonic()
    process = stack.start_worker(wait=False)
    try:
        stack.wait_ready(stack.worker_url, process, seconds=_READY_SECONDS)
        took = time.monotonic() - began
        used = cpu_seconds({"worker": process.pid})["worker"]
        ready, _ = memory_mib(process.pid)
        recovery = metric(stack.worker_url, "misfire_recovery_seconds")
        handled = min(worked, number)
        send_events(stack.brokers, [_event(each, number) for each in range(handled)])
        _until_handled(stack.worker_url, handled)
        after, peak = memory_mib(process.pid)
    finally:
        stop(process)
    return RecoveryRow(
        households=number,
        records=records,
        changelog_mib=round(size / 2**20, 1),
        start_seconds=round(took, 2),
        recovery_seconds=round(recovery, 2),
        cpu_seconds=round(used, 2),
        ready_mib=ready,
        worked=handled,
        worked_mib=after,
        peak_mib=peak,
    )


def _fill(
    stack: Stack,
    entries: Iterator[tuple[bytes, bytes]],
    versions: int,
    progress: Progress,
    total: int,
) -> int:
    """Write each state ``versions`` times; return the bytes of keys and values."""
    producer = KafkaProducer(**stack.brokers.options, linger_ms=20, batch_size=500_000)
    size = 0
    for number, (key, value) in enumerate(entries):
        for _ in range(versions):
            producer.send(HOUSEHOLDS, value, key=key, partition=partition_of(key, stack.partitions))
        size += versions * (len(key) + len(value))
        if number % 500 == 0:
            progress("filling the changelog", number, total)
    producer.flush()
    producer.close()
    progress("filling the changelog", total, total)
    return size


def _refuse_states(brokers: Brokers) -> None:
    consumer = KafkaConsumer(**brokers.options, group_id=None)
    found = [
        TopicPartition(HOUSEHOLDS, each) for each in consumer.partitions_for_topic(HOUSEHOLDS) or ()
    ]
    records = sum(consumer.end_offsets(found).values()) if found else 0
    consumer.close()
    if records:
        raise UsageError(
            f"{HOUSEHOLDS} on {brokers} contains {records} records; use an empty Kafka"
        )


def _event(number: int, run: int) -> IntentEvent:
    return IntentEvent(
        event_id=f"e{run}-{number}",
        time=datetime.now(UTC),
        household_id=household_id(number),
        device_id="d1",
        session_id=f"s{run}-{number}",
        intent="lights.TurnOn",
        act=Act.INITIATE,
        commits=True,
    )


def _until_handled(url: str, events: int) -> None:
    give_up = time.monotonic() + _HANDLED_SECONDS
    while metric(url, "misfire_events_total") < events:
        if time.monotonic() > give_up:
            raise DependencyUnavailable("the worker did not handle the events in time")
        time.sleep(0.5)
