from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from detector.bundle import Bundle
from detector.decisions import Decision, Rung, Verdict
from detector.events import Act, OutcomeKind, OutcomeSource
from detector.pipeline import decide
from detector.state import HouseholdState
from streams.bundles import read_policy
from streams.hook.exchange import Reply
from streams.hook.ladder import Ladder
from streams.records import DECISION, OUTCOME
from streams.topics import INTENTS, OUTCOMES
from tests.detector.builders import event, hand_bundle

DEADLINE = 0.2


class FakeExchange:
    """Takes what is sent; replies when a test says so."""

    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected
        self.sent: list[tuple[str, bytes]] = []
        self.replies: dict[str, asyncio.Future[Reply]] = {}

    def ask(self, topic: str, key: str, value: bytes, headers: Any) -> tuple[str, asyncio.Future[Reply]]:
        self.send(topic, key, value, headers)
        correlation = str(len(self.replies))
        self.replies[correlation] = asyncio.get_running_loop().create_future()
        return correlation, self.replies[correlation]

    def send(self, topic: str, key: str, value: bytes, headers: Any) -> None:  # noqa: ARG002
        self.sent.append((topic, value))

    def give_up(self, correlation: str) -> None:
        self.replies.pop(correlation)


@pytest.fixture
def bundle() -> Bundle:
    return hand_bundle()


@pytest.fixture
def ladder(bundle: Bundle) -> Ladder:
    return Ladder(bundle.policy, bundle)


def command(**fields: Any) -> Any:
    return event(1, commits=True, act=Act.INITIATE, wake_confidence=0.9, **fields)


def workers_decision(bundle: Bundle) -> Decision:
    return decide(HouseholdState.new("h1"), command(), bundle)[0]


def outcomes(exchange: FakeExchange) -> list[Any]:
    return [OUTCOME.decode(value) for topic, value in exchange.sent if topic == OUTCOMES]


def value_of(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def climb(ladder: Ladder, exchange: FakeExchange, deadline: float = DEADLINE) -> Decision:
    return (await ladder.decide(command(), exchange, deadline)).decision  # type: ignore[arg-type]


async def test_the_workers_decision_is_the_answer_when_it_comes_in_time(
    ladder: Ladder, bundle: Bundle
) -> None:
    exchange = FakeExchange()
    asked = asyncio.create_task(climb(ladder, exchange, 5.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    exchange.replies["0"].set_result(Reply(DECISION.type, DECISION.encode(workers_decision(bundle))))

    answer = await asked

    assert answer == workers_decision(bundle)
    assert answer.rung is Rung.WORKER
    assert not outcomes(exchange)


async def test_without_a_worker_the_gateway_answers_and_says_why(ladder: Ladder) -> None:
    exchange = FakeExchange()

    answer = await climb(ladder, exchange)

    assert (answer.rung, answer.degraded) == (Rung.GATEWAY, True)
    assert answer.reasons[0].code == "worker_timeout"


async def test_without_a_broker_nobody_waits_for_it(ladder: Ladder) -> None:
    exchange = FakeExchange(connected=False)

    answer = await asyncio.wait_for(climb(ladder, exchange, 60.0), 5.0)

    assert (answer.rung, answer.reasons[0].code) == (Rung.GATEWAY, "broker_unreachable")
    assert [topic for topic, _ in exchange.sent] == [INTENTS, OUTCOMES]


async def test_without_a_bundle_the_policy_answers(bundle: Bundle) -> None:
    answer = await climb(Ladder(read_policy(), None), FakeExchange())

    assert (answer.rung, answer.degraded, answer.reasons[0].code) == (Rung.POLICY, True, "no_bundle")
    assert answer.verdict is bundle.policy.classes[answer.risk_class].fallback


@pytest.mark.parametrize(("wake", "kind"), [(0.9, OutcomeKind.EXECUTED), (0.1, OutcomeKind.EXPIRED)])
async def test_the_worker_is_told_what_ran_without_it(ladder: Ladder, wake: float, kind: OutcomeKind) -> None:
    exchange = FakeExchange()
    asked = replace(command(), wake_confidence=wake)

    await ladder.decide(asked, exchange, DEADLINE)  # type: ignore[arg-type]

    assert [(outcome.outcome, outcome.source) for outcome in outcomes(exchange)] == [
        (kind, OutcomeSource.GATEWAY)
    ]


async def test_what_does_not_commit_has_no_outcome(ladder: Ladder) -> None:
    exchange = FakeExchange()

    await ladder.decide(replace(command(), commits=False), exchange, DEADLINE)  # type: ignore[arg-type]

    assert not outcomes(exchange)


async def test_an_answer_that_cannot_be_read_is_no_answer(ladder: Ladder) -> None:
    exchange = FakeExchange()
    asked = asyncio.create_task(climb(ladder, exchange, 5.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    exchange.replies["0"].set_result(Reply(DECISION.type, b"{"))

    assert (await asked).rung is Rung.GATEWAY


async def test_asking_twice_at_a_time_is_asking_once(ladder: Ladder) -> None:
    exchange = FakeExchange()

    first, second = await asyncio.gather(climb(ladder, exchange), climb(ladder, exchange))

    assert first == second
    assert [topic for topic, _ in exchange.sent].count(INTENTS) == 1


@pytest.mark.parametrize(("verdict", "disagreements"), [(Verdict.ALLOW, 0.0), (Verdict.BLOCK, 1.0)])
async def test_a_late_decision_is_counted_and_so_is_its_disagreement(
    ladder: Ladder, bundle: Bundle, verdict: Verdict, disagreements: float
) -> None:
    late, differing = value_of("misfire_hook_late_total"), value_of("misfire_hook_late_disagreements_total")
    answer = await climb(ladder, FakeExchange())
    assert answer.verdict is Verdict.ALLOW
    reply = Reply(DECISION.type, DECISION.encode(replace(workers_decision(bundle), verdict=verdict)))

    ladder.late("0", reply)
    ladder.late("0", reply)

    assert value_of("misfire_hook_late_total") == late + 1
    assert value_of("misfire_hook_late_disagreements_total") == differing + disagreements


async def test_every_answer_is_counted_by_rung_and_reason(ladder: Ladder) -> None:
    labels = {
        "rung": "gateway",
        "verdict": "allow",
        "risk_class": "private_outbound",
        "reason": "worker_timeout",
    }
    before = value_of("misfire_hook_answers_total", **labels)

    await climb(ladder, FakeExchange())

    assert value_of("misfire_hook_answers_total", **labels) == before + 1


async def test_the_gateway_follows_a_session_but_learns_nothing(ladder: Ladder, bundle: Bundle) -> None:
    exchange = FakeExchange(connected=False)
    turns = [event(number, session_id="s1") for number in range(2, 5)]

    answers = [(await ladder.decide(turn, exchange, DEADLINE)).decision for turn in turns]  # type: ignore[arg-type]

    state = HouseholdState.new("h1")
    for turn, answer in zip(turns, answers, strict=True):
        own, state = decide(state, turn, bundle, rung=Rung.GATEWAY)
        assert answer.surprisal_bits == own.surprisal_bits
