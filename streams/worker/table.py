"""The household table: what is staged, what is written, and in which order.

Decisions are sent at once; the changelog follows only when the broker has them. So a state in the changelog whose last
offset is N means that every decision up to N is in the log, and a record that is delivered again can be skipped: it was
decided, and applied once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import faust

from detector.household.learning import skipped_sessions
from detector.household.state import HouseholdState
from streams.kafka.topics import INTENTS
from streams.telemetry import metrics
from streams.wire.state.marks import Mark, earlier_topic, partition_of
from streams.wire.state.packing import Stored, pack, unpack

__all__ = ["LARGEST_STATE", "Households", "without_what_is_open"]

logger = logging.getLogger(__name__)

#: Bytes of a packed household at most. Kafka takes a record of 1 MiB where nobody set another limit; the key needs room, too.
LARGEST_STATE = 900_000

#: Households whose state is kept decoded; decoding one takes about 50 microseconds.
_CACHED = 20_000
#: Seconds from one writing to the next; what a worker that was killed has decided and not written is decided once more, the same.
_EVERY = 0.1
#: Records between the stream and the changelog at most; beyond it the stream waits.
_STAGED = 5_000
#: States on the way to the broker at a time when all are written again.
_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class _Staged:
    """One record that was worked on: what it made of its household (``None``: nothing), and what must be in the log first."""

    event: Any
    sent: Sequence[Awaitable[Any]]
    stored: Stored | None


class Households:
    """The table with its staged states. ``run`` has to be running for anything to be written."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._decoded: OrderedDict[bytes, Stored] = OrderedDict()
        self._queue: asyncio.Queue[_Staged] = asyncio.Queue(_STAGED)
        #: Held while a record is worked on, from reading its household to staging it: an intent and an outcome of one
        #: household never see the same past, and a rebalance never cuts a record in two.
        self.working = asyncio.Lock()
        #: Records whose work has begun and records written; while they differ, something waits: for a topic to be there, or to be written.
        self.taken = 0
        self.written = 0
        #: Bytes of the table's keys and values; ``None`` where somebody else filled it since they were counted.
        self._bytes: int | None = None

    def get(self, household_id: str) -> Stored:
        """Return a household as the last record left it, whether that is written yet or not."""
        key = household_id.encode()
        found = self._decoded.get(key)
        if found is None:
            value = self._table.data.get(key)
            found = unpack(value) if value else Stored(state=HouseholdState.new(household_id))
            self._decoded[key] = found  # whoever asks stages it next
        return found

    async def stage(
        self, event: faust.EventT[Any], sent: Sequence[Awaitable[Any]], stored: Stored | None = None
    ) -> None:
        """Take a record's result over; the record is acknowledged when ``sent`` and the changelog are in the log."""
        if stored is not None:
            key = stored.state.household_id.encode()
            metrics.UNTAUGHT.inc(
                skipped_sessions(self.get(stored.state.household_id).state, stored.state)
            )
            self._decoded[key] = stored
            self._decoded.move_to_end(key)
        await self._queue.put(_Staged(event, sent, stored))

    async def run(self) -> None:
        """Write staged states for ever, everything that waits at a time.

        The first is written at once, those that follow a few times a second: of a household that says several things only the last
        state is, and an answer hardly ever waits behind a state on the way to the broker.
        """
        now, earliest = asyncio.get_running_loop().time, 0.0
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(earliest - now())
            earliest = now() + _EVERY
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)
            for _ in batch:
                self._queue.task_done()
            self.written += len(batch)
            while len(self._decoded) > _CACHED and self._queue.empty():
                self._decoded.popitem(last=False)

    def measure(self) -> tuple[int, int]:
        """Return how many households the table holds, and how many bytes their keys and values take.

        All are counted once after each rebalance; from then on only what is written changes the sum.
        """
        data = self._table.data
        if self._bytes is None:
            self._bytes = sum(len(key) + len(value) for key, value in data.items())
        return len(data), self._bytes

    def recount(self) -> None:
        """Count the table's bytes anew when they are asked for: a rebalance has filled or emptied it."""
        self._bytes = None

    def only_earlier(self, topic: str, partition: int, *, topic_id: str, partitions: int) -> bool:
        """Return whether a partition's households know records of an earlier topic of this name, and none of the one with this id."""
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
        """Wait until nothing is staged, and forget what was decoded: somebody else may write these households next."""
        async with self.working:
            await self._queue.join()
            self._decoded.clear()
            self.recount()

    async def write_again(self, partitions: int, ours: Collection[int]) -> int:
        """Write every state anew, to a changelog that was deleted and created again; return how many.

        Args:
            partitions: how many the changelog has.
            ours: those that are this worker's; what it still holds of others is older than what their owner has.
        """
        async with self.working:
            await self._queue.join()
            states = [
                (home, key, value)
                for key, value in self._table.data.items()
                if (home := partition_of(key, partitions)) in ours
            ]
            for begin in range(0, len(states), _AT_A_TIME):
                batch = states[begin : begin + _AT_A_TIME]
                await asyncio.gather(
                    *(
                        self._table.send_changelog(home, key, value, "raw", "raw")
                        for home, key, value in batch
                    )
                )
        return len(states)

    async def _write(self, batch: Sequence[_Staged]) -> None:
        await asyncio.gather(*(sent for staged in batch for sent in staged.sent))
        latest = {
            staged.stored.state.household_id.encode(): (
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
            written.append(self._table.send_changelog(partition, key, value, "raw", "raw"))
            await asyncio.sleep(0)  # whoever waits for an answer comes between two households
        await asyncio.gather(*written)
        for staged in batch:
            staged.event.ack()

    def _put(self, key: bytes, value: bytes) -> None:
        if self._bytes is not None:
            before = self._table.data.get(key)
            self._bytes += len(value) - len(before) if before is not None else len(key) + len(value)
        self._table.data[key] = value

    def _fitting(self, key: bytes, stored: Stored) -> bytes:
        """Pack a household so that the changelog takes it: what is too large forgets what is open, and is counted."""
        value = pack(stored)
        if len(value) <= LARGEST_STATE:
            return value
        metrics.STATES_CUT.inc()
        logger.error(
            "a household took %d bytes packed: its open sessions and questions were forgotten",
            len(value),
        )
        kept = without_what_is_open(stored)
        if self._decoded.get(key) is stored:
            self._decoded[key] = kept
        return pack(kept)


def without_what_is_open(stored: Stored) -> Stored:
    """Return a household with what it learned, without its sessions and questions; an answer to one of these confirms nothing."""
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
