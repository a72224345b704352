from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.events import OutcomeKind
from detector.decision import failing_closed
from detector.household.state import MAX_SESSIONS, HouseholdState
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES, REPLIES
from streams.telemetry import metrics
from streams.wire.records import (
    ANSWERED_PARTITION,
    CORRELATION_ID,
    DECISION,
    FIRST_LOGGED,
    OUTCOME_APPLIED,
    PROBE,
    PROBE_ANSWERED,
    REFUSAL,
    REPLY_PARTITION,
)
from streams.wire.state.marks import Mark
from streams.wire.state.packing import Stored, pack, unpack
from streams.worker import intents_agent
from tests.detector.builders import event, hand_bundle, outcome, run, send_message
from tests.streams.fakes import (
    PARTITIONS,
    TOPICS_HERE,
    Bench,
    FakeEvent,
    FakeStream,
    home_of,
    intent_record,
    intents_mark,
    outcome_record,
    outcomes_mark,
)

EVENTS = send_message()
ASKING = [(REPLY_PARTITION, b"2"), (CORRELATION_ID, b"c1")]


@pytest.fixture
def bench() -> Bench:
    return Bench(hand_bundle())


async def test_events_are_decided_written_and_acknowledged(bench: Bench) -> None:
    records = [intent_record(event, number) for number, event in enumerate(EVENTS)]

    await bench.intents(*records)

    wanted, state = run(EVENTS, hand_bundle())
    assert [record.value for record in bench.kafka.on(DECISIONS)] == [
        DECISION.encode(d) for d in wanted
    ]
    assert all(record.acked for record in records)
    stored = unpack(bench.table.data[b"h1"])
    assert stored.state == state
    assert stored.intents == (intents_mark(2),)
    assert bench.kafka.on(HOUSEHOLDS)[-1].value == bench.table.data[b"h1"]


async def test_records_that_wait_are_handled_in_one_turn(bench: Bench) -> None:
    first, *others = [intent_record(event, number) for number, event in enumerate(EVENTS)]
    stream = FakeStream([first])
    for each in others:
        stream.channel.queue.put_nowait(each)

    await bench.run(stream)

    wanted, _ = run(EVENTS, hand_bundle())
    assert [record.value for record in bench.kafka.on(DECISIONS)] == [
        DECISION.encode(decision) for decision in wanted
    ]
    assert all(each.acked for each in (first, *others))


async def test_a_turn_ends_where_the_partitions_were_revoked(bench: Bench) -> None:
    first, second, *_ = [intent_record(event, number) for number, event in enumerate(EVENTS)]
    second.message.generation_id = 2
    stream = FakeStream([first])
    stream.channel.queue.put_nowait(second)

    await bench.run(stream)

    assert (first.acked, second.acked) == (True, False)


async def test_nothing_is_written_or_acknowledged_before_the_broker_confirms_the_decision(
    bench: Bench,
) -> None:
    bench.kafka.hold = True
    record = intent_record(EVENTS[0], 0)

    running = asyncio.create_task(bench.intents(record))
    await asyncio.sleep(0.02)

    assert len(bench.kafka.on(DECISIONS)) == 1
    assert not bench.kafka.on(HOUSEHOLDS)
    assert not record.acked
    bench.kafka.release()
    await running
    assert len(bench.kafka.on(HOUSEHOLDS)) == 1
    assert record.acked


async def test_a_missing_topic_delays_a_record_and_the_watchdog_sees_it(
    bench: Bench,
) -> None:
    bench.kafka.gone = DECISIONS
    running = asyncio.create_task(bench.intents(intent_record(EVENTS[0], 0)))
    await asyncio.sleep(0.02)

    assert (bench.worker.households.taken, bench.worker.households.written) == (1, 0)
    bench.kafka.gone = ""
    await running


async def test_an_event_does_not_wait_for_the_previous_write(bench: Bench) -> None:
    bench.kafka.hold = True
    running = asyncio.create_task(
        bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))
    )
    await asyncio.sleep(0.02)

    assert [r.value for r in bench.kafka.on(DECISIONS)] == [
        DECISION.encode(decision) for decision in run(EVENTS, hand_bundle())[0]
    ]
    bench.kafka.release()
    await running


async def test_a_redelivered_record_is_skipped_and_its_client_answered(
    bench: Bench,
) -> None:
    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))
    before = bench.table.data[b"h1"]

    again = intent_record(EVENTS[2], 2, ASKING)
    await bench.intents(again)

    assert again.acked
    assert bench.table.data[b"h1"] == before
    assert len(bench.kafka.on(DECISIONS)) == 3
    assert [reply.value for reply in bench.kafka.on(REPLIES)] == [
        bench.kafka.on(DECISIONS)[2].value
    ]


async def test_another_event_with_a_used_id_is_refused_and_changes_nothing(bench: Bench) -> None:
    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))
    before = bench.table.data[b"h1"]

    other = intent_record(replace(EVENTS[0], intent="lights.TurnOff"), 3, ASKING)
    again = intent_record(EVENTS[0], 4, ASKING)
    await bench.intents(other, again)

    assert unpack(bench.table.data[b"h1"]).state == unpack(before).state
    (letter,) = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"id_reused"
    refused, same = bench.kafka.on(REPLIES)
    assert refused.header("ce_type") == REFUSAL.type.encode()
    assert REFUSAL.decode(refused.value).code == "id_reused"
    assert same.value == bench.kafka.on(DECISIONS)[0].value


async def test_an_id_used_before_a_restart_stays_used(bench: Bench) -> None:
    await bench.intents(intent_record(EVENTS[0], 0))
    restarted = Bench(hand_bundle())
    restarted.table.data |= bench.table.data

    await restarted.intents(intent_record(replace(EVENTS[0], device_id="another"), 1, ASKING))

    assert [reply.header("ce_type") for reply in restarted.kafka.on(REPLIES)] == [
        REFUSAL.type.encode()
    ]


async def test_every_event_in_a_recreated_topic_is_decided(bench: Bench) -> None:
    """A recreated topic starts at offset zero again; none of these events is a duplicate."""
    await bench.intents(*(intent_record(e, 50 + n) for n, e in enumerate(EVENTS)))
    anew = Bench(hand_bundle(), identities=Identities({INTENTS: "33333333"}, {}))
    anew.table.data |= bench.table.data
    before = metrics.EARLIER_TOPIC.labels(INTENTS)._value.get()
    later = send_message(first=10, days=1.0, session="s2")

    await anew.intents(*(intent_record(e, n) for n, e in enumerate(later)))

    wanted, state = run([*EVENTS, *later], hand_bundle())
    assert [record.value for record in anew.kafka.on(DECISIONS)] == [
        DECISION.encode(d) for d in wanted[3:]
    ]
    stored = unpack(anew.table.data[b"h1"])
    assert stored.state == state
    assert stored.intents == (Mark("33333333", home_of(b"h1"), 2),)
    assert metrics.EARLIER_TOPIC.labels(INTENTS)._value.get() == before + 1


async def test_a_household_moved_to_another_partition_is_decided_there(bench: Bench) -> None:
    """After partitions were added, a state contains marks of the household's old partition."""
    state = Stored(
        state=HouseholdState.new("h1"), intents=(Mark(TOPICS_HERE.of(INTENTS), 17, 1000),)
    )
    bench.table.data[b"h1"] = pack(state)

    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))

    assert len(bench.kafka.on(DECISIONS)) == len(EVENTS)
    assert unpack(bench.table.data[b"h1"]).intents == (*state.intents, intents_mark(2))


async def test_without_topic_ids_a_repeated_event_gets_its_decision_again(
    bench: Bench,
) -> None:
    """A state of version 0.1.0 stores only an offset."""
    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))
    known = replace(unpack(bench.table.data[b"h1"]), intents=())
    older = Bench(hand_bundle())
    older.table.data[b"h1"] = pack(known)

    await older.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))

    assert unpack(older.table.data[b"h1"]).state == known.state
    assert [r.value for r in older.kafka.on(DECISIONS)] == [
        r.value for r in bench.kafka.on(DECISIONS)
    ]


@pytest.mark.parametrize("topic", [INTENTS, OUTCOMES])
async def test_a_record_in_the_wrong_partition_is_forwarded_to_its_households_own(
    bench: Bench, topic: str
) -> None:
    make = intent_record(EVENTS[0], 0, ASKING)
    stray = FakeEvent(
        topic, 0, b"h1", make.message.value, ASKING, partition=(home_of(b"h1") + 1) % PARTITIONS
    )

    await (bench.intents if topic == INTENTS else bench.outcomes)(stray)

    (sent,) = bench.kafka.records
    assert (sent.topic, sent.key, sent.value) == (topic, b"h1", make.message.value)
    assert (sent.partition, sent.headers) == (
        home_of(b"h1"),
        [*ASKING, (FIRST_LOGGED, b"2000000000.000")],
    )
    assert stray.acked
    assert not bench.table.data


@pytest.mark.parametrize(
    ("said", "passed_on"), [(b"9999999999", b"2000000000.000"), (b"1.5", b"1.500")]
)
async def test_a_forwarded_record_has_its_earliest_time(
    bench: Bench, said: bytes, passed_on: bytes
) -> None:
    make, elsewhere = intent_record(EVENTS[0], 0), (home_of(b"h1") + 1) % PARTITIONS
    claimed = [(FIRST_LOGGED, said)]

    await bench.intents(
        FakeEvent(INTENTS, 0, b"h1", make.message.value, claimed, partition=elsewhere)
    )

    (sent,) = bench.kafka.records
    assert sent.headers == [(FIRST_LOGGED, passed_on)]


async def test_dropped_open_sessions_are_counted(bench: Bench) -> None:
    before = metrics.DROPPED._value.get()
    events = [event(number, session_id=f"s{number}") for number in range(MAX_SESSIONS + 2)]

    await bench.intents(*(intent_record(each, number) for number, each in enumerate(events)))

    assert metrics.DROPPED._value.get() == before + 2


async def test_a_probe_is_answered_by_its_partition_and_has_no_other_effect(bench: Bench) -> None:
    probe = FakeEvent(INTENTS, 7, None, b"{}", [("ce_type", PROBE.encode()), *ASKING], partition=3)
    before = metrics.EVENTS._value.get()

    await bench.intents(probe)

    (sent,) = bench.kafka.records
    assert (sent.topic, sent.partition) == (REPLIES, 2)
    assert sent.header("ce_type") == PROBE_ANSWERED.encode()
    assert (sent.header(CORRELATION_ID), sent.header(ANSWERED_PARTITION)) == (b"c1", b"3")
    assert probe.acked
    assert not bench.table.data
    assert metrics.EVENTS._value.get() == before


async def test_a_record_that_cannot_be_forwarded_becomes_a_dead_letter(bench: Bench) -> None:
    stray = FakeEvent(
        INTENTS, 0, b"h1", b"x" * 1_000_000, partition=(home_of(b"h1") + 1) % PARTITIONS
    )
    await bench.intents(stray)
    (letter,) = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"too_large"
    assert stray.acked


@pytest.mark.parametrize("topic", [INTENTS, OUTCOMES])
async def test_the_client_of_an_unreadable_record_gets_a_refusal(bench: Bench, topic: str) -> None:
    broken = FakeEvent(topic, 0, b"h1", b"{", ASKING)

    await (bench.intents(broken) if topic == INTENTS else bench.outcomes(broken))

    (reply,) = bench.kafka.on(REPLIES)
    assert REFUSAL.decode(reply.value).code == "not_json"


async def test_after_a_restart_the_table_shows_which_records_were_applied(bench: Bench) -> None:
    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS[:2])))
    restarted = Bench(hand_bundle())
    restarted.table.data |= bench.table.data

    await restarted.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))

    wanted, state = run(EVENTS, hand_bundle())
    assert [record.value for record in restarted.kafka.on(DECISIONS)] == [
        DECISION.encode(wanted[2])
    ]
    assert unpack(restarted.table.data[b"h1"]).state == state


async def test_a_record_of_an_earlier_assignment_is_left_to_its_new_owner(bench: Bench) -> None:
    stale = intent_record(EVENTS[0], 0, generation=0)
    await bench.intents(stale)
    bench.active = False
    late = intent_record(EVENTS[0], 0)
    await bench.intents(late)

    assert not bench.kafka.records
    assert not stale.acked
    assert not late.acked


async def test_decoded_states_are_dropped_when_partitions_are_revoked(bench: Bench) -> None:
    await bench.intents(intent_record(EVENTS[0], 0))
    await bench.worker.households.drain()
    bench.table.data.clear()

    assert bench.worker.households.get("h1").state.events == 0


async def test_the_client_of_an_outcome_learns_that_it_was_applied(bench: Bench) -> None:
    await bench.intents(*(intent_record(e, n) for n, e in enumerate(EVENTS)))
    record = outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0, ASKING)

    await bench.outcomes(record)

    (reply,) = bench.kafka.on(REPLIES)
    assert reply.header("ce_type") == OUTCOME_APPLIED.encode()
    assert reply.header(CORRELATION_ID) == b"c1"
    assert reply.partition == 2
    assert record.acked
    stored = unpack(bench.table.data[b"h1"])
    assert (stored.intents, stored.outcomes) == ((intents_mark(2),), (outcomes_mark(0),))


BAD = {
    "not_json": (b"h1", b"{", []),
    "schema": (b"h1", b"{}", []),
    "too_large": (b"h1", b'"' + b"x" * 200_000 + b'"', []),
    "key_mismatch": (b"h2", intent_record(EVENTS[0], 0).message.value, []),
    "unknown_type": (
        b"h1",
        intent_record(EVENTS[0], 0).message.value,
        [("ce_type", b"assistant.intent.v9")],
    ),
}


@pytest.mark.parametrize("reason", BAD)
async def test_an_unreadable_record_becomes_a_dead_letter_and_the_next_event_is_decided(
    bench: Bench, reason: str
) -> None:
    key, value, headers = BAD[reason]
    bad = FakeEvent(INTENTS, 7, key, value, headers)

    await bench.intents(bad, intent_record(EVENTS[0], 8))

    (letter,) = bench.kafka.on(DEAD_LETTERS)
    assert (letter.key, letter.value) == (key, value)
    assert letter.header("misfire_reason") == reason.encode()
    assert letter.header("misfire_topic") == INTENTS.encode()
    assert (letter.header("misfire_partition"), letter.header("misfire_offset")) == (
        b"%d" % home_of(key),
        b"7",
    )
    assert letter.header("misfire_error")
    assert bad.acked
    assert len(bench.kafka.on(DECISIONS)) == 1


@pytest.mark.parametrize("days", [-365.0, -0.1, 0.1, 1826.0])
async def test_every_device_time_is_accepted_and_a_wrong_one_is_marked_and_counted(
    bench: Bench, days: float
) -> None:
    before = metrics.CLOCKS_REPLACED._value.get()
    wrong = replace(EVENTS[0], time=EVENTS[0].time + timedelta(days=days))
    await bench.intents(
        intent_record(wrong, 0, timestamp=EVENTS[0].seconds),
        intent_record(EVENTS[1], 1, timestamp=EVENTS[1].seconds + 59),
    )
    assert not bench.kafka.on(DEAD_LETTERS)
    decisions = [DECISION.decode(sent.value) for sent in bench.kafka.on(DECISIONS)]
    assert [decision.clock_replaced for decision in decisions] == [True, False]
    assert metrics.CLOCKS_REPLACED._value.get() == before + 1


POISON: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = {
    "nothing at all": (None, None, []),
    "a tombstone": (b"h1", None, []),
    "no key": (None, b"{}", []),
    "a huge value": (b"h1", b"x" * 5_000_000, []),
    "a huge key": (b"k" * 5_000_000, b"x", []),
    "key and value that together are too much": (b"k" * 600_000, b"x" * 600_000, []),
}


@pytest.mark.parametrize("what", POISON)
@pytest.mark.parametrize("topic", [INTENTS, OUTCOMES])
async def test_no_record_stops_the_worker(bench: Bench, topic: str, what: str) -> None:
    poison = FakeEvent(topic, 0, *POISON[what])

    await (bench.intents if topic == INTENTS else bench.outcomes)(poison)

    assert not bench.failures
    assert poison.acked
    assert len(bench.kafka.on(DEAD_LETTERS)) == 1


HEADERS: dict[str, list[tuple[str, Any]]] = {
    "a partition that is not there": [
        (REPLY_PARTITION, str(PARTITIONS).encode()),
        (CORRELATION_ID, b"c"),
    ],
    "a partition with many digits": [(REPLY_PARTITION, b"9" * 10_000), (CORRELATION_ID, b"c")],
    "a partition that is no number": [(REPLY_PARTITION, b"-1"), (CORRELATION_ID, b"c")],
    "an empty partition": [(REPLY_PARTITION, b""), (CORRELATION_ID, b"c")],
    "headers without values": [
        (REPLY_PARTITION, None),
        (CORRELATION_ID, None),
        ("traceparent", None),
    ],
    "a huge correlation id": [(REPLY_PARTITION, b"1"), (CORRELATION_ID, b"c" * 2_000_000)],
    "a huge traceparent": [("traceparent", b"t" * 2_000_000)],
}


@pytest.mark.parametrize("what", HEADERS)
@pytest.mark.parametrize("topic", [INTENTS, OUTCOMES])
async def test_unanswerable_reply_headers_are_ignored(bench: Bench, topic: str, what: str) -> None:
    if topic == INTENTS:
        await bench.intents(intent_record(EVENTS[0], 0, HEADERS[what]))
        assert len(bench.kafka.on(DECISIONS)) == 1
    else:
        await bench.outcomes(outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0, HEADERS[what]))
    assert not bench.failures
    assert not bench.kafka.on(REPLIES)
    assert not bench.kafka.on(DEAD_LETTERS)
    assert bench.table.data


async def test_a_decision_has_the_traceparent_of_its_event(bench: Bench) -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await bench.intents(intent_record(EVENTS[0], 0, [("traceparent", trace)]))
    assert bench.kafka.on(DECISIONS)[0].header("traceparent") == trace


async def test_if_the_core_fails_the_policy_answers_with_a_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(failing_closed, "decide", failing)
        record = intent_record(EVENTS[2], 0, ASKING)
        await bench.intents(record)
    await bench.intents(intent_record(EVENTS[0], 1))

    failed, after = bench.kafka.on(DECISIONS)
    assert failed.value is not None
    decision = DECISION.decode(failed.value)
    assert decision.verdict is not Verdict.ALLOW
    assert decision.degraded
    assert [reason.code for reason in decision.reasons] == ["internal_error"]
    assert [reply.value for reply in bench.kafka.on(REPLIES)] == [failed.value]
    assert bench.kafka.on(DEAD_LETTERS)[0].header("misfire_reason") == b"internal_error"
    assert record.acked
    assert after.value == DECISION.encode(run(EVENTS[:1], hand_bundle())[0][0])


async def test_a_failing_agent_reports_its_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(intents_agent, "read_intent", failing)
    with pytest.raises(ZeroDivisionError):
        await bench.intents(intent_record(EVENTS[0], 0))
    assert [what for what, _ in bench.failures] == ["intent"]


async def test_the_error_of_a_dead_letter_repeats_no_value(bench: Bench) -> None:
    row = json.loads(intent_record(EVENTS[0], 0).message.value)
    spoken = "call-my-doctor"
    for field in ("event_id", "intent", "act", "time", "session_id", "slots", "wake_confidence"):
        broken = json.dumps(
            row | {field: {"secret": [spoken]} if field == "slots" else f"{spoken} {spoken}"}
        )
        await bench.intents(FakeEvent(INTENTS, 0, b"h1", broken.encode()))
    letters = bench.kafka.on(DEAD_LETTERS)
    assert len(letters) == 7
    assert not [
        letter for letter in letters if spoken.encode() in (letter.header("misfire_error") or b"")
    ]


async def test_a_redelivered_outcome_that_the_core_failed_on_does_not_stop_the_worker(
    bench: Bench,
) -> None:
    """The record's log time is out of the range of ``datetime``."""
    record = outcome_record(outcome("e9", OutcomeKind.EXECUTED), 0, ASKING, timestamp=1e18)
    for _ in range(2):
        await bench.outcomes(record)

    assert [sent.header("misfire_reason") for sent in bench.kafka.on(DEAD_LETTERS)] == [
        b"internal_error"
    ]
    assert not bench.kafka.on(REPLIES)
    assert record.acked
