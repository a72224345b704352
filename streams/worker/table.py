"""The household table: stages states and writes them to the changelog in the right order.

Decisions are sent at once; a state is written to the changelog only after the broker has its
decisions. If a state's last offset is N, every decision up to N is in the log. A record that is
delivered again can therefore be skipped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import faust

from detector.household.learning import skipped_sessions
from detector.household.state import HouseholdState
from streams.kafka.topics import INTENTS
from streams.telemetry import metrics
from streams.wire.state.marks import Mark, earlier_topic, partition_of
from streams.wire.state.packing import LEVEL, Packer, Stored, unpack
from streams.wire.state.progress import progress_of

__all__ = ["LARGEST_STATE", "MOST_DECODED", "Households", "without_open_state"]

logger = logging.getLogger(__name__)

#: Largest packed household in bytes. Kafka's default limit is 1 MiB for the whole record.
LARGEST_STATE = 900_000

#: Households whose decoded state is cached: at a worker's 80 events per second, those of the last
#: minute, so that a conversation is decoded once. One takes 50 KiB (``misfire bench recovery``),
#: and decoding it 0.1 to 0.3 ms.
MOST_DECODED = 5_000
#: Seconds between writes. After a crash, decisions that were not written are made again, with the
#: same result.
_EVERY = 0.1
#: Largest number of staged records; when it is reached, the stream waits.
_STAGED = 5_000
#: Most households in one write. A write ends with acknowledgements, so it must not take long:
#: answers go first after each state, and a worker that writes nothing for 30 s is stopped.
_AT_ONCE = 100
#: States sent concurrently when all are written again.
_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class _Staged:
    """A handled record: its new state (``None``: unchanged), and the sends to finish first."""

    event: Any
    sent: Sequence[asyncio.Future[Any]]
    stored: Stored | None

    @property
    def household_id(self) -> str:
        """The household whose state changed; empty if none did."""
        return "" if self.stored is None else self.stored.state.household_id


class Households:
    """The table and its staged states. ``run`` must be running to write them."""

    def __init__(self, table: Any) -> None:
        self._table = table
        #: By latest use. A state that is not written yet is in no other place.
        self._decoded: OrderedDict[bytes, Stored] = OrderedDict()
        #: How many states of each household are staged and not written.
        self._unwritten: Counter[bytes] = Counter()
        self._queue: asyncio.Queue[_Staged] = asyncio.Queue(_STAGED)
        #: Held while a record is handled, from reading its household to staging it. The two agents
        #: never start from the same state, and a rebalance never interrupts a record.
        self.working = asyncio.Lock()
        #: Counts of records taken and written. While they differ, records wait to be handled or
        #: written.
        self.taken = 0
        self.written = 0
        #: Bytes of the table's keys and values; ``None`` after a rebalance, until they are counted.
        self._bytes: int | None = None
        self._packer = Packer(LEVEL)

    def get(self, household_id: str) -> Stored:
        """Return the household's current state, written or not."""
        key = household_id.encode()
        found = self._decoded.get(key)
        if found is None:
            value = self._table.data.get(key)
            found = unpack(value) if value else Stored(state=HouseholdState.new(household_id))
            self._decoded[key] = found  # the caller stages it next
        return found

    async def stage(
        self,
        event: faust.EventT[Any],
        sent: Sequence[asyncio.Future[Any]],
        stored: Stored | None = None,
    ) -> None:
        """Stage a record's result; it is acknowledged once ``sent`` and the state are written."""
        if stored is not None:
            key = stored.state.household_id.encode()
            metrics.UNTAUGHT.inc(
                skipped_sessions(self.get(stored.state.household_id).state, stored.state)
            )
            self._decoded[key] = stored
            self._decoded.move_to_end(key)
            self._unwritten[key] += 1
        await self._queue.put(_Staged(event, sent, stored))

    async def run(self) -> None:
        """Write staged states in batches, forever.

        The first batch is written at once, later ones every 0.1 s, or at once if more waits than
        one batch takes. Only the last state of a household in a batch is written, and answers
        rarely wait behind states.
        """
        now, earliest = asyncio.get_running_loop().time, 0.0
        while True:
            first = await self._queue.get()
            await asyncio.sleep(earliest - now())
            batch = self._batch(first)
            earliest = now() + (_EVERY if self._queue.empty() else 0.0)
            await self._write(batch)
            for staged in batch:
                self._queue.task_done()
                if staged.stored is not None:
                    self._is_written(staged.household_id.encode())
            self.written += len(batch)
            self._evict()

    def _batch(self, first: _Staged) -> list[_Staged]:
        """Return the first staged record and those that wait, of ``_AT_ONCE`` households."""
        batch, households = [first], {first.household_id}
        while not self._queue.empty() and len(households) < _AT_ONCE:
            batch.append(self._queue.get_nowait())
            households.add(batch[-1].household_id)
        return batch

    def measure(self) -> tuple[int, int]:
        """Return the number of households and the size of their keys and values in bytes.

        The size is counted after each rebalance and then updated with each write.
        """
        data = self._table.data
        if self._bytes is None:
            self._bytes = sum(len(key) + len(value) for key, value in data.items())
        return len(data), self._bytes

    def recount(self) -> None:
        """Count the size again at the next ``measure``: a rebalance has changed the table."""
        self._bytes = None

    def only_earlier(self, topic: str, partition: int, *, topic_id: str, partitions: int) -> bool:
        """Return whether a partition's households have only marks of an earlier topic."""
        begins, earlier = Mark(topic_id, partition, 0), False
        for key, value in self._table.data.items():
            if partition_of(key, partitions) != partition:
                continue
            stored = unpack(value)
            marks = stored.intents if topic == INTENTS else stored.outcomes
            if earlier_topic(marks, begins):
                earlier = True
            elif marks:
                return False
        return earlier

    async def drain(self) -> None:
        """Wait until all is written, and clear the cache: the households may move."""
        async with self.working:
            await self._queue.join()
            self._decoded.clear()
            self.recount()

    async def write_again(self, partitions: int, ours: Collection[int]) -> int:
        """Write every state again, to a recreated changelog; return their number.

        Args:
            partitions: the number of partitions of the changelog.
            ours: the partitions that this worker owns; its states of others are outdated.
        """
        return await self._write_again(list(self._table.data), partitions, ours)

    async def end_recovery(self, partitions: int, ours: Collection[int]) -> int:
        """Write the latest state of each household whose last record is an older one, again.

        The arguments are those of ``write_again``.
        """
        return await self._write_again(self._table.end_recovery(), partitions, ours)

    async def _write_again(
        self, keys: Collection[bytes], partitions: int, ours: Collection[int]
    ) -> int:
        async with self.working:
            await self._queue.join()
            states = [
                (home, key, value)
                for key in keys
                if (value := self._table.data.get(key)) is not None
                and (home := partition_of(key, partitions)) in ours
            ]
            for begin in range(0, len(states), _AT_A_TIME):
                batch = states[begin : begin + _AT_A_TIME]
                await _acknowledged(
                    [
                        await self._table.send_state(home, key, value, progress_of(unpack(value)))
                        for home, key, value in batch
                    ]
                )
        return len(states)

    async def _write(self, batch: Sequence[_Staged]) -> None:
        await _acknowledged(sent for staged in batch for sent in staged.sent)
        latest = {
            staged.household_id.encode(): (
                staged.event.message.partition,
                staged.stored,
            )
            for staged in batch
            if staged.stored is not None
        }
        written = []
        for key, (partition, stored) in latest.items():
            value = self._fitting(key, stored)
            self._put(key, value)
            written.append(await self._table.send_state(partition, key, value, progress_of(stored)))
            await asyncio.sleep(0)  # let answers go first
        await _acknowledged(written)
        for staged in batch:
            staged.event.ack()

    def _is_written(self, key: bytes) -> None:
        self._unwritten[key] -= 1
        if not self._unwritten[key]:
            del self._unwritten[key]

    def _evict(self) -> None:
        """Evict the households that were used longest ago, except for unwritten ones."""
        while len(self._decoded) > MOST_DECODED:
            oldest = next(iter(self._decoded))
            if oldest in self._unwritten:
                break  # the others were staged later
            del self._decoded[oldest]

    def _put(self, key: bytes, value: bytes) -> None:
        if self._bytes is not None:
            before = self._table.data.get(key)
            self._bytes += len(value) - len(before) if before is not None else len(key) + len(value)
        self._table.data[key] = value

    def _fitting(self, key: bytes, stored: Stored) -> bytes:
        """Pack a household within ``LARGEST_STATE``; if it is too large, drop its open state."""
        value = self._packer.pack(stored)
        if len(value) <= LARGEST_STATE:
            return value
        metrics.STATES_CUT.inc()
        logger.error(
            "a household's state of %d bytes is too large;"
            " its open sessions and questions were dropped",
            len(value),
        )
        kept = without_open_state(stored)
        if self._decoded.get(key) is stored:
            self._decoded[key] = kept
        return self._packer.pack(kept)


async def _acknowledged(sent: Iterable[asyncio.Future[Any]]) -> None:
    """Wait until the broker has acknowledged what was sent.

    Records of one batch have one future (``streams/kafka/delivery.py``). It is not cancelled with
    its waiter, as by ``gather``: others wait for it, too.

    Raises:
        KafkaError: a record was not stored.
    """
    waiting = set(sent)
    if waiting:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()


def without_open_state(stored: Stored) -> Stored:
    """Return a household without its sessions and questions; what it learned is kept."""
    bare = HouseholdState.new(stored.state.household_id)
    state = replace(
        stored.state,
        sessions=bare.sessions,
        pending=bare.pending,
        early=bare.early,
        recent=bare.recent,
        questions=bare.questions,
        fingerprints=bare.fingerprints,
    )
    return replace(stored, state=state)
