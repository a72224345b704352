from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from detector.decisions import Decision, Rung, Verdict
from detector.events import Act, OutcomeKind
from detector.pipeline import decide
from detector.state import HouseholdState
from streams.bundles import read_policy
from streams.hook import AsyncHook, Hook, RejectedEvent
from streams.processes import free_port
from streams.records import DECISION, INTENT
from tests.detector.builders import event, hand_bundle, outcome

COMMAND = event(1, commits=True, act=Act.INITIATE, wake_confidence=0.9)


@contextmanager
def gateway(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[str]:
    """A gateway that answers what a test wants."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer(self, self.rfile.read(int(self.headers["content-length"])))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def saying(status: int, body: bytes) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def right() -> Decision:
    return decide(HouseholdState.new("h1"), COMMAND, hand_bundle())[0]


def assert_fallback(decision: Decision, code: str) -> None:
    policy = read_policy()
    assert (decision.rung, decision.degraded, decision.reasons[0].code) == (Rung.POLICY, True, code)
    assert decision.verdict is policy.classes[decision.risk_class].fallback
    assert decision.verdict is Verdict.CONFIRM


def test_the_gateways_decision_comes_back_as_it_is() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url, Hook(url, deadline_ms=2_000) as hook:
        assert hook.decide(COMMAND) == right()


def test_the_event_and_the_deadline_are_sent() -> None:
    seen: list[tuple[str, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append((handler.headers["x-misfire-deadline-ms"], body))
        saying(200, DECISION.encode(right()))(handler, body)

    with gateway(answer) as url, Hook(url, deadline_ms=2_000) as hook:
        hook.decide(COMMAND)

    assert seen == [("2000", INTENT.encode(COMMAND))]


def test_nobody_there() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        assert_fallback(hook.decide(COMMAND), "gateway_unreachable")


def test_somebody_there_who_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with Hook(url, deadline_ms=100) as hook:
            assert_fallback(hook.decide(COMMAND), "gateway_timeout")
        # The contract: not the sum of several time-outs. Ten times the deadline is for a busy machine.
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (503, b""),
        (404, b"{}"),
        (200, b"not json"),
        (200, b"{}"),
        (200, DECISION.encode(decide(HouseholdState.new("h1"), event(2), hand_bundle())[0])),
    ],
)
def test_an_answer_that_is_none(status: int, body: bytes) -> None:
    with gateway(saying(status, body)) as url, Hook(url, deadline_ms=2_000) as hook:
        assert_fallback(hook.decide(COMMAND), "gateway_error")


def test_a_broken_event_is_the_callers_fault_and_no_fallback_hides_it() -> None:
    with (
        gateway(saying(422, b'{"detail": "time is in the future"}')) as url,
        Hook(url, deadline_ms=2_000) as hook,
        pytest.raises(RejectedEvent, match="time is in the future"),
    ):
        hook.decide(COMMAND)


@pytest.mark.parametrize(("status", "applied"), [(200, True), (202, False), (503, False)])
def test_reporting_says_whether_it_was_applied(status: int, applied: bool) -> None:
    with gateway(saying(status, b"{}")) as url, Hook(url, deadline_ms=2_000) as hook:
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is applied


def test_reporting_to_nobody() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False


async def test_the_same_from_a_coroutine() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url:
        async with AsyncHook(url, deadline_ms=2_000) as hook:
            assert await hook.decide(COMMAND) == right()
            assert await hook.report(outcome("e1", OutcomeKind.EXECUTED))


async def test_a_coroutine_gets_its_fallback_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with AsyncHook(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_ms=100) as hook:
            assert_fallback(await hook.decide(COMMAND), "gateway_timeout")
    async with AsyncHook(f"http://127.0.0.1:{free_port()}") as hook:
        assert_fallback(await hook.decide(COMMAND), "gateway_unreachable")
        assert await hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False


def test_what_does_not_commit_is_allowed_and_marked() -> None:
    with Hook(f"http://127.0.0.1:{free_port()}") as hook:
        decision = hook.decide(event(1))

    assert (decision.verdict, decision.rung, decision.degraded) == (Verdict.ALLOW, Rung.POLICY, True)
