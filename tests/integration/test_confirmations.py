"""Confirm at another gateway than the one that asked, and across the death of a worker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.contracts.confirmations import Refusal, Result, proof_of
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import IntentEvent
from streams.files.bundles import write_bundle
from streams.hook import Hook
from streams.local.embedded_broker import EmbeddedBroker
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    POLICY_TEXT,
    hand_bundle,
    heard,
    policy,
    send_message,
)
from tests.integration.test_gateway import PATIENT_MS, decide_all, gateway
from tests.integration.worker import Worker, prepare


def now(household: str) -> list[IntentEvent]:
    """Return the events of a message sent now that needs confirmation."""
    begin = datetime.now(UTC)
    return [
        replace(
            each,
            event_id=f"{household}-{number}",
            household_id=household,
            time=begin + timedelta(milliseconds=number),
        )
        for number, each in enumerate(heard(send_message(), DOUBTFUL))
    ]


def proof(decision: Decision) -> str:
    assert decision.confirm is not None
    assert decision.confirm.confirmation_id is not None
    return proof_of(CONFIRMATION_KEY, decision.confirm.confirmation_id, ConfirmMethod.PIN)


def test_a_question_is_answered_once_through_any_gateway_and_worker(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    place = tmp_path / "bundle"
    # Two workers start slowly on a busy machine.
    patient = policy(POLICY_TEXT.replace("expires_seconds = 60.0", "expires_seconds = 600.0"))
    write_bundle(hand_bundle(rules=patient), place)
    key = tmp_path / "key"
    key.write_bytes(CONFIRMATION_KEY)
    prepare(embedded)
    with (
        gateway(embedded.bootstrap, place, tmp_path / "g1") as one,
        gateway(embedded.bootstrap, place, tmp_path / "g2") as other,
        Hook(other, deadline_ms=PATIENT_MS) as hook,
    ):
        with Worker(
            embedded, place, tmp_path / "w1", MISFIRE_CONFIRMATION_KEY_FILE=str(key)
        ) as worker:
            worker.wait_ready()
            first, second = (decide_all(one, now(household))[-1] for household in ("h1", "h2"))
            assert {first.verdict, second.verdict} == {Verdict.CONFIRM}
            assert first.confirm is not None

            words = " ".join(first.confirm.challenge)
            forged = hook.confirm(first, ConfirmMethod.PIN, proof="0" * 64)
            theirs = hook.confirm(
                replace(first, household_id="h2"), ConfirmMethod.CHALLENGE, said=words
            )
            changed = hook.confirm(
                first, ConfirmMethod.CHALLENGE, said=words, slots={"contact": "k1_0bad"}
            )
            done = hook.confirm(first, ConfirmMethod.CHALLENGE, said=f"It is {words}!")
            with Hook(one, deadline_ms=PATIENT_MS) as elsewhere:
                again = elsewhere.confirm(first, ConfirmMethod.PIN, proof=proof(first))
            assert worker.metric("misfire_confirmations_total", result="confirmed") == 1
            assert worker.metric("misfire_confirmations_total", reason="already_answered") == 1
            worker.kill()
            unchecked = hook.confirm(second, ConfirmMethod.PIN, proof="0" * 64)

        assert (done.result, done.event_id) == (Result.CONFIRMED, "h1-2")
        assert [each.reason for each in (forged, theirs, changed, again, unchecked)] == [
            Refusal.PROOF_WRONG,
            Refusal.OTHER_HOUSEHOLD,
            Refusal.CHANGED_SLOTS,
            Refusal.ALREADY_ANSWERED,
            Refusal.UNCHECKED,
        ]
        with Worker(
            embedded, place, tmp_path / "w2", MISFIRE_CONFIRMATION_KEY_FILE=str(key)
        ) as worker:
            worker.wait_ready()
            replayed = hook.confirm(first, ConfirmMethod.CHALLENGE, said=words)
            late = hook.confirm(second, ConfirmMethod.PIN, proof=proof(second))

        assert replayed.reason is Refusal.ALREADY_ANSWERED
        assert (late.result, late.event_id) == (Result.CONFIRMED, "h2-2")
