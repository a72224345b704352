"""The stories judge the decisions that they get: each can come out right, and wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from detector.contracts.decisions import Confirm, ConfirmMethod, Decision, Rung, Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.policy.fallback import fallback_decision
from streams.files.policy import read_policy
from streams.local.demo.cast import Cast, find_cast
from streams.local.demo.runtime import HookCall, Runtime
from streams.local.demo.stories import STORIES, Stage, StoryResult

POLICY = read_policy()
ALLOW, CONFIRM, BLOCK = Verdict
Answer = Callable[[IntentEvent], Verdict]


class Worker:
    """A stack whose worker is a flag."""

    def __init__(self) -> None:
        self.alive = True
        self.history: list[str] = []

    def kill_worker(self) -> None:
        self.alive = False
        self.history.append("killed")

    def start_worker(self) -> None:
        self.alive = True
        self.history.append("started")


class Scripted(Runtime):
    """A runtime with scripted decisions."""

    def __init__(
        self, answer: Answer, worker: Worker, *, slow: float = 0.0, lies: bool = False
    ) -> None:
        super().__init__("http://127.0.0.1:1", lambda _: None, b"the key of the tests")
        self.answer, self.worker, self.slow, self.lies = answer, worker, slow, lies
        self.reported: list[tuple[str, OutcomeKind]] = []
        self.confirmed: list[str] = []

    def say(self, event: IntentEvent, *, deadline_ms: int = 1000) -> HookCall:
        alive = self.worker.alive or self.lies
        verdict = self.answer(event) if event.commits else ALLOW
        call = HookCall(
            event, decision(event, verdict, worker=alive), self.slow or deadline_ms - 1.0
        )
        self.calls.append(call)
        return call

    def confirm(self, event: IntentEvent, decision: Decision) -> bool:
        self.confirmed.append(event.event_id)
        return decision.confirm is not None

    def report(self, event: IntentEvent, outcome: OutcomeKind) -> None:
        self.reported.append((event.event_id, outcome))


def decision(event: IntentEvent, verdict: Verdict, *, worker: bool) -> Decision:
    rung = Rung.WORKER if worker else Rung.GATEWAY
    question = Confirm(methods=(ConfirmMethod.PHONE_PUSH,), prompt="Was this intended?")
    return replace(
        fallback_decision(event, POLICY, code="test", text="A test says so."),
        verdict=verdict,
        effective_verdict=verdict,
        rung=rung,
        degraded=not worker,
        confirm=question if verdict is CONFIRM else None,
    )


@pytest.fixture(scope="module")
def cast() -> Cast:
    return find_cast(seed=1, days=14, first=0)


@pytest.fixture
def play(cast: Cast) -> Callable[..., tuple[StoryResult, Scripted]]:
    def played(name: str, answer: Answer, **how: Any) -> tuple[StoryResult, Scripted]:
        worker = Worker()
        runtime = Scripted(answer, worker, **how)
        day = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=14)
        stage = Stage(runtime, worker, cast, day, np.random.default_rng(0), lambda _: None)  # type: ignore[arg-type]
        result = next(story for story in STORIES if story.name == name).play(stage)
        return result, runtime

    return played


def always(verdict: Verdict) -> Answer:
    return lambda _: verdict


def in_turn(*verdicts: Verdict) -> Answer:
    left = list(verdicts)
    return lambda _: left.pop(0)


Play = Callable[..., tuple[StoryResult, Scripted]]


@pytest.mark.parametrize("verdict", [CONFIRM, BLOCK])
def test_portland_passes_if_the_message_is_held_back(play: Play, verdict: Verdict) -> None:
    result, runtime = play("Portland", always(verdict))
    assert (result.problems, result.executed, result.meant) == ([], False, False)
    assert {outcome for _, outcome in runtime.reported} == {OutcomeKind.EXPIRED}


def test_portland_fails_if_the_message_is_sent(play: Play) -> None:
    result, _ = play("Portland", always(ALLOW))
    assert result.executed
    assert result.problems


def test_portland_fails_if_a_spoken_right_confirms_it(play: Play) -> None:
    result, _ = play("Portland", in_turn(CONFIRM, ALLOW))
    assert result.executed
    assert any("spoken right" in problem for problem in result.problems)


def test_portland_and_every_evening_name_the_same_contact_at_the_same_hour(play: Play) -> None:
    heard = [play(name, always(BLOCK))[1].calls for name in ("Portland", "Every evening")]
    contacts = [
        {turn.event.slots["contact"] for turn in calls if "contact" in turn.event.slots}
        for calls in heard
    ]
    assert contacts[0] == contacts[1]
    assert len(contacts[0]) == 1
    assert heard[0][0].event.time == heard[1][0].event.time
    assert heard[0][0].event.household_id != heard[1][0].event.household_id


def test_every_evening_passes_only_without_a_question(play: Play) -> None:
    assert play("Every evening", always(ALLOW))[0].problems == []
    assert play("Every evening", always(CONFIRM))[0].problems
    assert play("Every evening", always(BLOCK))[0].problems


def test_rare_but_meant_passes_with_a_question_the_first_time_only(play: Play) -> None:
    result, runtime = play("Rare but meant", in_turn(CONFIRM, ALLOW))
    assert (result.problems, result.executed) == ([], True)
    assert runtime.confirmed == [runtime.reported[0][0]]
    assert runtime.reported[0][1] is OutcomeKind.EXECUTED
    assert play("Rare but meant", in_turn(ALLOW, ALLOW))[0].problems == []
    assert play("Rare but meant", in_turn(CONFIRM, CONFIRM))[0].problems
    assert play("Rare but meant", in_turn(BLOCK, ALLOW))[0].problems


def test_rare_but_meant_is_new_to_the_household(play: Play, cast: Cast) -> None:
    _, runtime = play("Rare but meant", always(ALLOW))
    commands = {turn.event.domain for turn in runtime.calls if turn.event.commits}
    assert commands.isdisjoint(event.domain for event in cast.newcomer.events)


def test_misheard_fails_if_the_purchase_is_not_confirmed(play: Play) -> None:
    assert play("Misheard", always(CONFIRM))[0].problems == []
    result, _ = play("Misheard", always(ALLOW))
    assert result.executed
    assert result.problems


@pytest.mark.parametrize("verdict", list(Verdict))
def test_missing_worker_passes_with_any_marked_answer_in_time(play: Play, verdict: Verdict) -> None:
    result, runtime = play("The worker is gone", always(verdict))
    assert result.problems == []
    assert runtime.worker.history == ["killed", "started"]
    rungs = [turn.decision.rung for turn in runtime.calls]
    assert rungs[0] is Rung.WORKER
    assert rungs[1] is Rung.GATEWAY
    assert rungs[-1] is Rung.WORKER


def test_missing_worker_fails_if_the_answer_is_late_or_unmarked(play: Play) -> None:
    late, _ = play("The worker is gone", always(ALLOW), slow=9_000.0)
    assert any("deadline" in problem for problem in late.problems)
    unmarked, _ = play("The worker is gone", always(ALLOW), lies=True)
    assert any("marked" in problem for problem in unmarked.problems)
