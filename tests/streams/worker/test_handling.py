from __future__ import annotations

from dataclasses import replace

import pytest

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.errors import MisfireError
from detector.contracts.events import OutcomeKind
from detector.decision import failing_closed
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from streams.errors import RecordError
from streams.wire.records import INTENT
from streams.wire.state.packing import Stored
from streams.worker import handling as processing
from streams.worker.handling import Incoming, Settled, decide_record, read_intent, settle_record
from tests.detector.builders import START, event, hand_bundle, outcome, send_message


def incoming(number: int = 0) -> Incoming:
    value = event(number)
    return Incoming("assistant.intents", 0, 7, value.seconds, b"h1", INTENT.encode(value), [])


RECORD = replace(incoming(), topic_id="11111111")


def stored() -> Stored:
    return Stored(state=HouseholdState.new("h1"))


def test_a_valid_record_is_read() -> None:
    assert read_intent(incoming()) == event()


@pytest.mark.parametrize("key", [b"h2", b"", None])
def test_a_key_that_is_not_the_household_is_refused(key: bytes | None) -> None:
    with pytest.raises(RecordError) as raised:
        read_intent(replace(incoming(), key=key))
    assert raised.value.code == "key_mismatch"


@pytest.mark.parametrize("said", [b"20260105", b"1767600000", b"2026-01-05T07:27:48", b""])
def test_a_cloudevent_whose_time_is_not_rfc_3339_is_rejected(said: bytes) -> None:
    with pytest.raises(
        RecordError, match=r"the CloudEvent's time: .* write it as RFC 3339"
    ) as raised:
        read_intent(replace(incoming(), headers=[("ce_time", said)]))
    assert raised.value.code == "schema"
    assert (
        read_intent(replace(incoming(), headers=[("ce_time", b"2026-01-05T13:12:48+05:45")]))
        == event()
    )


@pytest.mark.parametrize("years", [-50, 5])
def test_every_device_time_is_accepted(years: int) -> None:
    said = event(time=START.replace(year=START.year + years))
    assert read_intent(replace(incoming(), value=INTENT.encode(said))) == said


def test_a_decision_advances_the_offset_and_the_state() -> None:
    bundle = hand_bundle()
    decision, after, failed = decide_record(stored(), event(), RECORD, bundle, at=event().seconds)

    assert (decision, after.state) == decide(
        HouseholdState.new("h1"), event(), bundle, at=event().seconds
    )
    assert (after.intents, after.outcomes) == ((RECORD.mark,), ())
    assert not failed


def test_if_the_core_fails_the_policy_answers_and_nothing_is_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(failing_closed, "decide", fails)
    commit = send_message()[-1]

    decision, after, failed = decide_record(
        stored(), commit, RECORD, hand_bundle(), at=commit.seconds
    )

    assert failed
    assert decision.verdict is not Verdict.ALLOW
    assert decision.degraded
    assert decision.rung is Rung.WORKER
    assert [reason.code for reason in decision.reasons] == ["internal_error"]
    assert after == replace(stored(), intents=(RECORD.mark,))


def test_if_an_outcome_fails_the_offset_advances_but_not_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MisfireError

    monkeypatch.setattr(processing, "report", fails)

    found = settle_record(stored(), outcome("e1", OutcomeKind.EXECUTED), RECORD, at=0.0)

    assert found == Settled(replace(stored(), outcomes=(RECORD.mark,)), failed=True)
