"""What rules would have changed in the latest decisions, and which intents have no class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil

from detector.contracts.decisions import Decision, RiskClass, Verdict, is_command
from detector.contracts.rules import Rule
from detector.decision.rule_set import RuleBook
from detector.decision.under_rule import verdict_with
from detector.policy.policy import Policy
from detector.policy.unclassified import is_unclassified
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import TopicRecord
from streams.kafka.reading_backwards import read_backwards, records_since
from streams.kafka.topics import DECISIONS, INTENTS
from streams.wire.records import DECISION, INTENT, header
from streams.wire.tenancy import tenant_of

__all__ = [
    "MOST_RECORDS",
    "DryRun",
    "Example",
    "Unclassified",
    "dry_run",
    "dry_runs",
    "unclassified_intents",
]

#: Examples in a result.
_LISTED = 10
#: Records of a topic that are read at most: about ten seconds of work.
MOST_RECORDS = 200_000
#: Records of each partition that are in memory at a time.
_WINDOW = 1_000
#: A log time at which no rule has expired.
_BEFORE_EXPIRY = float("-inf")


@dataclass(frozen=True, slots=True)
class Example:
    """A decision that the rule would have changed."""

    event_id: str
    household_id: str
    intent: str
    risk_class: RiskClass
    before: Verdict
    after: Verdict


@dataclass(slots=True)
class DryRun:
    """The result of a dry run.

    Attributes:
        commands: the commands of the rule's tenant and household.
        matched: those that the rule matches.
        changed: those whose verdict it would have changed.
        before: the commands that it matches, by the verdict that they had.
        after: the same, by the verdict that they would have had.
        examples: the latest changed ones.
        records: the number of decisions that were read.
        logged: about how many there are since then.
        oldest: the log time of the oldest one that was read; ``None`` without any.
        complete: whether all records since then were read.
    """

    commands: int = 0
    matched: int = 0
    changed: int = 0
    before: dict[Verdict, int] = field(default_factory=dict)
    after: dict[Verdict, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    records: int = 0
    logged: int = 0
    oldest: datetime | None = None
    complete: bool = True

    def add(self, decision: Decision, verdict: Verdict) -> None:
        """Count a command that the rule matches."""
        self.matched += 1
        self.before[decision.verdict] = self.before.get(decision.verdict, 0) + 1
        self.after[verdict] = self.after.get(verdict, 0) + 1
        if verdict is decision.verdict:
            return
        self.changed += 1
        if len(self.examples) < _LISTED:
            self.examples.append(
                Example(
                    decision.event_id,
                    decision.household_id,
                    decision.intent,
                    decision.risk_class,
                    decision.verdict,
                    verdict,
                )
            )


@dataclass(frozen=True, slots=True)
class Unclassified:
    """Intents of commands that no rule of the policy named, the most frequent first.

    Attributes:
        intents: the number of commands by intent.
        complete: whether all records since then were read.
    """

    intents: dict[str, int]
    complete: bool


def dry_run(brokers: Brokers, rule: Rule, policy: Policy, *, since: float) -> DryRun:
    """Return what a rule would have changed since a log time, in seconds since the epoch.

    The rule's expiry does not count. At most ``MOST_RECORDS`` decisions are read, evenly spread
    over the time. Decisions do not name devices, so a rule for one device reads
    ``assistant.intents`` too, whose retention may be shorter, and the latest records of both.

    Raises:
        DependencyUnavailable: a topic is missing or cannot be read.
    """
    given, complete = set[tuple[str, str]](), True
    if rule.device_id is not None:
        given, complete = _given_to(brokers, rule.device_id, since)
    reading = _Reading(brokers, DECISIONS, since, spread=rule.device_id is None)
    commands = (
        (each, rule.device_id if (each.household_id, each.event_id) in given else None)
        for each in reading.commands()
    )
    found = dry_runs(commands, {rule.rule_id: rule}, policy)[rule.rule_id]
    found.records, found.oldest = reading.read, reading.oldest
    found.logged = reading.read if reading.complete else reading.logged
    found.complete = complete and reading.complete
    return found


def dry_runs(
    commands: Iterable[tuple[Decision, str | None]], rules: Mapping[str, Rule], policy: Policy
) -> dict[str, DryRun]:
    """Return what each rule would have changed in some commands, by the rule's id.

    Each rule is tried without the others, and its expiry does not count.

    Args:
        commands: the decisions on commands, the latest first, each with its device if it is known.
        rules: the rules by id.
        policy: the policy to decide with.
    """
    found, book = {name: DryRun() for name in rules}, RuleBook(rules)
    for decision, device_id in commands:
        concerned = book.of(decision.household_id, tenant_of(decision.household_id))
        for rule in concerned.rules:
            found[rule.rule_id].commands += 1
        for rule in concerned.matching(decision.intent, device_id, _BEFORE_EXPIRY):
            found[rule.rule_id].add(decision, verdict_with(decision, rule, policy))
    return found


def unclassified_intents(
    brokers: Brokers, *, since: float, ours: Callable[[str], bool]
) -> Unclassified:
    """Count the intents of unclassified commands since a log time, in seconds since the epoch.

    ``ours`` says whether a household may be counted.
    """
    counts, reading = Counter[str](), _Reading(brokers, DECISIONS, since, spread=True)
    for decision in reading.commands():
        if is_unclassified(decision) and ours(decision.household_id):
            counts[decision.intent] += 1
    return Unclassified(dict(counts.most_common()), reading.complete)


def _given_to(brokers: Brokers, device_id: str, since: float) -> tuple[set[tuple[str, str]], bool]:
    """Return the household and id of each event of a device, and whether all were read."""
    given, reading = set(), _Reading(brokers, INTENTS, since, spread=False)
    for held in reading.records():
        if header(held.headers, "ce_type") not in {None, INTENT.type.encode()}:
            continue
        try:
            event = INTENT.decode(held.value)
        except RecordError:
            continue
        if event.device_id == device_id:
            given.add((event.household_id, event.event_id))
    return given, reading.complete


class _Reading:
    """Reads the records of a topic since a time, the newest first, up to ``MOST_RECORDS``.

    Attributes:
        read: the number of records that were read.
        logged: about how many there are since then.
        oldest: the log time of the oldest one that was read.
        complete: whether all were read.

    Args:
        brokers: the brokers.
        topic: the topic.
        since: the earliest log time, in seconds since the epoch.
        spread: of more records, read windows that are spread over the time, rather than the latest.
    """

    oldest: datetime | None = None
    read = logged = 0
    complete = True

    def __init__(self, brokers: Brokers, topic: str, since: float, *, spread: bool) -> None:
        self._brokers, self._topic, self._since, self._spread = brokers, topic, since, spread

    def records(self) -> Iterator[TopicRecord]:
        self.logged = records_since(self._brokers, self._topic, self._since, enough=MOST_RECORDS)
        self.complete = self.logged <= MOST_RECORDS
        every = 1 if self.complete or not self._spread else ceil(self.logged / MOST_RECORDS)
        for window in read_backwards(self._brokers, self._topic, window=_WINDOW, every=every):
            recent = [held for held in window if held.timestamp >= self._since]
            recent.sort(key=lambda held: -held.timestamp)
            # With many partitions, one window has more records than may be read.
            del recent[MOST_RECORDS - self.read :]
            self.read += len(recent)
            if recent:
                self.oldest = datetime.fromtimestamp(recent[-1].timestamp, UTC)
            yield from recent
            if self.read == MOST_RECORDS or (window and not recent):
                return

    def commands(self) -> Iterator[Decision]:
        """Yield the decisions on commands."""
        for held in self.records():
            try:
                decision = DECISION.decode(held.value)
            except RecordError:
                continue
            if is_command(decision):
                yield decision
