"""``misfire replay --decision``: makes a published decision again, from the log and its bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from detector.contracts.decisions import Decision
from detector.decision.bundle import Bundle
from detector.decision.differences import Difference, differences
from detector.progress import Progress, silent
from streams.errors import RecordError, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord, offsets_of, read_topic
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES, RULES
from streams.lifecycle.rule_log import PastRules, past_rules
from streams.operations.household_replay import HouseholdReplay, Step, in_log_order
from streams.wire.cloudevents import read_record
from streams.wire.records import DECISION, FIRST_LOGGED, INTENT, header
from streams.wire.state.marks import Mark, is_applied, partition_of
from streams.wire.state.packing import Stored, unpack

__all__ = ["Published", "Replayed", "find_published", "replay_decision", "replay_records"]


@dataclass(frozen=True, slots=True)
class Published:
    """A decision as it is in the log."""

    place: Place
    value: bytes
    decision: Decision


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay.

    Attributes:
        published: the decision as published.
        step: the decision as replayed; ``None`` if its event is not in the log.
        same: whether both have the same bytes.
        differing: the differences, the earliest computed first.
        earlier: the household's decisions before it that were replayed.
        first_difference: the first of these that differs from the published one, and how.
        start: where the household's state comes from.
        notes: what could not be replayed, one sentence each.
    """

    published: Published
    step: Step | None
    same: bool
    differing: tuple[Difference, ...]
    earlier: int
    first_difference: tuple[Step, Difference] | None
    start: str
    notes: tuple[str, ...]


def find_published(
    brokers: Brokers, decision_id: str, household_id: str | None
) -> dict[str, Published]:
    """Return the published decision with an id, by household. Reads the audit log.

    A decision's id is derived from those of its event and its bundle, so two households with the
    same event id have the same decision id.
    """
    needle, found = decision_id.encode(), dict[str, Published]()
    for held in read_topic(brokers, DECISIONS):
        if held.value is None or needle not in held.value:
            continue
        each = _published(held)
        if each is None or each.decision.decision_id != decision_id:
            continue
        if household_id in (None, each.decision.household_id):
            found.setdefault(each.decision.household_id, each)
    return found


def replay_decision(
    brokers: Brokers,
    topics: Identities,
    wanted: Published,
    bundles: Mapping[str, Bundle],
    *,
    key: bytes | None = None,
    snapshot: bool = False,
    progress: Progress = silent,
) -> Replayed:
    """Read a household's records, and make one of its decisions again.

    Args:
        brokers: the brokers to read from.
        topics: the identities of the topics of intents, outcomes and households.
        wanted: the published decision.
        bundles: the bundles at hand, by version.
        key: the key that checks proofs of confirmations.
        snapshot: begin with the latest state in the changelog before the event, rather than with
            the household's first record.
        progress: called with (stage, done, total).

    Raises:
        UsageError: no bundle is given, or there is no state before the event in the changelog.
    """
    household = wanted.decision.household_id.encode()
    ours: dict[str, list[TopicRecord]] = {}
    names = [DECISIONS, INTENTS, OUTCOMES, *([HOUSEHOLDS] if snapshot else [])]
    for number, topic in enumerate(names):
        progress("reading topics", number, len(names))
        ours[topic] = [held for held in read_topic(brokers, topic) if held.key == household]
    progress("reading topics", len(names), len(names))
    begins = {
        topic: {number: first for number, (first, _) in offsets_of(brokers, topic).items()}
        for topic in (INTENTS, OUTCOMES)
    }
    rules = past_rules(brokers, wanted.decision.household_id)
    return replay_records(wanted, ours, bundles, topics=topics, begins=begins, key=key, rules=rules)


def replay_records(
    wanted: Published,
    ours: Mapping[str, Sequence[TopicRecord]],
    bundles: Mapping[str, Bundle],
    *,
    topics: Identities,
    begins: Mapping[str, Mapping[int, int]],
    key: bytes | None = None,
    rules: PastRules | None = None,
) -> Replayed:
    """Make a decision again from a household's records by topic; the changelog's are a snapshot.

    ``begins`` has the oldest offset of each partition of the topics of intents and outcomes, and
    ``rules`` the rules that could concern the household.
    """
    if not bundles:
        raise UsageError("give the bundle that made the decision with --bundle")
    own = bundles.get(wanted.decision.bundle)
    every = [each for each in map(_published, ours[DECISIONS]) if each is not None]
    published = {each.decision.event_id: each.decision for each in reversed(every)}
    published[wanted.decision.event_id] = wanted.decision
    replay = HouseholdReplay(
        wanted.decision.household_id,
        bundles,
        own or next(iter(bundles.values())),
        published,
        key,
        topics.ids,
        rules or PastRules(),
    )
    records = in_log_order(_without_forwarded([*ours[INTENTS], *ours[OUTCOMES]], topics))
    event = _place_of(records, wanted.decision.event_id)
    start = "the household's first record in the log"
    if HOUSEHOLDS in ours and event is not None:
        found, stored = _snapshot(ours[HOUSEHOLDS], event, topics)
        replay.stored, start = stored, f"the state in {found}"
    steps: list[Step] = []
    for step in replay.run(records if event is not None else ()):
        steps.append(step)
        if step.place == event:
            break
    last = steps[-1] if steps and steps[-1].place == event else None
    before = steps[:-1] if last else steps
    notes = _notes(wanted, replay, before, event, begins, from_snapshot=HOUSEHOLDS in ours)
    if own is None:
        notes.insert(
            0,
            f"The decision was made by bundle {wanted.decision.bundle}, which was not given; "
            f"bundle {replay.default.version} replaces it, so the bytes cannot be the same.",
        )
    return Replayed(
        published=wanted,
        step=last,
        same=last is not None and DECISION.encode(last.decision) == wanted.value,
        differing=differences(wanted.decision, last.decision) if last else (),
        earlier=len(before),
        first_difference=_first_difference(before, published),
        start=start,
        notes=tuple(notes),
    )


def _published(held: TopicRecord) -> Published | None:
    try:
        return Published(held.place, held.value or b"", DECISION.decode(held.value))
    except RecordError:
        return None


def _without_forwarded(records: Sequence[TopicRecord], topics: Identities) -> Iterator[TopicRecord]:
    """Leave out records that a worker forwarded to the household's partition, where they are too.

    Records from before a topic grew stay: they were applied in another partition.
    """
    copies = {
        held.value
        for held in records
        if _at_home(held, topics) and header(held.headers, FIRST_LOGGED) is not None
    }
    return (held for held in records if _at_home(held, topics) or held.value not in copies)


def _at_home(held: TopicRecord, topics: Identities) -> bool:
    partitions = topics.partitions.get(held.place.topic)
    return partitions is None or partition_of(held.key or b"", partitions) == held.place.partition


def _place_of(records: Iterable[TopicRecord], event_id: str) -> Place | None:
    """Return the position of the first record of an event."""
    needle = event_id.encode()
    for held in records:
        if held.place.topic == INTENTS and held.value is not None and needle in held.value:
            try:
                event, _ = read_record(held.headers, held.value, INTENT)
            except RecordError:
                continue
            if event.event_id == event_id:
                return held.place
    return None


def _snapshot(
    states: Sequence[TopicRecord], event: Place, topics: Identities
) -> tuple[Place, Stored]:
    """Return the latest state that does not contain the event, and its position."""
    mark = Mark(topics.of(INTENTS), event.partition, event.offset)
    for held in reversed(in_log_order(states)):
        if held.value and not is_applied((stored := unpack(held.value)).intents, mark):
            return held.place, stored
    raise UsageError(
        f"{HOUSEHOLDS} has no state of the household from before the event: later ones have"
        " superseded it; leave out --snapshot"
    )


def _first_difference(
    steps: Iterable[Step], published: Mapping[str, Decision]
) -> tuple[Step, Difference] | None:
    for step in steps:
        known = published.get(step.decision.event_id)
        found = differences(known, step.decision) if known is not None else ()
        if found:
            return step, found[0]
    return None


def _notes(
    wanted: Published,
    replay: HouseholdReplay,
    before: Sequence[Step],
    event: Place | None,
    begins: Mapping[str, Mapping[int, int]],
    *,
    from_snapshot: bool,
) -> list[str]:
    """Say what could not be replayed, one sentence for each reason."""
    if event is None:
        text = (
            f"The event of this decision is not in {INTENTS}: its retention has passed, so the"
            " decision cannot be made again."
        )
        return [text]
    notes = []
    deleted = [
        f"{topic} before offset {begins[topic][number]} of partition {number}"
        for topic in (INTENTS, OUTCOMES)
        for number in sorted({event.partition} & begins[topic].keys())
        if begins[topic][number] > 0
    ]
    if deleted and not from_snapshot:
        notes.append(
            f"Retention has deleted {' and '.join(deleted)}; what the household learned from those"
            " records is not in the replay."
        )
    if others := sorted({_bundle_of(step, replay) for step in before if step.stand_in}):
        number = sum(step.stand_in for step in before)
        notes.append(
            f"{number} earlier decisions were made by {', '.join(others)}, which were not given"
            " with --bundle; another bundle replaces them, so the household's state may differ."
        )
    named = {each.rules for each in replay.published.values() if each.rules is not None}
    if missing := sorted(named - replay.rules.versions.keys()):
        notes.append(
            f"The rules of version {', '.join(missing)} are no longer in {RULES}; the replay"
            " decides without them."
        )
    if unpublished := sum(step.decision.event_id not in replay.published for step in before):
        notes.append(
            f"{unpublished} earlier events have no decision in {DECISIONS}; the replay decides them"
            " with the household's latest bundle, under the rules of their log time."
        )
    if replay.unchecked:
        notes.append(
            f"{replay.unchecked} answers have a proof that cannot be checked without"
            " confirmation_key_file; they count as refused."
        )
    if any(each.code == "block_budget" for each in wanted.decision.reasons):
        notes.append(
            "The block budget depends on other households and is not replayed; the replay takes"
            " from the published decision that it was exhausted."
        )
    if replay.failed:
        notes.append(f"The core failed on {replay.failed} records in the replay.")
    return notes


def _bundle_of(step: Step, replay: HouseholdReplay) -> str:
    return replay.published[step.decision.event_id].bundle
