from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.training.household_sample import HouseholdSample
from streams.errors import UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DECISIONS, INTENTS, LABELS, OUTCOMES
from streams.lifecycle import training_log
from streams.lifecycle.doubtful import Doubtful
from streams.lifecycle.training_log import LogReader, meant_events, read_training_log
from streams.wire.records import (
    ANSWER,
    COMMAND,
    DECISION,
    INTENT,
    OUTCOME,
    Command,
    HouseholdCommand,
)
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    given_to,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)
from tests.streams.fakes import home_of

NUMBERS = count()


def record(
    topic: str, value: bytes, household: str = "h1", kind: bytes = b"", at: float = 0.0
) -> TopicRecord:
    headers = (("ce_type", kind),) if kind else ()
    key = household.encode()
    return TopicRecord(Place(topic, home_of(key), next(NUMBERS)), at, key, value, headers)


def intents(events: Iterable[IntentEvent]) -> list[TopicRecord]:
    return [
        record(INTENTS, INTENT.encode(each), each.household_id, at=each.seconds) for each in events
    ]


def decisions(found: Iterable[Decision]) -> list[TopicRecord]:
    return [record(DECISIONS, DECISION.encode(each), each.household_id) for each in found]


def reported(event_id: str, kind: OutcomeKind) -> TopicRecord:
    return record(OUTCOMES, OUTCOME.encode(outcome(event_id, kind)))


def label(event_id: str, what: str) -> TopicRecord:
    value = f'{{"event_id": "{event_id}", "household_id": "h1", "label": "{what}"}}'
    return record(LABELS, value.encode())


def used(
    log: list[TopicRecord], doubtful: Doubtful, households: int = 100
) -> tuple[list[IntentEvent], Counter[str]]:
    reader = LogReader(HouseholdSample[IntentEvent](households, 10_000), 4)
    reader.take(log)
    return meant_events(reader.sample, doubtful, reader.counts), reader.counts


FIRST = send_message()
SECOND = heard(send_message(first=10, days=1.0, session="s2"), DOUBTFUL)


def known(*others: TopicRecord) -> Doubtful:
    """Return what is known after the decisions on both dialogues and the given records."""
    found = Doubtful()
    found.add_decisions(decisions(run([*FIRST, *SECOND], hand_bundle())[0]))
    found.add_outcomes(each for each in others if each.place.topic == OUTCOMES)
    found.add_labels(each for each in others if each.place.topic == LABELS)
    return found


def test_a_command_that_was_stopped_and_never_seen_to_run_is_left_out() -> None:
    events, counts = used(intents([*FIRST, *SECOND]), known())
    assert events == FIRST
    assert counts["conversations with a stopped command that was never seen to run"] == 1
    assert counts["events of these conversations"] == 3
    assert (counts["events used"], counts["households used"]) == (3, 1)
    assert (counts["events in the log"], counts["households in the log"]) == (6, 1)


def test_a_command_that_was_confirmed_and_ran_is_used() -> None:
    question = run([*FIRST, *SECOND], hand_bundle())[0][-1]
    assert question.verdict is Verdict.CONFIRM
    answer = ANSWER.encode(given_to(question))
    yes = record(OUTCOMES, answer, kind=ANSWER.type.encode())
    executed = reported("e12", OutcomeKind.EXECUTED)
    log = intents([*FIRST, *SECOND])
    assert used(log, known(yes, executed))[0] == [*FIRST, *SECOND]
    assert used(log, known(executed))[0] == FIRST
    assert used(log, known(yes, executed, reported("e12", OutcomeKind.UNDONE)))[0] == FIRST


def test_a_command_that_only_a_rule_let_run_is_left_out_unless_it_is_labelled() -> None:
    log, found = intents([*FIRST, *SECOND]), Doubtful()
    *others, stopped = run([*FIRST, *SECOND], hand_bundle())[0]
    lifted = replace(
        stopped,
        verdict=Verdict.ALLOW,
        effective_verdict=Verdict.ALLOW,
        model_verdict=stopped.verdict,
        confirm=None,
    )
    found.add_decisions(decisions([*others, lifted]))
    found.add_outcomes([reported("e12", OutcomeKind.EXECUTED)])

    assert used(log, found)[0] == FIRST
    found.add_labels([label("e12", "meant")])
    assert used(log, found)[0] == [*FIRST, *SECOND]


def test_bad_outcomes_and_labels_leave_out_the_conversation() -> None:
    log = intents([*FIRST, *SECOND])
    undone, counts = used(log, known(reported("e2", OutcomeKind.UNDONE)))
    assert undone == []
    assert counts["conversations with a misfire"] == 1
    assert used(log, known(label("e2", "misfire")))[0] == []
    assert used(log, known(label("e12", "meant")))[0] == [*FIRST, *SECOND]
    assert used(log, known(label("e2", "misfire"), label("e2", "withdrawn")))[0] == FIRST
    assert known(label("e2", "misfire")).labels == 1


def test_an_erased_household_is_left_out_up_to_its_erasure() -> None:
    erase = HouseholdCommand(
        command_id="c", command=Command.ERASE, household_id="h1", time=FIRST[0].time
    )
    command = record(INTENTS, COMMAND.encode(erase), kind=COMMAND.type.encode())
    later = send_message(first=20, days=2.0, session="s3")
    events, counts = used([*intents(FIRST), command, *intents(later)], Doubtful())
    assert events == later
    assert (counts["erased households"], counts["events of erased households"]) == (1, 3)


def test_repeated_events_and_other_records_are_counted() -> None:
    log = [*intents([*FIRST, FIRST[0]]), record(INTENTS, b"not JSON")]
    events, counts = used(log, Doubtful())
    assert events == FIRST
    assert (counts["repeated events"], counts["records that are no events"]) == (1, 1)


def test_households_outside_the_sample_are_counted_and_not_used() -> None:
    homes = [replace(each, household_id=f"h{n}") for n in range(8) for each in FIRST]
    events, counts = used(intents(homes), Doubtful(), households=3)
    assert len({each.household_id for each in events}) == 3
    assert counts["households in the log"] == 8
    assert counts["events used"] == 9


def test_the_logs_time_replaces_a_wrong_clock() -> None:
    wrong = replace(FIRST[0], time=FIRST[0].time - timedelta(days=4_000))
    held = replace(intents([wrong])[0], timestamp=FIRST[0].seconds)
    assert used([held], Doubtful())[0] == [FIRST[0]]


class Log:
    """Topics with one partition, in place of a broker."""

    def __init__(self, topics: Mapping[str, list[TopicRecord]], oldest: int = 0) -> None:
        self.topics = {
            topic: [
                replace(each, place=Place(topic, 0, oldest + offset))
                for offset, each in enumerate(records)
            ]
            for topic, records in topics.items()
        }
        self.oldest = oldest

    def sources(self, _: Brokers) -> dict[str, dict[int, tuple[int, int]]]:
        return {
            topic: {0: (self.oldest, self.oldest + len(records))}
            for topic, records in self.topics.items()
        }

    def read(
        self,
        _: Brokers,
        topic: str,
        number: int,
        *,
        begin: Mapping[int, int],
        end: Mapping[int, int] | None,
    ) -> Iterable[TopicRecord]:
        assert number == 0
        until = 1 << 60 if end is None else end[0]
        return [each for each in self.topics[topic] if begin[0] <= each.place.offset < until]


def test_the_offsets_are_stated_and_give_the_same_data_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topics = {
        INTENTS: intents(FIRST),
        DECISIONS: decisions(run(FIRST, hand_bundle())[0]),
        OUTCOMES: [reported("e2", OutcomeKind.EXECUTED)],
    }
    log = Log(topics)

    def read(as_of: Mapping[str, tuple[int, int]] | None = None) -> training_log.TrainingLog:
        monkeypatch.setattr(training_log, "sources_of", log.sources)
        monkeypatch.setattr(training_log, "read_topic", log.read)
        return read_training_log(
            Brokers("-"), most_households=10, most_events=100, seed=0, as_of=as_of
        )

    first = read()
    assert first.events == FIRST
    assert first.log.offsets == {
        f"{INTENTS}/0": (0, 3),
        f"{DECISIONS}/0": (0, 3),
        f"{OUTCOMES}/0": (0, 1),
    }

    more = intents(heard(send_message(first=30, session="s9"), ABSURD))
    log = Log(topics | {INTENTS: [*topics[INTENTS], *more], LABELS: [label("e2", "misfire")]})
    assert read(first.log.offsets) == first
    assert read() != first

    log = Log(topics, oldest=2)
    with pytest.raises(UsageError, match="the log as of these offsets is gone"):
        read(first.log.offsets)
