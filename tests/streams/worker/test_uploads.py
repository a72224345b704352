from __future__ import annotations

from base64 import b64encode

import pytest

from detector.contracts.events import OutcomeKind
from detector.household.state import HouseholdState
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, INTENTS, OUTCOMES
from streams.wire.records import HISTORY, UPLOAD, HouseholdUpload
from streams.wire.state.packing import Stored, pack, unpack
from tests.detector.builders import START, SURE, hand_bundle, heard, outcome, run, send_message
from tests.streams.fakes import Bench, FakeEvent, intent_record, intents_mark, outcome_record

EVENTS = [*heard(send_message(), SURE), *heard(send_message(10, session="s2", days=1.0), SURE)]
LATER = heard(send_message(20, session="s3", days=2.0), SURE)
_, STATE = run(EVENTS, hand_bundle())
HISTORIC = [(HISTORY, b"1")]


def upload(offset: int, state: HouseholdState = STATE) -> FakeEvent:
    packed = b64encode(pack(Stored(state=state))).decode()
    given = HouseholdUpload(upload_id="u1", household_id="h1", time=START, state=packed)
    headers = [("ce_type", UPLOAD.type.encode())]
    return FakeEvent(INTENTS, offset, b"h1", UPLOAD.encode(given), headers)


async def test_an_uploaded_home_goes_on_as_if_it_had_been_there() -> None:
    bench = Bench(hand_bundle())
    history = [intent_record(each, number, HISTORIC) for number, each in enumerate(EVENTS)]
    said = outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0, HISTORIC)
    await bench.intents(*history, upload(6))
    await bench.outcomes(said)

    assert bench.kafka.on(DECISIONS) == bench.kafka.on(DEAD_LETTERS) == []
    assert all(record.acked for record in (*history, said))
    stored = unpack(bench.table.data[b"h1"])
    assert stored.state == STATE
    assert stored.intents == (intents_mark(6),)

    await bench.intents(*(intent_record(each, 7 + number) for number, each in enumerate(LATER)))
    decisions, state = run(LATER, hand_bundle(), STATE)
    assert unpack(bench.table.data[b"h1"]).state == state
    assert len(bench.kafka.on(DECISIONS)) == len(decisions)


async def test_a_second_upload_is_refused_and_a_redelivered_one_is_skipped() -> None:
    bench = Bench(hand_bundle())
    await bench.intents(upload(0), upload(0), upload(1, HouseholdState.new("h1")))
    assert unpack(bench.table.data[b"h1"]).state == STATE
    [letter] = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"household_known"


@pytest.mark.parametrize(
    "wrong",
    [
        upload(0, state=HouseholdState.new("h2")),
        FakeEvent(
            INTENTS,
            0,
            b"h1",
            UPLOAD.encode(
                HouseholdUpload(upload_id="u1", household_id="h1", time=START, state="no base64!")
            ),
            [("ce_type", UPLOAD.type.encode())],
        ),
    ],
)
async def test_a_state_that_is_unreadable_or_another_households_is_refused(
    wrong: FakeEvent,
) -> None:
    bench = Bench(hand_bundle())
    await bench.intents(wrong)
    [letter] = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"schema"
    assert b"h1" not in bench.table.data


async def test_history_of_outcomes_changes_nothing() -> None:
    bench = Bench(hand_bundle())
    await bench.outcomes(outcome_record(outcome("e2", OutcomeKind.UNDONE), 0, HISTORIC))
    assert bench.kafka.on(OUTCOMES) == []
    assert bench.table.data == {}
