from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal, Result
from detector.contracts.decisions import ConfirmMethod, Decision, Rung, Verdict
from detector.contracts.events import Act, OutcomeKind
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from streams.files.policy import read_policy
from streams.hook import AsyncHook, CommandNotAllowed, Hook, RejectedEvent
from streams.local.processes import free_port
from streams.wire.records import ANSWER, DECISION, INTENT
from tests.detector.builders import (
    DOUBTFUL,
    event,
    given_to,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)
from tests.streams.hook.fake_gateway import gateway, saying

COMMAND = event(1, commits=True, act=Act.INITIATE, wake_confidence=0.9)


def right() -> Decision:
    return decide(HouseholdState.new("h1"), COMMAND, hand_bundle(), at=COMMAND.seconds)[0]


def assert_fallback(decision: Decision, code: str) -> None:
    policy = read_policy()
    assert (decision.rung, decision.degraded, decision.reasons[0].code) == (Rung.POLICY, True, code)
    assert decision.verdict is policy.classes[decision.risk_class].fallback
    assert decision.verdict is Verdict.CONFIRM


def test_the_gateways_decision_is_returned_unchanged() -> None:
    with (
        gateway(saying(200, DECISION.encode(right()))) as url,
        Hook(url, deadline_ms=2_000) as hook,
    ):
        assert hook.decide(COMMAND) == right()


def test_the_event_and_the_deadline_are_sent() -> None:
    seen: list[tuple[int, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append((int(handler.headers["x-misfire-deadline-ms"]), body))
        saying(200, DECISION.encode(right()))(handler, body)

    with gateway(answer) as url, Hook(url, deadline_ms=2_000) as hook:
        hook.decide(COMMAND)

    ((left_ms, body),) = seen
    assert 0 < left_ms <= 2_000
    assert body == INTENT.encode(COMMAND)


def test_without_a_gateway_the_policy_answers() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}", deadline_ms=10_000) as hook:
        assert_fallback(hook.decide(COMMAND), "gateway_unreachable")


def test_a_silent_gateway_costs_no_more_than_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with Hook(url, deadline_ms=100) as hook:
            assert_fallback(hook.decide(COMMAND), "gateway_timeout")
        # The deadline is not the sum of several timeouts. Ten times allows for a busy machine.
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (503, b""),
        (404, b"{}"),
        (200, b"not json"),
        (200, b"{}"),
        (
            200,
            DECISION.encode(
                decide(HouseholdState.new("h1"), event(2), hand_bundle(), at=event(2).seconds)[0]
            ),
        ),
    ],
)
def test_an_invalid_answer_leads_to_the_fallback(status: int, body: bytes) -> None:
    with gateway(saying(status, body)) as url, Hook(url, deadline_ms=2_000) as hook:
        assert_fallback(hook.decide(COMMAND), "gateway_error")


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refused_client_gets_the_fallback(status: int) -> None:
    with gateway(saying(status, b'{"detail": "the token is not known here"}')) as url:
        with Hook(url, deadline_ms=2_000, token="t") as hook:
            decision = hook.decide(COMMAND)
        assert_fallback(decision, "gateway_refused")
        assert "the token is not known here" in decision.reasons[0].text


def test_an_invalid_event_raises_instead_of_falling_back() -> None:
    with (
        gateway(saying(422, b'{"detail": "time is in the future"}')) as url,
        Hook(url, deadline_ms=2_000) as hook,
        pytest.raises(RejectedEvent, match="time is in the future"),
    ):
        hook.decide(COMMAND)


@pytest.mark.parametrize(("status", "applied"), [(200, True), (202, False), (503, False)])
def test_report_returns_whether_the_outcome_was_applied(status: int, applied: bool) -> None:
    with gateway(saying(status, b"{}")) as url, Hook(url, deadline_ms=2_000) as hook:
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is applied


def test_report_returns_false_without_a_gateway() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False


async def test_the_async_hook_decides_and_reports() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url:
        async with AsyncHook(url, deadline_ms=2_000) as hook:
            assert await hook.decide(COMMAND) == right()
            assert await hook.report(outcome("e1", OutcomeKind.EXECUTED))


async def test_a_coroutine_gets_its_fallback_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with AsyncHook(
            f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_ms=100
        ) as hook:
            assert_fallback(await hook.decide(COMMAND), "gateway_timeout")
    async with AsyncHook(f"http://127.0.0.1:{free_port()}", deadline_ms=10_000) as hook:
        assert_fallback(await hook.decide(COMMAND), "gateway_unreachable")
        assert await hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False


def test_a_non_committing_event_is_allowed_and_marked() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        decision = hook.decide(event(1))

    assert (decision.verdict, decision.rung, decision.degraded) == (
        Verdict.ALLOW,
        Rung.POLICY,
        True,
    )


def test_a_gateway_that_keeps_failing_gets_no_requests_for_a_while() -> None:
    asked: list[bytes] = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked.append(body)
        saying(500, b"")(handler, body)

    with gateway(answer) as url, Hook(url, deadline_ms=2_000) as hook:
        decisions = [hook.decide(COMMAND) for _ in range(9)]

    assert len(asked) == 5
    assert_fallback(decisions[0], "gateway_error")
    assert_fallback(decisions[-1], "gateway_resting")


def test_a_second_attempt_rescues_a_call_on_a_hung_connection() -> None:
    """The first attempt gets no answer; the second does, with less time left."""
    seen: list[bytes] = []
    left_ms: list[int] = []
    done = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append(body)
        left_ms.append(int(handler.headers["x-misfire-deadline-ms"]))
        if len(seen) == 1:
            done.wait(10)
        saying(200, DECISION.encode(right()))(handler, body)

    with gateway(answer) as url, Hook(url, deadline_ms=2_000) as hook:
        assert hook.decide(COMMAND) == right()
        done.set()
    assert seen == [INTENT.encode(COMMAND)] * 2
    # The second attempt starts at 40 % of the deadline.
    assert left_ms[1] <= 1_200


def test_a_differing_policy_at_the_gateway_is_warned_about_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        assert handler.headers["x-misfire-policy"] == read_policy().version
        body = DECISION.encode(right())
        handler.send_response(200)
        handler.send_header("x-misfire-policy", "another")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with gateway(answer) as url, Hook(url, deadline_ms=2_000) as hook:
        assert [hook.decide(COMMAND) for _ in range(3)] == [right()] * 3

    (warning,) = [said for said in caplog.messages if "policy another" in said]
    assert f"this client falls back to policy {read_policy().version}" in warning


ASKED = run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1]


def confirming(
    answer: Callable[[ConfirmationAnswer], tuple[int, dict[str, Any]]],
) -> tuple[Callable[[BaseHTTPRequestHandler, bytes], None], list[ConfirmationAnswer]]:
    """Return a handler for confirmations, and the list of answers that it receives."""
    given: list[ConfirmationAnswer] = []

    def handle(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        said = ANSWER.decode(body)
        assert handler.path == f"/v1/confirmations/{said.confirmation_id}"
        given.append(said)
        status, found = answer(said)
        saying(status, json.dumps(found).encode())(handler, body)

    return handle, given


def result(given: ConfirmationAnswer, **fields: Any) -> dict[str, Any]:
    return {
        "confirmation_id": given.confirmation_id,
        "answer_id": given.answer_id,
        "household_id": given.household_id,
        "result": "confirmed",
        "event_id": "e2",
    } | fields


def test_a_confirmation_is_bound_to_its_question() -> None:
    handle, given = confirming(lambda said: (200, result(said)))
    with gateway(handle) as url, Hook(url) as hook:
        found = hook.confirm(
            ASKED, ConfirmMethod.CHALLENGE, said="well, falcon, I said my secret: GLACIER"
        )

    assert (found.result, found.event_id) == (Result.CONFIRMED, "e2")
    (said,) = given
    assert ASKED.confirm is not None
    assert (said.confirmation_id, said.slots) == (
        ASKED.confirm.confirmation_id,
        ASKED.confirm.slots,
    )
    assert (said.household_id, said.session_id, said.intent) == ("h1", "s1", "messages.SendMessage")
    assert said.words == ("falcon", "glacier")


def test_a_refusal_is_returned_with_its_reason() -> None:
    refusal = {"result": "refused", "reason": "expired", "text": "Too late."}
    handle, _ = confirming(
        lambda said: (410, {"detail": "x", "confirmation": result(said, **refusal)})
    )
    with gateway(handle) as url, Hook(url) as hook:
        found = hook.confirm(ASKED, ConfirmMethod.PIN, proof="p", slots={"contact": "k1_0000"})
    assert (found.result, found.reason, found.text) == (
        Result.REFUSED,
        Refusal.EXPIRED,
        "Too late.",
    )


def test_an_answer_is_retried_if_its_result_was_lost() -> None:
    answers: list[str] = []

    def answer(said: ConfirmationAnswer) -> tuple[int, dict[str, Any]]:
        answers.append(said.answer_id)
        if len(answers) == 1:
            return 504, {}
        again = {"result": "refused", "reason": "already_answered", "answered_by": said.answer_id}
        return 409, {"confirmation": result(said, **again)}

    handle, _ = confirming(answer)
    with gateway(handle) as url, Hook(url) as hook:
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").result is Result.CONFIRMED
    assert answers[0] == answers[1]


@pytest.mark.parametrize("body", [{}, {"confirmation": {}}, {"result": "confirmed"}])
@pytest.mark.parametrize("status", [200, 404, 409, 504])
def test_an_invalid_answer_confirms_nothing(status: int, body: dict[str, Any]) -> None:
    handle, given = confirming(lambda _: (status, body))
    with gateway(handle) as url, Hook(url) as hook:
        found = hook.confirm(ASKED, ConfirmMethod.PIN, proof="p")
    assert (found.result, found.reason) == (Result.REFUSED, Refusal.UNCHECKED)
    assert len(given) == 2


def test_nothing_is_confirmed_for_another_answer() -> None:
    handle, _ = confirming(lambda said: (200, result(said, answer_id="another")))
    with gateway(handle) as url, Hook(url) as hook:
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED


def test_nothing_is_confirmed_without_a_gateway() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED
        below = hook.decide(COMMAND)
        assert hook.confirm(below, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED
        with pytest.raises(RejectedEvent, match="asks nothing"):
            hook.confirm(hook.decide(event(1)), ConfirmMethod.PIN)


def test_a_guard_runs_only_allowed_commands() -> None:
    ran: list[str] = []
    with Hook(f"http://127.0.0.1:{free_port()}", deadline_ms=10_000) as hook:

        @hook.guard(lambda intent: event(1, intent=intent, commits=True))
        def carry_out(intent: str) -> str:
            """Run a command."""
            ran.append(intent)
            return intent

        assert carry_out("lights.TurnOn") == "lights.TurnOn"
        with pytest.raises(
            CommandNotAllowed, match=r"messages.SendMessage: confirm.*could not be reached"
        ):
            carry_out("messages.SendMessage")
    assert ran == ["lights.TurnOn"]
    assert carry_out.__doc__ == "Run a command."


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_guard_asks_for_confirmation_if_given_a_function_for_it(confirmed: bool) -> None:
    ran: list[str] = []
    given = given_to(ASKED)
    became = ConfirmationResult(
        confirmation_id=given.confirmation_id,
        answer_id=given.answer_id,
        household_id="h1",
        result=Result.CONFIRMED if confirmed else Result.DENIED,
    )
    with (
        gateway(saying(200, DECISION.encode(ASKED))) as url,
        Hook(url, deadline_ms=2_000) as hook,
    ):

        @hook.guard(lambda: event(2, commits=True), ask=lambda _: became)
        def send() -> None:
            ran.append("sent")

        if confirmed:
            send()
        else:
            with pytest.raises(CommandNotAllowed):
                send()
    assert ran == ["sent"] * confirmed


async def test_a_guard_wraps_coroutines() -> None:
    async with AsyncHook(f"http://127.0.0.1:{free_port()}") as hook:

        @hook.guard(lambda: event(1, intent="lights.TurnOn", commits=True))
        async def switch_on() -> str:
            return "on"

        @hook.guard(lambda: event(2, commits=True))
        async def send() -> None:
            raise AssertionError

        assert await switch_on() == "on"
        with pytest.raises(CommandNotAllowed):
            await send()
