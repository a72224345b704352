from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.contracts.rules import RuleAct
from detector.decision.bundle import Bundle
from detector.decision.carrying import carry
from detector.decision.decide import decide
from detector.decision.differences import Layer
from detector.decision.rule_set import RuleSet
from detector.decision.rule_timeline import RuleTimeline
from detector.household.state import HouseholdState
from detector.training.fit_model import fit_model
from streams.errors import UsageError
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES
from streams.lifecycle.rule_log import PastRules
from streams.operations.decision_replay import Published, Replayed, replay_records
from streams.operations.household_replay import in_log_order
from streams.wire.records import COMMAND, DECISION, FIRST_LOGGED, Command, HouseholdCommand
from tests.detector.builders import (
    ABSURD,
    CONFIRMATION_KEY,
    DOUBTFUL,
    SURE,
    given_to,
    hand_bundle,
    hand_judge,
    heard,
    outcome,
    send_message,
    training_sessions,
)
from tests.detector.rules import rule, rule_set
from tests.streams.fakes import (
    PARTITIONS,
    TOPICS_HERE,
    Bench,
    FakeEvent,
    answer_record,
    home_of,
    intent_record,
    outcome_record,
)

BUNDLE = hand_bundle()
OTHER = hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0)))
TOPICS = Identities(TOPICS_HERE.ids, dict.fromkeys((INTENTS, OUTCOMES, HOUSEHOLDS), PARTITIONS))


@dataclass
class Home:
    """One household's log, written by the real agents on a fake Kafka."""

    bench: Bench = field(default_factory=lambda: Bench(BUNDLE))
    records: list[TopicRecord] = field(default_factory=list)

    async def says(
        self, events: Sequence[IntentEvent], headers: Sequence[tuple[str, bytes]] = ()
    ) -> list[Decision]:
        """Send events to the worker and return its decisions."""
        count = sum(each.place.topic == INTENTS for each in self.records)
        await self._take(
            *(intent_record(each, count + n, headers) for n, each in enumerate(events))
        )
        return [DECISION.decode(each.value) for each in self.bench.kafka.on(DECISIONS)]

    async def _take(self, *events: FakeEvent) -> None:
        for each in events:
            sent = each.message
            place = Place(sent.topic, sent.partition, sent.offset)
            self.records.append(
                TopicRecord(place, sent.timestamp, sent.key, sent.value, tuple(sent.headers))
            )
            run = self.bench.intents if sent.topic == INTENTS else self.bench.outcomes
            await run(each)

    async def reports(self, *events: FakeEvent) -> None:
        """Send outcomes, answers or commands to the worker."""
        await self._take(*events)

    def topics(self) -> dict[str, list[TopicRecord]]:
        """Return the household's records by topic."""
        decisions = [
            TopicRecord(Place(DECISIONS, 0, number), 0.0, sent.key, sent.value)
            for number, sent in enumerate(self.bench.kafka.on(DECISIONS))
        ]
        by_topic = {
            topic: [each for each in self.records if each.place.topic == topic]
            for topic in (INTENTS, OUTCOMES)
        }
        return {DECISIONS: decisions, **by_topic}

    def replay(
        self,
        event_id: str,
        *bundles: Bundle,
        key: bytes | None = CONFIRMATION_KEY,
        begins: int = 0,
        rules: Sequence[RuleSet] = (),
        timeline: RuleTimeline | None = None,
        published: Sequence[str] | None = None,
    ) -> Replayed:
        """Replay the last decision on an event; ``published`` names the events in the log."""
        topics = self.topics()
        if published is not None:
            topics[DECISIONS] = [
                each
                for each in topics[DECISIONS]
                if DECISION.decode(each.value).event_id in published
            ]
        found = [
            Published(each.place, each.value or b"", DECISION.decode(each.value))
            for each in topics[DECISIONS]
        ]
        wanted = [each for each in found if each.decision.event_id == event_id][-1]
        return replay_records(
            wanted,
            topics,
            {each.version: each for each in bundles or (BUNDLE,)},
            topics=TOPICS,
            begins={topic: {home_of(b"h1"): begins} for topic in (INTENTS, OUTCOMES)},
            key=key,
            rules=PastRules(
                {each.version: each for each in rules if each.version}, timeline or RuleTimeline()
            ),
        )


@pytest.fixture
def home() -> Home:
    return Home()


async def test_events_outcomes_and_answers_give_the_same_bytes(home: Home) -> None:
    decided = await home.says(heard(send_message(), DOUBTFUL))
    assert decided[-1].verdict is Verdict.CONFIRM
    await home.reports(answer_record(given_to(decided[-1]), 0))
    await home.says(heard(send_message(first=10, days=1.0, session="s2"), SURE))
    await home.reports(outcome_record(outcome("e12", OutcomeKind.UNDONE, seconds=86_430.0), 1))
    await home.says(heard(send_message(first=20, days=2.0, session="s3"), ABSURD))

    for event_id in ("e2", "e12", "e22"):
        found = home.replay(event_id)
        assert (found.same, found.differing, found.first_difference) == (True, (), None)
        assert found.notes == ()
    assert found.earlier == 8
    assert found.step is not None
    assert found.step.judgement is not None


async def test_decisions_are_replayed_with_the_rules_that_they_were_made_under(home: Home) -> None:
    block, ask = rule(), rule(rule_id="r2", act=RuleAct.CONFIRM)
    for number, each in enumerate((block, ask, None)):
        home.bench.worker.context.rules = RuleTimeline({each.rule_id: each} if each else {})
        await home.says(
            heard(send_message(first=10 * number, days=number, session=f"s{number}"), SURE)
        )
    versions = [rule_set(block), rule_set(ask)]

    for event_id, verdict in (("e2", "block"), ("e12", "confirm"), ("e22", "allow")):
        found = home.replay(event_id, rules=versions)
        assert (found.same, found.published.decision.verdict) == (True, verdict)
        assert found.notes == ()

    without = home.replay("e2", rules=versions[1:])
    assert not without.same
    assert without.differing[0].layer is Layer.RULES
    assert "no longer in misfire.rules" in without.notes[0]


async def test_a_decision_that_was_not_published_is_replayed_under_the_rules_of_its_time(
    home: Home,
) -> None:
    """What the household learned from an allowed command is in the state of the next."""
    block, rules = rule(), RuleTimeline()
    rules.change("r1", block, 0.0)
    rules.change("r1", None, send_message(first=10, days=1.0)[0].seconds - 60)
    home.bench.worker.context.rules = rules
    await home.says(heard(send_message(), SURE))
    await home.reports(outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0))
    await home.says(heard(send_message(first=10, days=1.0, session="s2"), DOUBTFUL))

    asked = {"rules": [rule_set(block)], "published": ["e12"]}
    found = home.replay("e12", timeline=rules, **asked)  # type: ignore[arg-type]
    assert found.same
    assert "5 earlier events have no decision" in found.notes[0]
    assert not home.replay("e12", **asked).same  # type: ignore[arg-type]


def test_a_household_is_carried_over_to_the_next_bundle() -> None:
    model = fit_model(training_sessions()[:6], clones=2, iterations=3)
    other, state, published = hand_bundle(model=model), HouseholdState.new("h1"), []
    events = heard(send_message(), ABSURD)
    for event, bundle in zip(events, (BUNDLE, BUNDLE, other), strict=True):
        if bundle is other:
            state = carry(state, BUNDLE, other)
        decision, state = decide(state, event, bundle, at=event.seconds)
        published.append(DECISION.encode(decision))
    home = [intent_record(each, number).message for number, each in enumerate(events)]
    ours = {
        INTENTS: [
            TopicRecord(
                Place(INTENTS, each.partition, each.offset), each.timestamp, b"h1", each.value
            )
            for each in home
        ],
        OUTCOMES: [],
        DECISIONS: [
            TopicRecord(Place(DECISIONS, 0, number), 0.0, b"h1", value)
            for number, value in enumerate(published)
        ],
    }
    wanted = Published(Place(DECISIONS, 0, 2), published[2], DECISION.decode(published[2]))
    begins: dict[str, dict[int, int]] = {INTENTS: {}, OUTCOMES: {}}
    both = {BUNDLE.version: BUNDLE, other.version: other}
    found = replay_records(wanted, ours, both, topics=TOPICS, begins=begins)
    assert (found.same, found.notes) == (True, ())

    alone = {other.version: other}
    found = replay_records(wanted, ours, alone, topics=TOPICS, begins=begins)
    assert f"2 earlier decisions were made by {BUNDLE.version}" in found.notes[0]


async def test_an_erasure_is_replayed(home: Home) -> None:
    await home.says(send_message())
    erase = HouseholdCommand(
        command_id="x", command=Command.ERASE, household_id="h1", time=send_message()[0].time
    )
    await home.reports(
        FakeEvent(
            INTENTS,
            3,
            b"h1",
            COMMAND.encode(erase),
            [("ce_type", COMMAND.type.encode())],
            timestamp=send_message()[0].seconds + 60,
        )
    )
    await home.says(heard(send_message(first=10, days=1.0, session="s2"), ABSURD))
    assert home.replay("e12").same


async def test_another_bundle_shows_the_first_differing_term(home: Home) -> None:
    await home.says(heard(send_message(), ABSURD))
    found = home.replay("e2", OTHER)
    assert not found.same
    assert (found.differing[0].layer, found.differing[0].term) == (Layer.BUNDLE, "bundle")
    assert found.differing[1].layer is Layer.EVIDENCE
    assert f"made by bundle {BUNDLE.version}, which was not given" in found.notes[0]


async def test_an_altered_log_shows_where_the_difference_begins(home: Home) -> None:
    await home.says(heard(send_message(), ABSURD))
    home.records = [
        replace(each, value=(each.value or b"").replace(b'fidence":0.1', b'fidence":0.9'))
        for each in home.records
    ]
    home.records[0] = replace(
        home.records[0],
        value=(home.records[0].value or b"").replace(b'"initiate"', b'"inform"'),
    )
    found = home.replay("e2")
    assert not found.same
    assert found.differing[0].layer is Layer.EVIDENCE
    assert found.first_difference is not None
    step, difference = found.first_difference
    assert step.decision.event_id == "e0"
    assert difference.term == "event_bits"


async def test_deleted_records_proofs_and_missing_bundles_are_said(home: Home) -> None:
    decided = await home.says(heard(send_message(), DOUBTFUL))
    await home.reports(answer_record(given_to(decided[-1]), 0))
    await home.says(heard(send_message(first=10, days=1.0, session="s2"), ABSURD))
    notes = " ".join(home.replay("e12", key=None, begins=7).notes)
    assert f"{INTENTS} before offset 7" in notes
    assert "1 answers have a proof" in notes


async def test_an_event_that_retention_deleted_cannot_be_replayed(home: Home) -> None:
    await home.says(send_message())
    home.records.clear()
    found = home.replay("e2")
    assert (found.step, found.same) == (None, False)
    assert "retention has passed" in found.notes[0]


async def test_a_forwarded_record_is_applied_once(home: Home) -> None:
    events = heard(send_message(), ABSURD)
    logged = [(FIRST_LOGGED, f"{events[0].seconds:.3f}".encode())]
    await home.says(events[:1], headers=logged)
    (copy,) = home.records
    elsewhere = Place(INTENTS, (copy.place.partition + 1) % PARTITIONS, 0)
    home.records.insert(0, replace(copy, place=elsewhere, headers=()))
    await home.says(events[1:])
    assert home.replay("e2").same


async def test_a_replay_can_begin_with_a_state_of_the_changelog(home: Home) -> None:
    await home.says(send_message())
    states = [
        TopicRecord(Place(HOUSEHOLDS, 0, number), float(number), sent.key, sent.value)
        for number, sent in enumerate(home.bench.kafka.on(HOUSEHOLDS))
    ]
    await home.says(heard(send_message(first=10, days=1.0, session="s2"), ABSURD))
    topics = home.topics()
    topics[INTENTS] = topics[INTENTS][3:]
    last = topics[DECISIONS][-1]
    wanted = Published(last.place, last.value or b"", DECISION.decode(last.value))
    begins = {INTENTS: {home_of(b"h1"): 3}, OUTCOMES: {}}

    without = replay_records(wanted, topics, {BUNDLE.version: BUNDLE}, topics=TOPICS, begins=begins)
    assert "Retention has deleted" in without.notes[0]

    topics[HOUSEHOLDS] = states
    found = replay_records(wanted, topics, {BUNDLE.version: BUNDLE}, topics=TOPICS, begins=begins)
    assert found.same
    assert found.notes == ()
    assert found.start.startswith("the state in misfire.households, partition 0")
    topics[HOUSEHOLDS] = []
    with pytest.raises(UsageError, match="leave out --snapshot"):
        replay_records(wanted, topics, {BUNDLE.version: BUNDLE}, topics=TOPICS, begins=begins)


def test_records_are_merged_by_time_and_keep_the_order_of_their_partition() -> None:
    records = [
        TopicRecord(Place(OUTCOMES, 0, 0), 5.0, b"", b""),
        TopicRecord(Place(INTENTS, 0, 1), 3.0, b"", b""),
        TopicRecord(Place(INTENTS, 0, 0), 5.0, b"", b""),
    ]
    assert [(each.place.topic, each.place.offset) for each in in_log_order(records)] == [
        (INTENTS, 0),
        (INTENTS, 1),
        (OUTCOMES, 0),
    ]
