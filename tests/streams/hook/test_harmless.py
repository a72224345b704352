"""A hook never harms its host, whatever the gateway, the secrets, an observer or the loop does."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from detector.contracts.confirmations import ConfirmationResult, Refusal, Result
from detector.contracts.decisions import ConfirmMethod, Decision, Rung, Verdict
from detector.contracts.events import Act, IntentEvent, OutcomeKind
from streams.files.keyring import new_keyring
from streams.hook import (
    AsyncHook,
    Call,
    CommandNotAllowed,
    Hook,
    InvalidValue,
    RejectedEvent,
    SecretsFile,
    Tokens,
)
from streams.local.processes import free_port
from streams.wire.records import DECISION
from tests.detector.builders import DOUBTFUL, event, hand_bundle, heard, outcome, run, send_message
from tests.streams.hook.fake_gateway import gateway, saying
from tests.streams.hook.test_client import right

COMMAND = event(1, commits=True, act=Act.INITIATE, wake_confidence=0.9)
ASKED = run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1]
KEYRING = new_keyring("acme", datetime(2026, 1, 1, tzinfo=UTC))
NOWHERE = "http://127.0.0.1:9"
#: A busy machine may need more than the default deadline to see that a connection is refused.
PATIENT_MS = 10_000


class Hanging:
    """A store of secrets that blocks."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def secret(self, _: str) -> bytes:
        self.free.wait(30)
        return b"1" * 32

    def forget(self, _: str) -> bool:
        raise NotImplementedError


def code(decision: Decision) -> str:
    assert (decision.rung, decision.degraded, decision.verdict) == (
        Rung.POLICY,
        True,
        Verdict.CONFIRM,
    )
    return decision.reasons[0].code


# Secrets


def test_a_hung_secret_store_is_abandoned_at_the_deadline() -> None:
    store = Hanging()
    with Hook(NOWHERE, tokens=Tokens(KEYRING, store)) as hook:
        began = time.monotonic()
        assert code(hook.decide(COMMAND)) == "secret_unavailable"
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False
        assert time.monotonic() - began < 5.0  # twice 0.15 s; the store takes 30
    store.free.set()


async def test_a_hung_secret_store_does_not_block_the_event_loop() -> None:
    store, ticks = Hanging(), 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with AsyncHook(NOWHERE, tokens=Tokens(KEYRING, store), deadline_ms=300) as hook:
        assert code(await hook.decide(COMMAND)) == "secret_unavailable"
    assert ticks > 3
    ticking.cancel()
    store.free.set()


def test_hung_calls_are_bounded_and_further_calls_are_answered_at_once() -> None:
    store = Hanging()
    with (
        Hook(NOWHERE, tokens=Tokens(KEYRING, store), deadline_ms=200) as hook,
        ThreadPoolExecutor(40) as pool,
    ):
        decisions = list(pool.map(lambda _: hook.decide(COMMAND), range(40)))
        assert {code(decision) for decision in decisions} == {"secret_unavailable"}
        assert len([each for each in threading.enumerate() if each.name == "misfire-aside"]) <= 16
        assert any(
            "earlier calls are still blocked" in decision.reasons[0].text for decision in decisions
        )
        store.free.set()


def locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    return other


def removed(path: Path) -> None:
    path.unlink()


def damaged(path: Path) -> None:
    path.write_bytes(b"no database, and long enough to be read as one" * 50)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def newer(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 7")


def short(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("INSERT OR REPLACE INTO secrets VALUES ('h1', x'00')")


def full(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TRIGGER full BEFORE INSERT ON secrets BEGIN SELECT RAISE(ABORT, 'full'); END"
        )


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "breaking",
    [locked, removed, damaged, cut, emptied, newer, short, full, a_folder],
    ids=lambda each: each.__name__,
)
def test_an_unusable_secrets_file_is_marked_and_logged(
    breaking: Callable[[Path], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secrets.db"
    store = SecretsFile(path)
    store.secret("another")
    held = breaking(path)
    there = set(tmp_path.iterdir())

    with Hook(NOWHERE, tokens=Tokens(KEYRING, store)) as hook:
        decision = hook.decide(COMMAND)
        result = hook.confirm(
            ASKED, ConfirmMethod.PIN, proof="p", slots={"contact": "Ann"}, household_id="h1"
        )
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False

    assert code(decision) == "secret_unavailable"
    assert (result.result, result.reason) == (Result.REFUSED, Refusal.UNCHECKED)
    assert "secret" in result.text
    assert "the policy's rule answers" in caplog.text
    assert set(tmp_path.iterdir()) == there  # and no file was created
    if isinstance(held, sqlite3.Connection):
        held.close()


def test_a_secret_is_read_from_a_full_database(tmp_path: Path) -> None:
    store = SecretsFile(tmp_path / "secrets.db")
    secret = store.secret("h1")
    with sqlite3.connect(tmp_path / "secrets.db") as file:
        file.execute(
            "CREATE TRIGGER full BEFORE INSERT ON secrets BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    assert store.secret("h1") == secret


@pytest.mark.parametrize("secret", [None, "text" * 10, b"", b"short"])
def test_nothing_is_sent_if_the_store_returns_no_valid_secret(secret: object) -> None:
    class Wrong:
        def secret(self, _: str) -> bytes:
            return secret  # type: ignore[return-value]

        def forget(self, _: str) -> bool:
            return False

    with Hook(NOWHERE, tokens=Tokens(KEYRING, Wrong())) as hook:
        assert code(hook.decide(COMMAND)) == "secret_unavailable"


# What a gateway, or something in its place, answers


def sound() -> dict[str, object]:
    decision: dict[str, object] = json.loads(DECISION.encode(right()))
    return decision


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b" " * 10_000_000 + DECISION.encode(right()), {}),
        (gzip.compress(DECISION.encode(right())), {"content_encoding": "gzip"}),
        (gzip.compress(b"\0" * 50_000_000), {"content_encoding": "gzip"}),
        (DECISION.encode(right()), {"content_encoding": "br"}),
        (DECISION.encode(right()), {"content_type": "text/html"}),
        (b"[" * 100_000, {}),
        (b'{"a":' * 10_000, {}),
        (json.dumps(sound() | {"misfire_probability": float("nan")}).encode(), {}),
        (json.dumps(sound() | {"surprisal_bits": float("inf")}).encode(), {}),
        (json.dumps(sound() | {"misfire_probability": 7.0}).encode(), {}),
        (json.dumps(sound() | {"misfire_probability": -0.1}).encode(), {}),
        (json.dumps(sound() | {"p_value": 1.5}).encode(), {}),
        (json.dumps(sound()).replace("{", '{"event_id": "e9",', 1).encode(), {}),
        (json.dumps(sound() | {"household_id": "h2"}).encode(), {}),
        (json.dumps(sound() | {"intent": "lights.TurnOn"}).encode(), {}),
        (json.dumps(sound() | {"verdict": "block", "effective_verdict": "allow"}).encode(), {}),
        (
            json.dumps(
                sound() | {"verdict": "confirm", "effective_verdict": "confirm", "confirm": None}
            ).encode(),
            {},
        ),
    ],
)
def test_an_implausible_answer_is_rejected(body: bytes, headers: dict[str, str]) -> None:
    with gateway(saying(200, body, **headers)) as url, Hook(url, deadline_ms=5_000) as hook:
        assert code(hook.decide(COMMAND)) == "gateway_error"


def test_a_redirect_is_not_followed() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as real:
        moved = saying(307, b"", location=f"{real}/v1/decide")
        with gateway(moved) as url, Hook(url, deadline_ms=5_000) as hook:
            assert code(hook.decide(COMMAND)) == "gateway_error"


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_proxys_error_page_is_not_a_refusal_by_the_gateway(status: int) -> None:
    with (
        gateway(saying(status, b"<html>", content_type="text/html")) as url,
        Hook(url, deadline_ms=5_000) as hook,
    ):
        assert code(hook.decide(COMMAND)) == "gateway_error"
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED


def test_an_endless_body_is_abandoned_at_the_deadline() -> None:
    done = threading.Event()

    def drips(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.01):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    with gateway(drips) as url, Hook(url, deadline_ms=200) as hook:
        assert code(hook.decide(COMMAND)) == "gateway_timeout"
        done.set()


def test_cookies_are_not_sent_back() -> None:
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append(handler.headers["cookie"])
        saying(200, DECISION.encode(right()), set_cookie="a=b")(handler, body)

    with gateway(answer) as url, Hook(url, deadline_ms=5_000) as hook:
        assert [hook.decide(COMMAND) for _ in range(2)] == [right()] * 2
    assert seen == [None, None]


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", "garbage://")
    with (
        gateway(saying(200, DECISION.encode(right()))) as url,
        Hook(url, deadline_ms=5_000) as hook,
    ):
        assert hook.decide(COMMAND) == right()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSLKEYLOGFILE"])
def test_a_certificate_variable_with_a_missing_file_does_not_stop_the_host(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/nowhere/file")
    with Hook(f"https://127.0.0.1:{free_port()}", deadline_ms=5_000) as hook:
        assert code(hook.decide(COMMAND)) == "gateway_unreachable"


# What the caller gives


@pytest.mark.parametrize("wrong", [None, "e1", 7, outcome("e1", OutcomeKind.EXECUTED)])
def test_a_value_of_another_type_raises_invalid_value(wrong: object) -> None:
    with Hook(NOWHERE) as hook:
        for method in (hook.decide, hook.report):
            if method == hook.report and not isinstance(wrong, str | int | None):
                continue
            with pytest.raises(InvalidValue, match="expected a value of type"):
                method(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            hook.confirm(wrong, ConfirmMethod.PIN)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            hook.confirm(ASKED, "shouting")  # type: ignore[arg-type]


def test_a_numeric_slot_is_rejected_without_repeating_its_value() -> None:
    with Hook(NOWHERE, tokens=Tokens(KEYRING)) as hook, pytest.raises(RejectedEvent) as refused:
        hook.decide(replace_slots(4242))
    assert "4242" not in str(refused.value)


def replace_slots(value: object) -> IntentEvent:
    broken = event(1, commits=True)
    object.__setattr__(broken, "slots", {"door": value})
    return broken


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "127.0.0.1:8750"},
        {"url": "ftp://127.0.0.1"},
        {"url": "http://"},
        {"url": 7},
        {"deadline_ms": 0},
        {"deadline_ms": float("nan")},
        {"deadline_ms": "150"},
        {"token": "new\nline"},
        {"token": "schlüssel"},
    ],
)
def test_an_invalid_argument_is_named_when_the_hook_is_created(
    arguments: dict[str, object],
) -> None:
    with pytest.raises(InvalidValue, match=next(iter(arguments))):
        Hook(**({"url": NOWHERE} | arguments))  # type: ignore[arg-type]


# Observers and guards


def test_observers_get_every_call_once_without_ids() -> None:
    calls: list[Call] = []
    with Hook(NOWHERE, deadline_ms=PATIENT_MS, observers=[calls.append]) as hook:
        hook.decide(COMMAND)
        hook.confirm(ASKED, ConfirmMethod.PIN, proof="p")
        hook.report(outcome("e1", OutcomeKind.EXECUTED))
    assert [(call.method, call.result, call.rung, call.reason) for call in calls] == [
        ("decide", "confirm", "policy", "gateway_unreachable"),
        ("confirm", "refused", "", "unchecked"),
        ("report", "not_applied", "", ""),
    ]


def test_an_observer_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Call] = []

    def raising(_: Call) -> None:
        raise RuntimeError("no")

    with Hook(NOWHERE, deadline_ms=PATIENT_MS, observers=[raising, calls.append]) as hook:
        assert code(hook.decide(COMMAND)) == "gateway_unreachable"
    assert len(calls) == 1
    assert "an observer of the hook raised RuntimeError" in caplog.text


def test_an_observer_may_call_the_hook() -> None:
    calls: list[Call] = []

    def asking(call: Call) -> None:
        calls.append(call)
        if len(calls) == 1:
            hook.decide(COMMAND)

    with Hook(NOWHERE, deadline_ms=PATIENT_MS, observers=[asking]) as hook:
        assert code(hook.decide(COMMAND)) == "gateway_unreachable"
    assert len(calls) == 2


@pytest.mark.parametrize(
    "found",
    [
        True,
        "confirmed",
        ConfirmationResult(
            confirmation_id="another", answer_id="a", household_id="h1", result=Result.CONFIRMED
        ),
        ConfirmationResult(
            confirmation_id=(ASKED.confirm and ASKED.confirm.confirmation_id) or "",
            answer_id="a",
            household_id="h2",
            result=Result.CONFIRMED,
        ),
    ],
)
def test_a_guard_accepts_only_a_confirmation_of_its_question(found: object) -> None:
    with gateway(saying(200, DECISION.encode(ASKED))) as url, Hook(url, deadline_ms=5_000) as hook:

        @hook.guard(lambda: event(2, commits=True), ask=lambda _: found)  # type: ignore[arg-type,return-value]
        def send() -> None:
            raise AssertionError

        with pytest.raises(CommandNotAllowed):
            send()


def test_a_log_handler_that_raises_does_not_affect_the_caller() -> None:
    class Raising(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            raise ValueError("I/O operation on closed file")

    handler = Raising()
    logging.getLogger("streams").addHandler(handler)
    try:
        with Hook(NOWHERE, deadline_ms=PATIENT_MS) as hook:
            assert code(hook.decide(COMMAND)) == "gateway_unreachable"
    finally:
        logging.getLogger("streams").removeHandler(handler)


# Event loops


def test_one_hook_serves_several_loops_in_turn_and_at_once() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url:
        hook = AsyncHook(url, deadline_ms=5_000)

        async def ask() -> Decision:
            decision = await hook.decide(COMMAND)
            await hook.close()
            return decision

        assert [asyncio.run(ask()) for _ in range(3)] == [right()] * 3
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: asyncio.run(ask()), range(8))) == [right()] * 8


def test_a_closed_loop_is_forgotten() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url:
        hook = AsyncHook(url, deadline_ms=5_000)
        for _ in range(5):
            asyncio.run(hook.decide(COMMAND))
        (ours,) = hook._requests.connections._open.values()
        assert len(ours) == 1


async def test_a_hook_can_be_closed_twice_and_used_afterwards() -> None:
    with gateway(saying(200, DECISION.encode(right()))) as url:
        hook = AsyncHook(url, deadline_ms=5_000)
        await hook.close()
        assert await hook.decide(COMMAND) == right()
        await hook.close()
        await hook.close()
        assert await hook.decide(COMMAND) == right()
        await hook.close()


def test_without_an_event_loop_the_policy_answers() -> None:
    hook = AsyncHook(NOWHERE)
    with pytest.raises(StopIteration) as ended:
        hook.decide(COMMAND).send(None)
    assert code(ended.value.value) == "client_error"


async def test_a_cancelled_call_does_not_count_as_a_failure() -> None:
    def silent(*_: object) -> None:
        time.sleep(1)

    with gateway(silent) as url:
        hook = AsyncHook(url, deadline_ms=60_000)
        for _ in range(6):
            asking = asyncio.create_task(hook.decide(COMMAND))
            await asyncio.sleep(0.02)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert not hook._requests.connections.current().rest.active(time.monotonic())
        await hook.close()


# Slots that changed, in another process


def test_another_process_confirms_changed_slots_with_the_household_id(tmp_path: Path) -> None:
    store = SecretsFile(tmp_path / "secrets.db")
    asked_here, elsewhere = Tokens(KEYRING, store), Tokens(KEYRING, store)
    assert ASKED.confirm is not None
    decision = replace(ASKED, household_id=asked_here.household("millers"))
    seen: list[dict[str, object]] = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append(json.loads(body))
        saying(404, b"{}")(handler, body)

    with gateway(answer) as url, Hook(url, tokens=elsewhere) as hook:
        unknown = hook.confirm(decision, ConfirmMethod.PIN, proof="p", slots={"contact": "Ann"})
        assert "household_id" in unknown.text
        assert not seen
        hook.confirm(
            decision, ConfirmMethod.PIN, proof="p", slots={"contact": "Ann"}, household_id="millers"
        )
        with pytest.raises(RejectedEvent, match="household_id"):
            hook.confirm(
                decision, ConfirmMethod.PIN, slots={"contact": "Ann"}, household_id="smiths"
            )

    now = datetime.now(UTC)
    assert seen[0]["slots"] == asked_here.slots("millers", {"contact": "Ann"}, now)
