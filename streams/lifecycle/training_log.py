"""Reads the training data from the log: meant events of a sample of households, in bounded memory.

Intents are read first, one partition after the other. Then decisions, outcomes and labels say which
commands were meant; they are at least as recent as the intents. Records of households that are not
in the sample are not decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from detector.contracts.events import IntentEvent
from detector.decision.training_report import FromLog
from detector.evaluation.truth import Truth
from detector.household.conversations import with_conversations
from detector.policy.policy import Conversations
from detector.progress import Progress, silent
from detector.training.household_sample import HouseholdSample
from streams.errors import UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reading import TopicRecord, read_topic
from streams.kafka.topics import DECISIONS, INTENTS, LABELS, OUTCOMES
from streams.lifecycle.doubtful import Doubtful
from streams.lifecycle.log_items import Erased, read_item, sources_of

__all__ = ["LogReader", "TrainingLog", "meant_events", "read_training_log"]

_REPORT_EVERY = 1_000
#: What a left-out conversation is called in the report.
_LEFT_OUT = {
    Truth.MISFIRE: "conversations with a misfire",
    Truth.UNSEEN: "conversations with a stopped command that was never seen to run",
}


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """Training data in order of the log's time, and how it was selected."""

    events: list[IntentEvent]
    log: FromLog


@dataclass(slots=True)
class LogReader:
    """Takes the intents of a log, partition by partition.

    Attributes:
        sample: the households that are kept.
        partitions: number of partitions of the topic.
        counts: numbers for the training report.
    """

    sample: HouseholdSample[IntentEvent]
    partitions: int
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, records: Iterable[TopicRecord]) -> None:
        """Take the intents of one partition."""
        seen: set[int] = set()
        for held in records:
            if held.key is None:
                continue  # a probe
            household = _name(held.key)
            rank = self.sample.rank(household)
            self.counts["events in the log"] += 1
            seen.add(rank)
            if not self.sample.wants(rank):
                self.counts["events of households outside the sample"] += 1
                continue
            self._take(held, household, rank)
        self.counts["households in the log"] += len(seen)

    def wants(self, key: bytes | None) -> bool:
        """Return whether a record's household is in the sample so far."""
        return key is not None and self.sample.wants(self.sample.rank(_name(key)))

    def _take(self, held: TopicRecord, household: str, rank: int) -> None:
        item = read_item(held, partitions=self.partitions)
        if isinstance(item.value, IntentEvent):
            # The log's time replaces the device's, which may be wrong; the zone of the home stays.
            time = datetime.fromtimestamp(held.timestamp, item.value.time.tzinfo)
            self.sample.add(household, rank, replace(item.value, time=time))
        elif isinstance(item.value, Erased):
            self.counts["erased households"] += 1
            self.counts["events of erased households"] += self.sample.forget(household)
        else:
            self.counts["records that are no events"] += 1


def _name(key: bytes) -> str:
    return key.decode("utf-8", "replace")


def meant_events(
    sample: HouseholdSample[IntentEvent], doubtful: Doubtful, counts: Counter[str]
) -> list[IntentEvent]:
    """Return the sampled events without conversations that contain a doubtful command.

    The events are in order of time. What is left out is added to ``counts``.
    """
    kept: list[IntentEvent] = []
    for household, events in sample.households():
        before = len(kept)
        kept += _meant(household, events, doubtful, counts)
        counts["households used"] += len(kept) > before
    counts["events used"] += len(kept)
    kept.sort(key=lambda event: (event.seconds, event.household_id))
    return kept


def _meant(
    household: str, events: list[IntentEvent], doubtful: Doubtful, counts: Counter[str]
) -> Iterator[IntentEvent]:
    first = {event.event_id: event for event in reversed(events)}
    counts["repeated events"] += len(events) - len(first)
    unique = [event for event in events if first[event.event_id] is event]
    named = list(with_conversations(unique, Conversations()))
    worst: dict[object, Truth] = {}
    for event, conversation in named:
        truth = doubtful.truth(household, event.event_id) if event.commits else Truth.MEANT
        if truth is not Truth.MEANT and worst.get(conversation) is not Truth.MISFIRE:
            worst[conversation] = truth
    for truth in worst.values():
        counts[_LEFT_OUT[truth]] += 1
    counts["events of these conversations"] += sum(each in worst for _, each in named)
    return (event for event, conversation in named if conversation not in worst)


def read_training_log(
    brokers: Brokers,
    *,
    most_households: int,
    most_events: int,
    seed: int,
    as_of: Mapping[str, tuple[int, int]] | None = None,
    progress: Progress = silent,
) -> TrainingLog:
    """Read the training data.

    Args:
        brokers: the brokers to read from.
        most_households: households to use at most.
        most_events: events to keep in memory at most.
        seed: seed of the sample.
        as_of: the offsets of an earlier training report, to read the same records; by default the
            log is read to its end.
        progress: called with (stage, done, total).

    Raises:
        DependencyUnavailable: a topic is missing, or cannot be read to its end.
    """
    log = _Log(brokers, as_of, progress)
    sample = HouseholdSample[IntentEvent](most_households, most_events, seed)
    reader = LogReader(sample, len(log.partitions(INTENTS)))
    for number in log.partitions(INTENTS):
        reader.take(log.read(INTENTS, number))
    doubtful = Doubtful()
    for topic, add in (
        (DECISIONS, doubtful.add_decisions),
        (OUTCOMES, doubtful.add_outcomes),
        (LABELS, doubtful.add_labels),
    ):
        for number in log.partitions(topic):
            add(held for held in log.read(topic, number) if reader.wants(held.key))
    reader.counts["labels"] = doubtful.labels
    events = meant_events(sample, doubtful, reader.counts)
    return TrainingLog(events, FromLog(log.offsets, dict(sorted(reader.counts.items()))))


class _Log:
    """Reads partitions of topics, and remembers which offsets were read."""

    def __init__(
        self, brokers: Brokers, as_of: Mapping[str, tuple[int, int]] | None, progress: Progress
    ) -> None:
        self.offsets: dict[str, tuple[int, int]] = {}
        self._brokers, self._as_of, self._progress = brokers, as_of, progress
        self._sources = sources_of(brokers)
        self._done = Counter[str]()

    def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic, none if it does not exist."""
        return sorted(self._sources.get(topic, {}))

    def read(self, topic: str, number: int) -> Iterator[TopicRecord]:
        """Yield the records of a partition."""
        name, stage = f"{topic}/{number}", f"reading {topic}"
        if self._as_of is not None and name not in self._as_of:
            return  # the topic was created, or has grown, since
        total = sum(end - first for first, end in self._sources[topic].values())
        begin, end = self._range(topic, number)
        after = begin
        if end != begin:
            ends = None if end is None else {number: end}
            for held in read_topic(self._brokers, topic, number, begin={number: begin}, end=ends):
                after = held.place.offset + 1
                self._done[topic] += 1
                if self._done[topic] % _REPORT_EVERY == 0:
                    self._progress(stage, self._done[topic], max(total, self._done[topic]))
                yield held
        self.offsets[name] = begin, after
        self._progress(stage, self._done[topic], max(total, self._done[topic]))

    def _range(self, topic: str, number: int) -> tuple[int, int | None]:
        """Return the offset to begin at and the one to end before."""
        oldest, _ = self._sources[topic][number]
        if self._as_of is None:
            return oldest, None
        begin, end = self._as_of[f"{topic}/{number}"]
        if begin < oldest:
            raise UsageError(
                f"the log as of these offsets is gone: {topic}, partition {number}, now begins at"
                f" {oldest} instead of {begin}"
            )
        return begin, end
