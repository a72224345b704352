"""The topic ``misfire.rules``: which rules there are, were, and come to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from detector.contracts.rules import Rule
from detector.decision.rule_set import RuleBook, RuleSet
from detector.decision.rule_timeline import RuleTimeline
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.following import follow_topic
from streams.kafka.reading import TopicRecord, read_topic
from streams.kafka.topics import RULES, admin
from streams.lifecycle.unusable import Report, report_unusable
from streams.wire.records import REMOVED_BY, REMOVED_WHY, RULE, header
from streams.wire.tenancy import tenant_of

__all__ = [
    "PastRules",
    "Removal",
    "RuleLog",
    "exists",
    "follow_rules",
    "past_rules",
    "read_rules",
    "removed_rules",
    "rules_at_start",
]


@dataclass(slots=True)
class RuleLog:
    """The rules by id as of a record of the topic; expired ones are among them.

    Attributes:
        rules: the rules.
        offset: the offset of the latest record, -1 before the first one.
        timestamp: the latest time of a record, in seconds since the epoch.
        timeline: which rules applied when, as far as the topic was read.
    """

    rules: dict[str, Rule] = field(default_factory=dict)
    offset: int = -1
    timestamp: float = 0.0
    timeline: RuleTimeline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.timeline = RuleTimeline(self.rules)

    def apply(self, offset: int, timestamp: float, key: bytes | None, value: bytes | None) -> bool:
        """Apply a record, and return whether it changed the rules.

        A record that was applied before is skipped: a follower that connects again reads all
        records again, and rules that were removed must not come back in between. In a topic that
        was created again, offsets begin at 0 and times do not.

        Raises:
            RecordError: the record cannot be applied. A later version may have an act that this one
                does not know.
        """
        if offset <= self.offset and timestamp <= self.timestamp:
            return False
        self.offset, self.timestamp = offset, max(timestamp, self.timestamp)
        name = (key or b"").decode("utf-8", "replace")
        found = None if value is None else RULE.decode(value)
        if found is not None and found.rule_id != name:
            raise RecordError("key_mismatch", "the record's key is not its rule_id")
        if self.rules.get(name) == found:
            return False
        if found is None:
            del self.rules[name]
        else:
            self.rules[name] = found
        self.timeline.change(name, found, timestamp)
        return True


def read_rules(brokers: Brokers) -> RuleLog:
    """Return the rules as of the end of the topic.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read.
    """
    log = RuleLog()
    for _ in _changes(brokers, log):
        pass
    return log


@dataclass(frozen=True, slots=True)
class Removal:
    """A rule that was removed: by whom, why and when."""

    rule: Rule
    by: str
    why: str
    time: datetime


def removed_rules(brokers: Brokers) -> list[Removal]:
    """Return the rules that were removed within the retention of the topic, the latest first.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read.
    """
    found = [
        Removal(
            rule,
            _text(held, REMOVED_BY),
            _text(held, REMOVED_WHY),
            datetime.fromtimestamp(held.timestamp, UTC),
        )
        for held, rule in _changes(brokers, RuleLog())
        if rule is not None and held.value is None
    ]
    return found[::-1]


def _text(held: TopicRecord, name: str) -> str:
    return (header(held.headers, name) or b"").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class PastRules:
    """The rules that could concern a household at any time in the topic.

    Attributes:
        versions: the rules by version.
        timeline: which rules applied when.
    """

    versions: Mapping[str, RuleSet] = field(default_factory=dict)
    timeline: RuleTimeline = field(default_factory=RuleTimeline)


def past_rules(brokers: Brokers, household_id: str) -> PastRules:
    """Return the rules that could concern a household; there are none without the topic."""
    if not exists(brokers):
        return PastRules()
    found, log = dict[str, RuleSet](), RuleLog()
    for _ in _changes(brokers, log):
        rules = RuleBook(log.rules).of(household_id, tenant_of(household_id))
        if rules.version is not None:
            found[rules.version] = rules
    return PastRules(found, log.timeline)


def rules_at_start(brokers: Brokers) -> RuleLog | None:
    """Return the rules as ``read_rules`` does, or ``None`` if the topic does not exist.

    An installation has no such topic before its first upgrade to a version with rules. It also
    seems to be missing if this client has no right to it.

    Raises:
        DependencyUnavailable: the topic exists and cannot be read.
    """
    return read_rules(brokers) if exists(brokers) else None


async def follow_rules(
    brokers: Brokers,
    fetch_max_wait: float,
    known: RuleLog,
    on_change: Callable[[], None] = lambda: None,
    unusable: Report = report_unusable,
    *,
    read_until: Callable[[float], None] | None = None,
) -> None:
    """Follow the rules until the task is cancelled. Without Kafka, the last known ones stay.

    Args:
        brokers: the brokers to read from.
        fetch_max_wait: seconds for which a fetch waits for data.
        known: the rules that are known already; they are kept up to date.
        on_change: called in the event loop after each change.
        unusable: called with each record that cannot be applied.
        read_until: see ``follow_topic``.
    """

    def received(message: Any) -> None:
        try:
            at = message.timestamp / 1000
            changed = known.apply(message.offset, at, message.key, message.value)
        except RecordError as error:
            unusable(message, error)
            return
        if changed:
            on_change()

    await follow_topic(
        brokers, RULES, received, fetch_max_wait=fetch_max_wait, read_until=read_until
    )


def exists(brokers: Brokers) -> bool:
    """Return whether the topic exists, as far as this client may see it."""
    client = admin(brokers)
    try:
        return RULES in client.list_topics()
    finally:
        client.close()


def _changes(brokers: Brokers, log: RuleLog) -> Iterator[tuple[TopicRecord, Rule | None]]:
    """Apply every record of the topic; yield each that changed the rules, and the rule before."""
    for held in read_topic(brokers, RULES):
        before = log.rules.get((held.key or b"").decode("utf-8", "replace"))
        try:
            changed = log.apply(held.place.offset, held.timestamp, held.key, held.value)
        except RecordError as error:
            report_unusable(held.place, error)
            continue
        if changed:
            yield held, before
