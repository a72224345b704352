"""The contract test: an obedient runtime passes, and each kind of disobedience is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from streams.errors import UsageError
from streams.files.keyring import new_keyring
from streams.hook import Hook, Tokens, Verdict
from streams.local.processes import free_port
from streams.runtimes import Action, AskingHook, Ruling
from streams.runtimes.contract import PROMISES, Broken, Command, Promise, ScriptedHook, Turn
from streams.runtimes.contract.targets import unguarded_of
from tests.commands import misfire
from tests.streams.runtimes.obedient import Obedient

TARGET = "python:tests.streams.runtimes.obedient"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_an_obedient_runtime_keeps_every_promise(promise: Promise) -> None:
    hook = ScriptedHook()

    promise(Obedient(hook), hook)


class RunsAll(Obedient):
    def _end(self, ruling: Ruling) -> Turn:
        return Turn(ran=[ruling.event.intent])


class RunsQuestions(Obedient):
    def say(self, command: Command) -> Turn:
        turn = super().say(command)
        return Turn(ran=[command.intent], said=turn.said, asks=True) if turn.asks else turn


class SaysNothing(Obedient):
    def say(self, command: Command) -> Turn:
        turn = super().say(command)
        return Turn(ran=turn.ran, asks=turn.asks)


class TakesEveryAnswerAsYes(Obedient):
    def answer(self, accepted: bool) -> Turn:  # noqa: ARG002
        return Turn(ran=["messages.SendMessage"])


class FollowsTheVerdictInShadow(Obedient):
    def _end(self, ruling: Ruling) -> Turn:
        blocked = ruling.decision.verdict is Verdict.BLOCK
        return Turn(said=ruling.say) if blocked else super()._end(ruling)


class RunsTwice(Obedient):
    def _end(self, ruling: Ruling) -> Turn:
        turn = super()._end(ruling)
        return Turn(ran=[*turn.ran, *turn.ran], said=turn.said)


class ReportsNothing(Obedient):
    def _end(self, ruling: Ruling) -> Turn:
        runs = ruling.action is Action.RUN
        return Turn(ran=[ruling.event.intent]) if runs else Turn(said=ruling.say)


class HasOneDevice(Obedient):
    def say(self, command: Command) -> Turn:
        return super().say(Command(intent=command.intent, slots=command.slots))


class RunsTheOldQuestionToo(Obedient):
    def say(self, command: Command) -> Turn:
        asked = self._asked
        turn = super().say(command)
        return Turn(ran=[asked.event.intent, *turn.ran]) if asked else turn


@pytest.mark.parametrize(
    ("disobedient", "promise"),
    [
        (RunsAll, "does_not_run_a_blocked_command"),
        (RunsAll, "survives_a_failing_hook"),
        (RunsQuestions, "asks_before_it_runs"),
        (SaysNothing, "does_not_run_a_blocked_command"),
        (TakesEveryAnswerAsYes, "does_not_run_after_a_no"),
        (TakesEveryAnswerAsYes, "does_not_run_after_a_refused_yes"),
        (TakesEveryAnswerAsYes, "does_not_run_when_the_answer_cannot_be_checked"),
        (TakesEveryAnswerAsYes, "runs_nothing_for_a_second_yes"),
        (FollowsTheVerdictInShadow, "runs_a_blocked_command_in_shadow"),
        (RunsTwice, "runs_an_allowed_command_once"),
        (ReportsNothing, "reports_what_ran"),
        (HasOneDevice, "sends_events_of_one_household"),
        (RunsTheOldQuestionToo, "forgets_a_question_that_another_command_follows"),
    ],
)
def test_a_broken_promise_is_found(disobedient: type[Obedient], promise: str) -> None:
    hook = ScriptedHook()
    (checked,) = (each for each in PROMISES if each.__name__ == promise)

    with pytest.raises(Broken):
        checked(disobedient(hook), hook)


def test_the_command_passes_an_obedient_runtime() -> None:
    done = misfire("runtimes", "check", TARGET, "--json", "-")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"target": TARGET, "broken": {}}
    assert f"{len(PROMISES)} of {len(PROMISES)} promises are kept" in done.stderr


def test_the_command_times_a_runtime_with_the_embedded_hook_and_without_it() -> None:
    done = misfire("runtimes", "check", TARGET, "--time", 3, "--json", "-")

    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["with"]["median"] > 0
    assert found["without"]["ran"] == 3


def test_the_command_names_the_promises_that_are_broken() -> None:
    done = misfire("runtimes", "check", f"python:{__name__}:RunsAll", "--json", "-")

    assert done.returncode == 1
    assert json.loads(done.stdout)["broken"]["does_not_run_a_blocked_command"] == (
        "messages.SendMessage ran instead of nothing"
    )


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nothing", "neither python:MODULE nor http://HOST"),
        ("python:no_such_module", "cannot be imported"),
        ("python:json", "define runtime(hook)"),
    ],
)
def test_a_wrong_target_is_a_usage_error(target: str, sentence: str) -> None:
    done = misfire("runtimes", "check", target)

    assert done.returncode == 2
    assert sentence in done.stderr


@pytest.mark.parametrize("target", ["python:json", "http://127.0.0.1:1"])
def test_a_runtime_without_an_unguarded_one_cannot_be_timed(target: str) -> None:
    with pytest.raises(UsageError):
        unguarded_of(target)


def test_a_runtime_that_is_not_there_is_a_missing_dependency() -> None:
    done = misfire(
        "runtimes", "check", f"http://127.0.0.1:{free_port()}", "--gateway-port", free_port()
    )

    assert done.returncode == 3
    assert "start it before the check" in done.stderr


@pytest.mark.parametrize("with_tokens", [True, False])
def test_a_served_runtime_is_checked_with_a_stand_in_gateway(
    with_tokens: bool,
) -> None:
    port = free_port()
    tokens = Tokens(new_keyring("home", datetime(2026, 1, 5, tzinfo=UTC))) if with_tokens else None
    with (
        Hook(f"http://127.0.0.1:{port}", deadline_ms=5000, tokens=tokens) as hook,
        served(hook) as url,
    ):
        done = misfire("runtimes", "check", url, "--gateway-port", port, "--json", "-")

    broken = json.loads(done.stdout)["broken"]
    assert (done.returncode == 0) is with_tokens, done.stderr
    assert bool(broken) is not with_tokens, broken


def test_a_runtime_that_answers_something_else_breaks_the_promise() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as url:
        done = misfire("runtimes", "check", url, "--gateway-port", free_port(), "--json", "-")

    assert done.returncode == 1
    assert "POST /say answered with status 200 instead of" in done.stdout


@contextmanager
def served(hook: AskingHook) -> Iterator[str]:
    runtime = Obedient(hook)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "time" in body:
                body["time"] = datetime.fromisoformat(body["time"])
            turn = (
                runtime.say(Command(**body))
                if self.path == "/say"
                else runtime.answer(body["accepted"])
            )
            text = json.dumps({"ran": list(turn.ran), "said": turn.said, "asks": turn.asks})
            self.send_response(200)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as url:
        yield url


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
