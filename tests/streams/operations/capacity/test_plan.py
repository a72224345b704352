from __future__ import annotations

from dataclasses import replace

import pytest

from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS
from streams.operations.capacity.constants import MEASURED
from streams.operations.capacity.demand import Demand, Prices, problems
from streams.operations.capacity.plan import make_plan
from streams.operations.capacity.usage import changelog_records, worker_gib

TOWN = Demand(
    households=100_000, commands_per_day=10.0, events_per_command=1.5, peak=2.7, replication=3
)


def test_events_and_requests_follow_from_the_commands() -> None:
    load = make_plan(TOWN).load
    assert (load.events_a_day, load.commands_a_day) == (1_500_000.0, 1_000_000.0)
    assert load.requests == pytest.approx(2_500_000 * 2.7 / 86_400)


def test_disk_is_what_is_written_until_the_end_of_the_retention_in_all_copies() -> None:
    disk = make_plan(TOWN).disk_gib
    intent = MEASURED["intent"].value + 70
    assert disk[INTENTS] == pytest.approx(3 * 31 * 1_500_000 * intent / 2**30)
    decision = MEASURED["decision"].value + 70
    assert disk[DECISIONS] == pytest.approx(3 * 91 * 1_500_000 * decision / 2**30)


def test_the_changelog_holds_each_household_and_what_is_not_compacted_yet() -> None:
    found = make_plan(TOWN)
    segment = 16 * 2**20 / (MEASURED["state"].value + 70)
    assert found.changelog_records == round(100_000 / 0.8 + found.partitions * segment)
    assert found.disk_gib[HOUSEHOLDS] == pytest.approx(
        3 * changelog_records(100_000, found.partitions) * (MEASURED["state"].value + 70) / 2**30
    )


@pytest.mark.parametrize("households", [1, 10_000, 100_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("commands", [0.1, 10.0, 500.0])
def test_the_others_suffice_while_one_worker_is_replaced(households: int, commands: float) -> None:
    demand = replace(TOWN, households=households, commands_per_day=commands)
    found = make_plan(demand)
    load_each = found.load.requests * MEASURED["worker_cpu"].value / 1e6 / (found.workers - 1)
    assert load_each <= demand.busy
    assert found.worker_gib <= demand.worker_gib
    assert found.recovery_seconds <= demand.recovery_seconds
    assert worker_gib(households / (found.workers - 1)) == pytest.approx(found.worker_gib)
    assert found.partitions >= min(found.workers, 1_024)
    assert all(limit.households >= 1 for limit in found.limits)
    assert sorted(found.limits, key=lambda limit: limit.households) == list(found.limits)


def test_more_commands_and_households_never_need_less() -> None:
    counts = [
        (found.workers, found.gateways, found.brokers, found.partitions)
        for households in (1_000, 30_000, 100_000, 2_000_000)
        for found in [make_plan(replace(TOWN, households=households))]
    ]
    assert counts == sorted(counts)


def test_each_limit_is_where_the_plan_grows() -> None:
    """Just beyond the limit of the workers' CPU, the plan has one worker more."""
    town = replace(TOWN, commands_per_day=300.0)
    found = make_plan(town)
    assert found.sets_workers == "CPU"
    (limit,) = (each for each in found.limits if each.part == f"worker {found.sets_workers}")
    within = make_plan(replace(town, households=limit.households))
    beyond = make_plan(replace(town, households=limit.households + 100))
    assert within.workers == found.workers
    assert beyond.workers > found.workers


def test_the_cost_is_the_sum_of_its_parts_and_empty_without_prices() -> None:
    assert make_plan(TOWN).cost == {}
    found = make_plan(TOWN, Prices(core=20.0, disk_gib=0.1))
    assert found.cost["core"] == 20.0 * found.cores
    assert found.cost["disk_gib"] == pytest.approx(0.1 * sum(found.disk_gib.values()))
    assert found.cost["memory_gib"] == 0.0
    assert found.cost["total"] == pytest.approx(found.cost["core"] + found.cost["disk_gib"])


def test_every_problem_is_reported() -> None:
    wrong = replace(TOWN, households=0, busy=2.0, worker_gib=float("nan"))
    found = problems(wrong, Prices(core=-1.0))
    assert [sentence.split()[0] for sentence in found] == [
        "--households",
        "--busy",
        "--worker-gib",
        "--price-core",
    ]
    assert problems(TOWN, Prices()) == []


def test_every_constant_names_the_command_that_prints_it() -> None:
    for name, each in MEASURED.items():
        assert each.command.startswith("misfire "), name
        assert each.value > 0, name
