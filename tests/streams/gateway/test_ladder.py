from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.events import Act, IntentEvent, OutcomeKind, OutcomeSource
from detector.contracts.rules import RuleAct
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.rule_set import NO_RULES
from detector.decision.rule_timeline import RuleTimeline
from detector.household.state import HouseholdState
from streams.errors import RecordError
from streams.files.policy import read_policy
from streams.gateway.exchange.replies import PendingRequest, Reply
from streams.gateway.ladder import Answer, Ladder
from streams.gateway.request_context import RequestContext
from streams.kafka.topics import INCIDENTS, INTENTS, OUTCOMES
from streams.wire.late_answer import LATE
from streams.wire.records import (
    COMMAND,
    DECISION,
    OUTCOME,
    REFUSAL,
    Command,
    HouseholdCommand,
    Refusal,
)
from streams.worker.erasure import answer_erased
from tests.detector.builders import START, event, hand_bundle
from tests.detector.rules import rule

DEADLINE = 0.2


class FakeExchange:
    """Records what is sent; a test sets the replies."""

    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected
        self.sent: list[tuple[str, bytes]] = []
        self.replies: dict[str, asyncio.Future[Reply]] = {}
        self.stored = True
        self.given_up: list[str] = []

    def request(self, topic: str, key: str, value: bytes, headers: Any) -> PendingRequest:
        self.send(topic, key, value, headers)
        correlation = str(len(self.replies))
        self.replies[correlation] = asyncio.get_running_loop().create_future()
        return PendingRequest(correlation, self.replies[correlation], stored=self.stored)

    def send(self, topic: str, key: str, value: bytes, headers: Any) -> None:  # noqa: ARG002
        self.sent.append((topic, value))

    def abandon(self, correlation: str) -> None:
        """Record the call; unlike the real one, keep the future for the test."""
        self.given_up.append(correlation)


@pytest.fixture
def bundle() -> Bundle:
    return hand_bundle()


@pytest.fixture
def ladder(bundle: Bundle) -> Ladder:
    return Ladder(bundle.policy, bundle)


def command(**fields: Any) -> Any:
    return event(1, commits=True, act=Act.INITIATE, wake_confidence=0.9, **fields)


def workers_decision(bundle: Bundle) -> Decision:
    return decide(HouseholdState.new("h1"), command(), bundle, at=command().seconds)[0]


def outcomes(exchange: FakeExchange) -> list[Any]:
    return [OUTCOME.decode(value) for topic, value in exchange.sent if topic == OUTCOMES]


def value_of(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def decide_command(
    ladder: Ladder, exchange: FakeExchange, deadline: float = DEADLINE
) -> Decision:
    return (await ask(ladder, exchange, command(), deadline)).decision


async def until_requested(exchange: FakeExchange) -> None:
    while not exchange.replies:  # noqa: ASYNC110 - two steps of the loop
        await asyncio.sleep(0)


async def ask(
    ladder: Ladder,
    exchange: FakeExchange,
    asked: IntentEvent,
    seconds: float = DEADLINE,
    callback: str | None = None,
) -> Answer:
    return await ladder.decide(asked, exchange, RequestContext(seconds=seconds, callback=callback))  # type: ignore[arg-type]


async def test_a_decision_of_the_worker_in_time_is_the_answer(
    ladder: Ladder, bundle: Bundle
) -> None:
    exchange = FakeExchange()
    task = asyncio.create_task(decide_command(ladder, exchange, 5.0))
    await until_requested(exchange)
    exchange.replies["0"].set_result(
        Reply(DECISION.type, DECISION.encode(workers_decision(bundle)))
    )

    answer = await task

    assert answer == workers_decision(bundle)
    assert answer.rung is Rung.WORKER
    assert not outcomes(exchange)


async def test_without_a_worker_the_gateway_answers_with_a_reason(ladder: Ladder) -> None:
    exchange = FakeExchange()

    answer = await decide_command(ladder, exchange)

    assert (answer.rung, answer.degraded) == (Rung.GATEWAY, True)
    assert answer.reasons[0].code == "worker_timeout"


async def test_without_a_broker_requests_do_not_wait(ladder: Ladder) -> None:
    exchange = FakeExchange(connected=False)

    answer = await asyncio.wait_for(decide_command(ladder, exchange, 60.0), 5.0)

    assert (answer.rung, answer.reasons[0].code) == (Rung.GATEWAY, "broker_unreachable")
    assert [topic for topic, _ in exchange.sent] == [INTENTS, OUTCOMES]


async def test_without_a_bundle_the_policy_answers(bundle: Bundle) -> None:
    answer = await decide_command(Ladder(read_policy(), None), FakeExchange())

    assert (answer.rung, answer.degraded, answer.reasons[0].code) == (
        Rung.POLICY,
        True,
        "no_bundle",
    )
    assert answer.verdict is bundle.policy.classes[answer.risk_class].fallback


@pytest.mark.parametrize(
    ("connected", "stored", "why"),
    [
        (False, False, "broker_unreachable"),
        (True, False, "broker_timeout"),
        (True, True, "worker_timeout"),
    ],
)
async def test_without_a_bundle_the_reason_still_names_the_missing_worker(
    connected: bool, stored: bool, why: str
) -> None:
    exchange = FakeExchange(connected=connected)
    exchange.stored = stored

    answer = await decide_command(Ladder(read_policy(), None), exchange)

    assert [reason.code for reason in answer.reasons] == ["no_bundle", why]


async def test_another_event_with_the_id_of_a_waiting_request_is_refused(ladder: Ladder) -> None:
    exchange = FakeExchange()
    await ask(ladder, exchange, command(), 0.05)

    with pytest.raises(RecordError) as refused:
        await ask(ladder, exchange, replace(command(), session_id="another"))
    assert refused.value.code == "id_reused"


@pytest.mark.parametrize(
    ("wake", "kind"), [(0.9, OutcomeKind.EXECUTED), (0.1, OutcomeKind.EXPIRED)]
)
async def test_outcomes_of_lower_rungs_are_reported_to_the_worker(
    ladder: Ladder, wake: float, kind: OutcomeKind
) -> None:
    exchange = FakeExchange()
    asked = replace(command(), wake_confidence=wake)

    await ask(ladder, exchange, asked)

    assert [(outcome.outcome, outcome.source) for outcome in outcomes(exchange)] == [
        (kind, OutcomeSource.GATEWAY)
    ]


async def test_an_event_that_does_not_commit_has_no_outcome(ladder: Ladder) -> None:
    exchange = FakeExchange()

    await ask(ladder, exchange, replace(command(), commits=False))

    assert not outcomes(exchange)


async def test_an_unreadable_answer_is_ignored(ladder: Ladder) -> None:
    exchange = FakeExchange()
    task = asyncio.create_task(decide_command(ladder, exchange, 5.0))
    await until_requested(exchange)
    exchange.replies["0"].set_result(Reply(DECISION.type, b"{"))

    assert (await task).rung is Rung.GATEWAY


async def test_concurrent_requests_for_one_event_are_one_request(ladder: Ladder) -> None:
    exchange = FakeExchange()

    first, second = await asyncio.gather(
        decide_command(ladder, exchange), decide_command(ladder, exchange)
    )

    assert first == second
    assert [topic for topic, _ in exchange.sent].count(INTENTS) == 1


async def test_a_repeated_request_gets_the_same_decision_and_sends_nothing(ladder: Ladder) -> None:
    exchange = FakeExchange(connected=False)

    first, again = await decide_command(ladder, exchange), await decide_command(ladder, exchange)

    assert first == again
    assert [topic for topic, _ in exchange.sent] == [INTENTS, OUTCOMES]


@pytest.mark.parametrize("connected", [True, False])
async def test_another_event_with_a_used_id_is_refused(ladder: Ladder, connected: bool) -> None:
    exchange = FakeExchange(connected=connected)
    first = asyncio.create_task(decide_command(ladder, exchange))
    await asyncio.sleep(0 if connected else 0.02)

    with pytest.raises(RecordError, match="another event") as refused:
        await ask(ladder, exchange, replace(command(), session_id="another"))

    assert refused.value.code == "id_reused"
    assert (await first).event_id == command().event_id


async def test_the_worker_can_refuse_a_used_id(ladder: Ladder) -> None:
    exchange = FakeExchange()
    task = asyncio.create_task(decide_command(ladder, exchange, 5.0))
    await until_requested(exchange)
    refusal = REFUSAL.encode(Refusal(code="id_reused", detail="used"))
    exchange.replies["0"].set_result(Reply(REFUSAL.type, refusal))

    with pytest.raises(RecordError) as refused:
        await task

    assert refused.value.code == "id_reused"


async def test_the_policy_answers_if_the_worker_refuses(ladder: Ladder) -> None:
    exchange = FakeExchange()
    task = asyncio.create_task(decide_command(ladder, exchange, 5.0))
    await until_requested(exchange)
    exchange.replies["0"].set_result(
        Reply(REFUSAL.type, REFUSAL.encode(Refusal(code="key_mismatch", detail=".")))
    )

    answer = await task

    assert (answer.rung, answer.degraded, answer.reasons[0].code) == (
        Rung.POLICY,
        True,
        "worker_refused",
    )


async def test_the_shorter_deadline_of_two_requests_for_one_event_counts(ladder: Ladder) -> None:
    exchange = FakeExchange()
    patient = asyncio.create_task(decide_command(ladder, exchange, 60.0))
    await asyncio.sleep(0)

    hurried = await decide_command(ladder, exchange, 0.05)

    assert await asyncio.wait_for(patient, 5.0) == hurried


@pytest.mark.parametrize(
    ("seconds", "stored", "reason"),
    [
        (0.003, True, "deadline_too_short"),
        (0.05, False, "broker_timeout"),
        (0.05, True, "worker_timeout"),
    ],
)
async def test_the_reason_names_the_part_that_did_not_answer(
    ladder: Ladder, seconds: float, stored: bool, reason: str
) -> None:
    exchange = FakeExchange()
    exchange.stored = stored

    answer = await decide_command(ladder, exchange, seconds)

    assert (answer.rung, answer.reasons[0].code) == (Rung.GATEWAY, reason)


async def test_the_policy_answers_if_the_core_fails(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("streams.gateway.sessions.decide", fails)

    answer = await decide_command(ladder, FakeExchange())

    assert (answer.rung, answer.reasons[0].code) == (Rung.POLICY, "internal_error")


async def test_an_overloaded_gateway_answers_milder_classes_at_once_and_still_logs_them(
    bundle: Bundle,
) -> None:
    ladder, exchange = Ladder(bundle.policy, bundle, places=2), FakeExchange()
    waiting = asyncio.create_task(ask(ladder, exchange, command(), 60.0))
    await until_requested(exchange)

    shed = await asyncio.wait_for(ask(ladder, exchange, event(2, commits=False), 60.0), 5.0)

    assert (shed.decision.rung, shed.decision.degraded) == (Rung.POLICY, True)
    assert shed.decision.reasons[0].code == "overloaded"
    assert [topic for topic, _ in exchange.sent] == [INTENTS, INTENTS]
    waiting.cancel()


@pytest.mark.parametrize(("verdict", "disagreements"), [(Verdict.ALLOW, 0.0), (Verdict.BLOCK, 1.0)])
async def test_a_late_decision_is_counted_and_its_disagreement_published(
    ladder: Ladder, bundle: Bundle, verdict: Verdict, disagreements: float
) -> None:
    late, differing = (
        value_of("misfire_hook_late_total"),
        value_of("misfire_hook_late_disagreements_total"),
    )
    exchange = FakeExchange()
    heard = asyncio.create_task(anext(ladder.late_answers.listen()))
    answer = await decide_command(ladder, exchange)
    assert answer.verdict is Verdict.ALLOW
    decided = replace(workers_decision(bundle), verdict=verdict, effective_verdict=verdict)
    reply = Reply(DECISION.type, DECISION.encode(decided))

    ladder.late("0", reply, exchange)  # type: ignore[arg-type]
    ladder.late("0", reply, exchange)  # type: ignore[arg-type]
    await asyncio.sleep(0)

    assert value_of("misfire_hook_late_total") == late + 1
    assert value_of("misfire_hook_late_disagreements_total") == differing + disagreements
    incidents = [LATE.decode(value) for topic, value in exchange.sent if topic == INCIDENTS]
    assert len(incidents) == disagreements
    assert heard.done() == bool(incidents)
    if incidents:
        assert (incidents[0].answered, incidents[0].decided) == (Verdict.ALLOW, Verdict.BLOCK)
        assert (await heard)[1] == incidents[0]
    heard.cancel()


async def test_every_answer_is_counted_by_rung_and_reason(ladder: Ladder) -> None:
    labels = {
        "rung": "gateway",
        "verdict": "allow",
        "risk_class": "private_outbound",
        "reason": "worker_timeout",
    }
    before = value_of("misfire_hook_answers_total", **labels)

    await decide_command(ladder, FakeExchange())

    assert value_of("misfire_hook_answers_total", **labels) == before + 1


async def test_the_gateway_follows_a_session_but_learns_nothing(
    ladder: Ladder, bundle: Bundle
) -> None:
    exchange = FakeExchange(connected=False)
    turns = [event(number, session_id="s1") for number in range(2, 5)]

    answers = [(await ask(ladder, exchange, turn)).decision for turn in turns]

    state = HouseholdState.new("h1")
    for turn, answer in zip(turns, answers, strict=True):
        own, state = decide(state, turn, bundle, at=turn.seconds, rung=Rung.GATEWAY)
        assert answer.surprisal_bits == own.surprisal_bits


async def test_an_erased_household_is_forgotten_and_nothing_else(ladder: Ladder) -> None:
    exchange = FakeExchange()
    for number, home in enumerate(("h1", "h2")):
        await ask(ladder, exchange, replace(command(), event_id=f"e{number}", household_id=home))
    sent = HouseholdCommand(command_id="x", command=Command.ERASE, household_id="h1", time=START)
    for value in (
        b"{",
        COMMAND.encode(replace(sent, command=Command.EXPORT_REFUSED, household_id="h2")),
    ):
        ladder.late("", Reply(COMMAND.type, value), exchange)  # type: ignore[arg-type]
    ladder.late("", Reply(COMMAND.type, COMMAND.encode(sent)), exchange)  # type: ignore[arg-type]

    assert ladder._sessions is not None
    assert [home.state.household_id for home in ladder._sessions._households] == ["h2"]
    assert ladder._memory.find(replace(command(), event_id="e0", household_id="h1")) is None
    assert ladder._memory.find(replace(command(), event_id="e1", household_id="h2")) is not None
    assert len(ladder._answered) == 1


def erase(ladder: Ladder, exchange: FakeExchange, household_id: str = "h1") -> None:
    sent = HouseholdCommand(
        command_id="x", command=Command.ERASE, household_id=household_id, time=START
    )
    ladder.late("", Reply(COMMAND.type, COMMAND.encode(sent)), exchange)  # type: ignore[arg-type]


async def test_a_late_reply_does_not_restore_an_erased_household(
    ladder: Ladder, bundle: Bundle
) -> None:
    exchange = FakeExchange()
    await decide_command(ladder, exchange)
    erase(ladder, exchange)
    decided = replace(workers_decision(bundle), effective_verdict=Verdict.BLOCK)

    ladder.late("0", Reply(DECISION.type, DECISION.encode(decided)), exchange)  # type: ignore[arg-type]

    assert not [topic for topic, _ in exchange.sent if topic == INCIDENTS]
    assert not len(ladder.late_answers._kept)


async def test_a_request_in_flight_during_an_erasure_is_not_remembered(
    ladder: Ladder,
) -> None:
    exchange = FakeExchange()
    waiting = asyncio.create_task(ask(ladder, exchange, command()))
    await until_requested(exchange)
    erase(ladder, exchange)

    await waiting

    assert not len(ladder._answered)
    assert ladder._memory.find(command()) is None


async def test_a_late_answer_about_an_erased_household_is_not_an_incident(
    ladder: Ladder, bundle: Bundle
) -> None:
    exchange = FakeExchange()
    await decide_command(ladder, exchange)
    decided = replace(
        answer_erased(command(), bundle, NO_RULES, at=0.0), effective_verdict=Verdict.BLOCK
    )

    ladder.late("0", Reply(DECISION.type, DECISION.encode(decided)), exchange)  # type: ignore[arg-type]

    assert not [topic for topic, _ in exchange.sent if topic == INCIDENTS]
    assert ladder._memory.find(command()) is None


async def test_everything_is_forgotten_after_a_gap(ladder: Ladder) -> None:
    exchange = FakeExchange()
    await decide_command(ladder, exchange)

    ladder.forget_all()

    assert ladder._sessions is not None
    assert [*ladder._sessions._households, *ladder._memory._requests, *ladder._answered] == []


async def test_a_reply_about_another_household_is_ignored(ladder: Ladder, bundle: Bundle) -> None:
    exchange = FakeExchange()
    waiting = asyncio.create_task(ask(ladder, exchange, command(), 0.5))
    await until_requested(exchange)
    other = replace(workers_decision(bundle), household_id="h2")
    exchange.replies["0"].set_result(Reply(DECISION.type, DECISION.encode(other)))

    assert (await waiting).decision.rung is Rung.GATEWAY


async def test_six_batches_of_one_tenant_leave_places_for_another(bundle: Bundle) -> None:
    ladder, exchange = Ladder(bundle.policy, bundle), FakeExchange()

    def asked(number: int, tenant: str) -> asyncio.Task[Answer]:
        sent = replace(command(), event_id=f"e{number}", household_id=f"{tenant}-{number % 60}")
        context = RequestContext(seconds=60.0, tenant=tenant)
        return asyncio.create_task(ladder.decide(sent, exchange, context))  # type: ignore[arg-type]

    tasks = [asked(number, "acme") for number in range(600)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asked(number, "bolt") for number in range(50)]
    await asyncio.sleep(0.05)

    assert any(task.done() for task in tasks[:600])
    assert not any(task.done() for task in tasks[600:])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_rules_make_the_policys_answer_stricter(bundle: Bundle) -> None:
    """Without a bundle and a worker, a block holds and an allow lets nothing run."""
    ladder = Ladder(bundle.policy, None, now=START.timestamp)
    end = START + timedelta(days=1)
    ladder.use_rules(
        RuleTimeline(
            {
                "r1": rule(intent="lights.*"),
                "r2": rule(rule_id="r2", act=RuleAct.ALLOW, expires=end),
            }
        )
    )
    labels = {"act": "block", "risk_class": "reversible", "rung": "policy"}
    before = value_of("misfire_rule_commands_total", **labels)

    light = (await ask(ladder, FakeExchange(), command(intent="lights.TurnOn"))).decision
    asked = (await ask(ladder, FakeExchange(), command(household_id="h2"))).decision

    assert (light.rung, light.verdict, light.rule) == (Rung.POLICY, Verdict.BLOCK, "r1")
    assert [each.code for each in light.reasons][:2] == ["no_bundle", "rule_block"]
    assert (asked.verdict, asked.rule) == (Verdict.CONFIRM, None)
    assert value_of("misfire_rule_commands_total", **labels) == before + 1


@pytest.mark.parametrize("with_bundle", [True, False])
async def test_the_policy_answers_without_rules_that_fail(
    bundle: Bundle,
    with_bundle: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RuleTimeline, "of", fail)
    ladder = Ladder(bundle.policy, bundle if with_bundle else None, now=START.timestamp)
    labels = {"act": "failed", "risk_class": "reversible", "rung": "policy"}
    before = value_of("misfire_rule_commands_total", **labels)

    light = (await ask(ladder, FakeExchange(), command(intent="lights.TurnOn"))).decision

    assert (light.rung, light.verdict, light.degraded) == (Rung.POLICY, Verdict.ALLOW, True)
    cause = "internal_error" if with_bundle else "no_bundle"
    assert [each.code for each in light.reasons][:2] == [cause, "rules_failed"]
    assert value_of("misfire_rule_commands_total", **labels) == before + 1
    assert "the policy answers without them" in caplog.text
