from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.decision.bundle import Bundle
from detector.policy.fallback import fallback_decision
from streams.kafka.topics import DECISIONS
from streams.telemetry import metrics
from streams.wire.records import DECISION
from streams.worker.block_budgets import BlockBudgets
from tests.detector.builders import ABSURD, START, event, hand_bundle
from tests.streams.fakes import Bench, intent_record, outcome_record

pytestmark = pytest.mark.slow


def home(tenant: str, number: int) -> str:
    return f"{tenant}_{number:032x}"


def small_budget() -> Bundle:
    bundle = hand_bundle()
    tight = replace(bundle.policy.block_budget, least_commands=8, share=0.5)
    return replace(bundle, policy=replace(bundle.policy, block_budget=tight))


def command(number: int, household_id: str) -> IntentEvent:
    """Return a blocked command in its own session."""
    return event(
        number,
        household_id=household_id,
        event_id=f"{household_id}-{number}",
        session_id=f"{household_id}-s{number}",
        time=START + timedelta(seconds=number),
        commits=True,
        wake_confidence=ABSURD,
    )


async def decide(bench: Bench, *commands: IntentEvent, offset: int = 0) -> list[Decision]:
    before = len(bench.kafka.on(DECISIONS))
    await bench.intents(
        *(
            intent_record(each, offset + number, timestamp=START.timestamp() + offset + number)
            for number, each in enumerate(commands)
        )
    )
    return [DECISION.decode(record.value) for record in bench.kafka.on(DECISIONS)[before:]]


async def test_a_tenant_never_exhausts_the_budget_of_another() -> None:
    bench = Bench(small_budget())

    acme = await decide(bench, *(command(1, home("acme", number)) for number in range(30)))
    bolt = await decide(bench, command(1, home("bolt", 1)), offset=100)

    assert [decision.verdict for decision in acme][-1] is Verdict.CONFIRM
    assert bolt[0].verdict is Verdict.BLOCK
    assert metrics.BLOCK_BUDGET_SPENT._value.get() == 1.0


async def test_repeating_a_denied_command_300_times_does_not_use_the_budget() -> None:
    bench = Bench(small_budget())
    loud, quiet = home("acme", 1), home("acme", 2)
    (first,) = await decide(bench, command(1, loud))
    denied = Outcome(
        event_id=first.event_id,
        household_id=loud,
        outcome=OutcomeKind.DENIED,
        source=OutcomeSource.RUNTIME,
        time=START + timedelta(seconds=2),
    )
    await bench.outcomes(outcome_record(denied, 0))

    again = await decide(bench, *(command(number, loud) for number in range(2, 302)), offset=1)
    other = await decide(bench, command(1, quiet), offset=400)

    assert {decision.verdict for decision in again} == {Verdict.BLOCK}
    assert other[0].verdict is Verdict.BLOCK


def blocked(
    number: int, household_id: str, code: str | None = None
) -> tuple[IntentEvent, Decision]:
    """Return a command with its own intent, and a block, optionally with a reason."""
    asked = replace(command(number, household_id), intent=f"lights.Number{number}")
    policy = hand_bundle().policy
    decision = fallback_decision(asked, policy, code=code or "rare", text="A test decides.")
    return asked, replace(decision, verdict=Verdict.BLOCK)


def test_one_household_cannot_exhaust_the_budget_of_its_tenant() -> None:
    budget = small_budget().policy.block_budget
    for loud, quiet in (("kitchen", "garden"), (home("acme", 1), home("acme", 2))):
        budgets = BlockBudgets()
        for number in range(60):
            budgets.count(*blocked(number, loud), budget, at=1.0)

        assert budgets.spent(loud, budget)
        assert not budgets.spent(quiet, budget)


@pytest.mark.parametrize("code", ["denied_before", "awaiting_confirmation", "too_many_open"])
def test_a_repeated_refusal_does_not_count_as_a_block(code: str) -> None:
    budget = small_budget().policy.block_budget
    budgets = BlockBudgets()
    for number in range(60):
        budgets.count(*blocked(number, home("acme", number), code), budget, at=1.0)

    assert not budgets.spent(home("acme", 1), budget)


def test_an_erased_household_is_removed_from_the_budget() -> None:
    budget = small_budget().policy.block_budget
    budgets = BlockBudgets()
    for number in range(2):
        budgets.count(*blocked(1, home("acme", number)), budget, at=1.0)
    budgets.forget(home("acme", 1))
    budgets.forget(home("bolt", 1))

    assert list(budgets._windows["acme"].households) == [home("acme", 0)]


async def test_a_redelivered_record_is_not_counted_twice() -> None:
    bench = Bench(small_budget())
    records = [command(1, home("acme", number)) for number in range(3)]
    await decide(bench, *records)
    before = dict(bench.worker.context.blocks._windows)

    await decide(bench, *records)

    assert dict(bench.worker.context.blocks._windows) == before


async def test_windows_age_by_log_time_not_device_time() -> None:
    bench = Bench(small_budget())
    ahead = replace(command(1, home("acme", 1)), time=START + timedelta(days=365))
    for number in range(2, 30):
        await decide(bench, command(1, home("acme", number)), offset=number)
    await decide(bench, ahead, offset=50)
    (after,) = await decide(bench, command(1, home("acme", 99)), offset=51)
    assert after.verdict is Verdict.CONFIRM


async def test_the_number_of_tenants_with_a_window_is_bounded_and_windows_end() -> None:
    bench = Bench(small_budget())
    await decide(bench, *(command(1, home("acme", number)) for number in range(30)))
    assert metrics.BLOCK_BUDGET_SPENT._value.get() == 1.0

    await decide(bench, command(1, home("bolt", 1)), offset=10 * 3600)
    assert metrics.BLOCK_BUDGET_SPENT._value.get() == 0.0

    await decide(
        bench, *(command(1, home(f"t{number}", 1)) for number in range(300)), offset=10 * 3600 + 1
    )
    assert (
        len(bench.worker.context.blocks._windows) == len(bench.worker.context.blocks._left) == 256
    )


async def test_households_of_revoked_partitions_are_forgotten_but_not_their_tenants_totals() -> (
    None
):
    bench = Bench(small_budget())
    await decide(bench, *(command(1, home("acme", number)) for number in range(30)))
    before = bench.worker.context.blocks._windows["acme"]

    await bench.worker.release()

    after = bench.worker.context.blocks._windows["acme"]
    assert (after.commands, after.blocks) == (before.commands, before.blocks)
    assert not after.households
