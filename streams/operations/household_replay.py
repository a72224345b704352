"""Replays one household's records as a worker applies them, and yields its decisions. No Kafka.

The order of two topics is not in the log, so the records are merged by their log time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from detector.contracts.confirmations import PROVEN
from detector.contracts.decisions import Decision
from detector.decision.bundle import Bundle
from detector.decision.decide import is_reused
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.decision.verdict import Judgement
from detector.household.state import HouseholdState
from streams.errors import RecordError
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import INTENTS
from streams.lifecycle.rule_log import PastRules
from streams.wire.records import Command
from streams.wire.state.marks import is_applied
from streams.wire.state.packing import Stored
from streams.wire.tenancy import tenant_of
from streams.worker.erasure import erased, erased_before, is_erased, outlived
from streams.worker.handling import (
    Incoming,
    answer_record,
    carried,
    decide_record,
    is_answer,
    is_command,
    is_history,
    is_label,
    is_probe,
    is_upload,
    read_answer,
    read_command,
    read_intent,
    read_label,
    read_outcome,
    read_upload,
    settle_record,
    with_intent,
    with_outcome,
)
from streams.worker.labels import label_record
from streams.worker.uploads import uploaded

__all__ = ["HouseholdReplay", "Step", "in_log_order"]


@dataclass(frozen=True, slots=True)
class Step:
    """A decision of the replay.

    Attributes:
        place: the position of the event's record.
        decision: the decision.
        judgement: the evidence and what the judge made of it; ``None`` if the event was not judged.
        bundle: the bundle that decided.
        stand_in: whether another bundle than this one had made the published decision.
    """

    place: Place
    decision: Decision
    judgement: Judgement | None
    bundle: Bundle
    stand_in: bool


def in_log_order(records: Iterable[TopicRecord]) -> list[TopicRecord]:
    """Return records by log time; the records of a partition keep their order.

    At the same time, intents come before outcomes.
    """
    ordered = sorted(records, key=lambda each: each.place)
    partitions = [
        list(found)
        for _, found in groupby(ordered, key=lambda each: (each.place.topic, each.place.partition))
    ]
    return list(heapq.merge(*partitions, key=lambda each: each.timestamp))


@dataclass(slots=True)
class HouseholdReplay:
    """One household, record by record.

    Attributes:
        household_id: the household.
        bundles: the bundles that are at hand, by version.
        default: the bundle for events whose own bundle is not at hand or not known.
        published: the household's published decisions, by event id.
        key: the key that checks proofs of confirmations.
        topic_id: the short id of the topics, if the replay begins with a stored state.
        rules: the rules that could concern the household.
        stored: the household's state, which ``apply`` replaces.
        unchecked: answers whose proof could not be checked without a key.
        failed: records on which the core failed.
    """

    household_id: str
    bundles: Mapping[str, Bundle]
    default: Bundle
    published: Mapping[str, Decision] = field(default_factory=dict)
    key: bytes | None = None
    topic_ids: Mapping[str, str] = field(default_factory=dict)
    rules: PastRules = field(default_factory=PastRules)
    stored: Stored = field(init=False)
    unchecked: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.stored = Stored(state=HouseholdState.new(self.household_id))

    @property
    def _latest(self) -> Bundle:
        """The bundle that last decided for the household."""
        return self.bundles.get(self.stored.bundle, self.default)

    def apply(self, held: TopicRecord) -> Step | None:
        """Apply a record; return the decision if the record is an event that was decided.

        A record that a worker skips or refuses changes nothing.
        """
        record = _incoming(held, self.topic_ids)
        if is_history(record) or is_probe(record):
            return None
        try:
            if held.place.topic == INTENTS:
                return self._intent(record)
            self._outcome(record)
        except RecordError:
            return None
        return None

    def _intent(self, record: Incoming) -> Step | None:
        if is_applied(self.stored.intents, record.mark):
            return None
        if is_command(record) or is_upload(record) or is_label(record):
            self._operators(record)
            return None
        event = read_intent(record)
        if is_reused(self.stored.state, event):
            return None
        if is_erased(self.stored, record):
            self.stored = with_intent(self.stored, record)
            return None
        known = self.published.get(event.event_id)
        bundle = self.bundles.get(known.bundle, self.default) if known else self._latest
        before = self.bundles.get(self.stored.bundle) if self.stored.bundle else bundle
        if self.stored.bundle != bundle.version:
            self.stored = carried(self.stored, before, bundle)
        judged: list[Judgement] = []
        decision, self.stored, failed = decide_record(
            self.stored,
            event,
            record,
            bundle,
            at=record.timestamp,
            over_budget=_over_budget(known),
            proofs=_with_proofs(known),
            rules=self._rules(known, record.timestamp),
            announce=judged.append,
        )
        self.failed += failed
        place = Place(record.topic, record.partition, record.offset)
        other = known is not None and known.bundle != bundle.version
        return Step(place, decision, judged[0] if judged else None, bundle, other)

    def _rules(self, published: Decision | None, at: float) -> RuleSet:
        """Return the rules of a published decision, or none if they are not at hand.

        Without a published decision, they are those of the log time ``at``.
        """
        if published is not None:
            return self.rules.versions.get(published.rules or "", NO_RULES)
        tenant = tenant_of(self.household_id)
        return self.rules.timeline.of(self.household_id, tenant, at=at)

    def _operators(self, record: Incoming) -> None:
        """Apply a command, an upload or a label."""
        if is_label(record):
            _, self.stored = label_record(self.stored, read_label(record), record)
        elif is_upload(record):
            self.stored = uploaded(self.stored, read_upload(record), record)
        elif read_command(record).command is Command.ERASE and not erased_before(
            self.stored, record
        ):
            self.stored = erased(self.stored, record)

    def _outcome(self, record: Incoming) -> None:
        if is_applied(self.stored.outcomes, record.mark):
            return
        if is_answer(record):
            given = read_answer(record)
            self.unchecked += self.key is None and given.accepted and given.method in PROVEN
            _, self.stored = answer_record(self.stored, given, record, self._latest, self.key)
            return
        outcome = read_outcome(record)
        if outlived(self.stored, outcome):
            self.stored = with_outcome(self.stored, record)
            return
        found = settle_record(self.stored, outcome, record, at=record.timestamp)
        self.stored = found.stored
        self.failed += found.failed

    def run(self, records: Sequence[TopicRecord]) -> Iterator[Step]:
        """Apply records in order, and yield the decisions."""
        for held in records:
            step = self.apply(held)
            if step is not None:
                yield step


def _over_budget(published: Decision | None) -> bool:
    """Return whether the block budget changed the published decision.

    A budget depends on what the worker decided for other households, so it is not replayed.
    """
    return published is not None and any(each.code == "block_budget" for each in published.reasons)


def _with_proofs(published: Decision | None) -> bool:
    """Return whether the worker could check proofs, as far as its decision shows it."""
    if published is None:
        return True
    if any(each.code == "no_key_for_proofs" for each in published.reasons):
        return False
    return published.confirm is None or not PROVEN.isdisjoint(published.confirm.methods)


def _incoming(held: TopicRecord, ids: Mapping[str, str]) -> Incoming:
    return Incoming(
        topic=held.place.topic,
        partition=held.place.partition,
        offset=held.place.offset,
        timestamp=held.timestamp,
        key=held.key,
        value=held.value,
        headers=held.headers,
        topic_id=ids.get(held.place.topic, ""),
    )
