from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.events import Act, IntentEvent, OutcomeKind
from detector.contracts.standing import Standing
from detector.decision.rule_set import RuleSet
from detector.household.state import HouseholdState
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, REPLIES
from streams.privacy.holdings import Holding, collect
from streams.privacy.remaining import remains
from streams.telemetry import metrics
from streams.wire.records import (
    COMMAND,
    CORRELATION_ID,
    DECISION,
    FIRST_LOGGED,
    OUTCOME_APPLIED,
    REPLY_PARTITION,
    HouseholdCommand,
)
from streams.wire.records import Command as Kinds
from streams.wire.state.packing import Stored, pack, unpack
from tests.detector.builders import (
    ABSURD,
    dialogue,
    event,
    hand_bundle,
    outcome,
    run,
    send_message,
)
from tests.streams.fakes import (
    PARTITIONS,
    Bench,
    FakeEvent,
    intent_record,
    intents_mark,
    outcome_record,
    outcomes_mark,
)
from tests.streams.privacy.log import FakeLog, home, town_log

BEFORE = send_message(contact="k1_a44e")
ASKING = [(REPLY_PARTITION, b"2"), (CORRELATION_ID, b"c1")]
#: A minute after the last event; and the next day.
ERASED_AT = BEFORE[-1].seconds + 60
AFTER = send_message(first=10, days=1.0, session="s2")


def command(
    offset: int, kind: Kinds = Kinds.ERASE, household_id: str = "h1", at: float = ERASED_AT
) -> FakeEvent:
    given = HouseholdCommand(
        command_id="x", command=kind, household_id=household_id, time=BEFORE[-1].time
    )
    headers = [("ce_type", COMMAND.type.encode())]
    return FakeEvent(INTENTS, offset, b"h1", COMMAND.encode(given), headers, timestamp=at)


def intents(events: Sequence[IntentEvent], first: int) -> list[FakeEvent]:
    return [intent_record(each, first + n, ASKING) for n, each in enumerate(events)]


def sent_again(events: Sequence[IntentEvent], first: int) -> list[FakeEvent]:
    """Redriven dead letters: a day after the erasure, with the original log time."""
    return [
        intent_record(
            each,
            first + n,
            [*ASKING, (FIRST_LOGGED, f"{each.seconds:.3f}".encode())],
            timestamp=ERASED_AT + 86_400,
        )
        for n, each in enumerate(events)
    ]


def stored(bench: Bench) -> Stored:
    return unpack(bench.table.data[b"h1"])


@pytest.fixture
async def bench() -> Bench:
    """A worker that decided three events, applied one outcome, and erased the household."""
    found = Bench(hand_bundle())
    await found.intents(*intents(BEFORE, 0))
    await found.outcomes(outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0))
    assert stored(found).state.events == 3
    await found.intents(command(3))
    return found


async def test_an_erasure_leaves_only_the_mark_in_the_state(bench: Bench) -> None:
    assert stored(bench) == Stored(
        state=HouseholdState.new("h1"),
        intents=(intents_mark(3),),
        outcomes=(outcomes_mark(0),),
        erased=ERASED_AT,
    )
    assert bench.kafka.on(HOUSEHOLDS)[-1].value == bench.table.data[b"h1"]
    assert b"k1_a44e" not in bench.table.data[b"h1"]


async def test_every_gateway_receives_the_erasure(bench: Bench) -> None:
    told = [
        sent for sent in bench.kafka.on(REPLIES) if sent.header("ce_type") == COMMAND.type.encode()
    ]
    assert [sent.partition for sent in told] == list(range(PARTITIONS))
    assert {COMMAND.decode(sent.value).household_id for sent in told} == {"h1"}


async def test_a_redriven_letter_from_before_the_erasure_does_not_restore_the_household(
    bench: Bench,
) -> None:
    mark, decided = stored(bench), len(bench.kafka.on(DECISIONS))

    await bench.intents(*sent_again(BEFORE, 4))
    await bench.outcomes(outcome_record(outcome("e2", OutcomeKind.UNDONE), 1, ASKING))

    assert stored(bench) == replace(mark, intents=(intents_mark(6),), outcomes=(outcomes_mark(1),))
    assert len(bench.kafka.on(DECISIONS)) == decided
    replies = bench.kafka.on(REPLIES)[-4:]
    answers = [DECISION.decode(reply.value) for reply in replies[:3]]
    assert [answer.reasons[0].code for answer in answers] == ["household_erased"] * 3
    assert {(answer.rung, answer.degraded) for answer in answers} == {(Rung.WORKER, True)}
    assert answers[-1].verdict is not Verdict.ALLOW
    assert replies[-1].header("ce_type") == OUTCOME_APPLIED.encode()
    assert not bench.kafka.on(DEAD_LETTERS)


async def test_a_late_outcome_of_an_erased_command_does_not_restore_the_household(
    bench: Bench,
) -> None:
    mark = stored(bench)
    await bench.outcomes(outcome_record(outcome("e2", OutcomeKind.UNDONE, seconds=90_000), 1))
    assert stored(bench) == replace(mark, outcomes=(outcomes_mark(1),))


async def test_a_redelivery_from_before_the_erasure_is_skipped_by_its_offset(bench: Bench) -> None:
    mark = stored(bench)
    await bench.intents(*intents(BEFORE, 0), command(3))
    assert stored(bench) == mark


async def test_after_a_restart_the_mark_shows_the_erasure(bench: Bench) -> None:
    restarted = Bench(hand_bundle())
    restarted.table.data |= bench.table.data
    await restarted.intents(*sent_again(BEFORE, 4))
    assert stored(restarted).state == HouseholdState.new("h1")
    assert not restarted.kafka.on(DECISIONS)


async def test_an_erasure_in_a_recreated_topic_is_applied() -> None:
    before = Bench(hand_bundle())
    await before.intents(*intents(BEFORE, 50))
    anew = Bench(hand_bundle(), identities=Identities({INTENTS: "33333333"}, {}))
    anew.table.data |= before.table.data

    await anew.intents(command(0))

    assert stored(anew).erased is not None
    assert stored(anew).state == HouseholdState.new("h1")


async def test_a_repeated_erasure_keeps_later_records(bench: Bench) -> None:
    """Marks without a topic id, as in a state of version 0.1.0."""
    await bench.intents(*intents(AFTER, 4))
    known = stored(bench)
    bench.table.data[b"h1"] = pack(replace(known, intents=()))
    again = Bench(hand_bundle())
    again.table.data |= bench.table.data

    await again.intents(command(3))

    assert stored(again).state == known.state


async def test_events_after_the_erasure_start_a_new_state(bench: Bench) -> None:
    await bench.intents(*intents(AFTER, 4))
    wanted, state = run(AFTER, hand_bundle())

    assert [record.value for record in bench.kafka.on(DECISIONS)[3:]] == [
        DECISION.encode(decision) for decision in wanted
    ]
    assert stored(bench).state == state
    assert stored(bench).erased is not None
    committed = AFTER[-1].event_id
    await bench.outcomes(outcome_record(outcome(committed, OutcomeKind.DENIED, seconds=90_000), 1))
    assert [pending.standing for pending in stored(bench).state.pending] == [Standing.DENIED]


async def test_the_order_in_the_log_decides_which_events_are_erased() -> None:
    bench = Bench(hand_bundle())
    await bench.intents(
        *intents(BEFORE[:2], 0), command(2), *intents(BEFORE[2:], 3), *intents(AFTER, 4)
    )
    assert stored(bench).state == run([*BEFORE[2:], *AFTER], hand_bundle())[1]


@pytest.mark.parametrize("years", [-5, 5])
async def test_claimed_times_do_not_move_records_across_the_erasure(
    years: int,
) -> None:
    bench = Bench(hand_bundle())
    erasing = command(3)
    erasing.message.timestamp += years * 365 * 86_400
    dated = [replace(each, time=each.time - timedelta(hours=3)) for each in AFTER]
    await bench.intents(
        *intents(BEFORE, 0),
        erasing,
        *(intent_record(each, 4 + n, timestamp=AFTER[n].seconds) for n, each in enumerate(dated)),
    )
    assert stored(bench).state.events == len(AFTER)
    await bench.outcomes(
        outcome_record(outcome(AFTER[-1].event_id, OutcomeKind.DENIED, seconds=90_000), 1)
    )
    assert [pending.standing for pending in stored(bench).state.pending] == [Standing.DENIED]


async def test_an_erasure_under_another_key_erases_no_household(bench: Bench) -> None:
    await bench.intents(command(4, household_id="h2"))
    (letter,) = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"key_mismatch"
    assert b"h2" not in bench.table.data


async def test_a_refused_export_is_counted_and_changes_nothing(bench: Bench) -> None:
    from streams.telemetry import metrics

    before, state = metrics.EXPORTS_REFUSED._value.get(), stored(bench)
    counted = command(4, Kinds.EXPORT_REFUSED)
    await bench.intents(counted)
    assert metrics.EXPORTS_REFUSED._value.get() == before + 1
    assert counted.acked
    assert stored(bench) == state


def test_remaining_records_are_reported_with_the_day_of_their_expiry() -> None:
    log = town_log(2, 2)
    marked, left = remains(collect(home(1), log.read))
    assert not marked
    found = {each.source: each for each in left}
    assert found[INTENTS].records == 2
    last = max(held.timestamp for held in log.records if held.place.topic == INTENTS)
    assert 31 * 86_400 - 10 < found[INTENTS].until - last <= 31 * 86_400
    assert found[HOUSEHOLDS].records == 2


async def test_after_expiry_only_the_mark_and_the_command_remain(bench: Bench) -> None:
    log = FakeLog()
    log.add(INTENTS, "h1", command(3).message.value, ce_type=COMMAND.type.encode())
    log.add(HOUSEHOLDS, "h1", bench.table.data[b"h1"])
    assert remains(collect("h1", log.read)) == (True, [])

    log.add(HOUSEHOLDS, "h1", None)
    assert not remains([Holding(HOUSEHOLDS)])[0]
    again = replace(BEFORE[0], time=BEFORE[0].time + timedelta(days=1))
    log.add(INTENTS, "h1", intent_record(again, 9).message.value)
    marked, left = remains(collect("h1", log.read))
    assert marked
    assert [(each.source, each.records) for each in left] == [(INTENTS, 1)]


async def test_an_erasure_timestamped_ahead_does_not_block_a_later_one() -> None:
    bench = Bench(hand_bundle())
    await bench.intents(*intents(BEFORE, 0), command(3, at=ERASED_AT + 5 * 365 * 86_400))
    await bench.intents(*intents(AFTER, 4))
    assert stored(bench).state.events == 3

    await bench.intents(command(7, at=AFTER[-1].seconds + 60))

    assert stored(bench).state == HouseholdState.new("h1")
    assert stored(bench).erased == AFTER[-1].seconds + 60


async def test_a_claim_to_be_from_before_the_erasure_never_allows_a_command(
    bench: Bench,
) -> None:
    """The policy's fallback allows a reversible command; the judge would have blocked this one."""
    (light,) = dialogue(
        ("lights.TurnOn", Act.INITIATE, True),
        first=20,
        session="s3",
        days=1.0,
        wake_confidence=ABSURD,
    )
    claimed = [*ASKING, (FIRST_LOGGED, b"1.0")]

    await bench.intents(intent_record(light, 4, claimed))

    answer = DECISION.decode(bench.kafka.on(REPLIES)[-1].value)
    assert (answer.verdict, answer.reasons[0].code) == (Verdict.BLOCK, "household_erased")


async def test_rules_that_fail_do_not_keep_an_erased_household_from_an_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RuleSet, "matching", fail)
    failed = metrics.RULE_COMMANDS.labels("failed", "reversible", "worker")
    before = failed._value.get()
    light = event(20, intent="lights.TurnOn", commits=True, household_id="h1")

    await bench.intents(intent_record(light, 4, [*ASKING, (FIRST_LOGGED, b"1.0")]))

    answer = DECISION.decode(bench.kafka.on(REPLIES)[-1].value)
    assert answer.verdict is Verdict.BLOCK
    assert [each.code for each in answer.reasons] == ["household_erased", "rules_failed"]
    assert failed._value.get() == before + 1


def waited(
    events: Sequence[IntentEvent], first: int, *, accepted: float, logged: float
) -> list[FakeEvent]:
    """Return records of events that a gateway accepted while Kafka was down."""
    headers = [*ASKING, (FIRST_LOGGED, f"{accepted:.3f}".encode())]
    return [
        intent_record(each, first + n, headers, timestamp=logged) for n, each in enumerate(events)
    ]


async def test_a_record_accepted_before_the_erasure_never_restores_the_household(
    bench: Bench,
) -> None:
    await bench.intents(*waited(AFTER, 4, accepted=ERASED_AT - 1, logged=ERASED_AT + 600))

    assert stored(bench).state == HouseholdState.new("h1")
    assert len(bench.kafka.on(DECISIONS)) == len(BEFORE)


async def test_a_record_accepted_after_the_erasure_starts_a_new_state(bench: Bench) -> None:
    await bench.intents(*waited(AFTER, 4, accepted=ERASED_AT + 1, logged=ERASED_AT + 600))

    assert stored(bench).state.events == len(AFTER)


async def test_the_earlier_of_two_times_counts(
    bench: Bench,
) -> None:
    later, earlier = (FIRST_LOGGED, b"9999999999"), (FIRST_LOGGED, f"{ERASED_AT - 1:.3f}".encode())
    for n, headers in enumerate(([later, earlier], [earlier, later])):
        await bench.intents(intent_record(AFTER[0], 4 + n, headers))

    assert stored(bench).state == HouseholdState.new("h1")


async def test_after_an_erasure_timestamped_ahead_only_delayed_records_count_as_earlier() -> None:
    """Events sent without delay are after the erasure in the log, even if its clock was ahead."""
    bench, ahead = Bench(hand_bundle()), ERASED_AT + 5 * 365 * 86_400
    await bench.intents(*intents(BEFORE, 0), command(3, at=ahead))

    at = AFTER[0].seconds
    await bench.intents(*waited(AFTER[:1], 4, accepted=at - 600, logged=at))
    assert stored(bench).state.events == 0

    await bench.intents(*waited(AFTER[1:], 5, accepted=at - 1, logged=at))
    assert stored(bench).state.events == len(AFTER) - 1
