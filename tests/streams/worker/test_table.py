from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from detector.household.learning import LESSONS_A_DAY
from detector.household.state import HouseholdState
from streams.kafka.topics import INTENTS, OUTCOMES
from streams.local.bench.largest_household import largest
from streams.telemetry import metrics
from streams.wire.state.marks import Mark, partition_of
from streams.wire.state.packing import Stored, pack, unpack
from streams.worker import table as module
from streams.worker.table import Households, without_open_state
from tests.streams.fakes import intents_mark


class Table:
    """A fake of Faust's table that records writes in order."""

    def __init__(self, order: list[str]) -> None:
        self.data: dict[bytes, bytes] = {}
        self.order = order

    async def send_state(self, _: int, key: bytes, value: bytes, __: bytes) -> asyncio.Future[None]:
        self.order.append(f"changelog {key.decode()} {unpack(value).intents[-1].offset}")
        return _done()


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


@pytest.fixture
def order() -> list[str]:
    return []


@pytest.fixture
async def households(order: list[str]) -> Any:
    found = Households(Table(order))
    writer = asyncio.create_task(found.run())
    yield found
    writer.cancel()


def record(offset: int, order: list[str]) -> Any:
    return SimpleNamespace(
        message=SimpleNamespace(partition=0, offset=offset),
        ack=lambda: order.append(f"ack {offset}"),
    )


def household(offset: int, name: str = "h1") -> Stored:
    return Stored(state=HouseholdState.new(name), intents=(intents_mark(offset),))


async def test_the_changelog_waits_for_the_decision_and_the_offset_for_the_changelog(
    households: Households, order: list[str]
) -> None:
    decision: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await households.stage(record(0, order), [decision], household(0))
    await asyncio.sleep(0.01)
    assert order == []
    assert households.get("h1").intents == (intents_mark(0),)  # the next event does not wait

    decision.set_result(None)
    await households.drain()

    assert order == ["changelog h1 0", "ack 0"]


async def test_records_are_written_in_their_order_even_if_later_decisions_are_faster(
    households: Households, order: list[str]
) -> None:
    slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await households.stage(record(0, order), [slow], household(0, "h1"))
    await households.stage(record(1, order), [_done()], household(1, "h2"))
    await asyncio.sleep(0.01)
    assert order == []

    slow.set_result(None)
    await households.drain()

    assert [entry for entry in order if entry.startswith("ack")] == ["ack 0", "ack 1"]


async def test_the_first_state_is_written_at_once_and_only_the_last_of_those_that_follow(
    households: Households, order: list[str]
) -> None:
    slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await households.stage(record(0, order), [slow], household(0))
    await asyncio.sleep(0.01)
    for offset in (1, 2, 3):
        await households.stage(record(offset, order), [_done()], household(offset))
    slow.set_result(None)
    await households.drain()

    assert [entry for entry in order if entry.startswith("changelog")] == [
        "changelog h1 0",
        "changelog h1 3",
    ]


async def test_a_failed_send_writes_nothing_and_acknowledges_nothing(order: list[str]) -> None:
    households = Households(Table(order))
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    failed.set_exception(ConnectionError())
    await households.stage(record(0, order), [failed], household(0))

    with pytest.raises(ConnectionError):
        await households.run()

    assert order == []
    assert households.written == 0


async def test_after_draining_a_household_is_read_from_the_table_again(
    households: Households,
) -> None:
    await households.stage(record(0, []), [], household(0))
    await households.drain()
    households._table.data.clear()  # as after a revocation

    assert households.get("h1") == Stored(state=HouseholdState.new("h1"))


async def test_draining_waits_for_the_record_in_progress(
    households: Households,
) -> None:
    async with households.working:
        draining = asyncio.create_task(households.drain())
        await asyncio.sleep(0.01)
        assert not draining.done()
        await households.stage(record(0, []), [], household(0))
    await draining

    assert households.written == 1


async def test_sessions_beyond_the_days_bound_are_counted(
    households: Households, order: list[str]
) -> None:
    before = metrics.UNTAUGHT._value.get()
    for offset, lessons in enumerate((LESSONS_A_DAY, LESSONS_A_DAY + 1, LESSONS_A_DAY + 3)):
        found = household(offset)
        state = replace(found.state, taught_on=20_458, taught=lessons)
        await households.stage(record(offset, order), [], replace(found, state=state))

    assert metrics.UNTAUGHT._value.get() == before + 3


async def test_an_oversized_household_loses_its_open_state_and_is_counted(
    households: Households, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = largest()
    monkeypatch.setattr(module, "LARGEST_STATE", 2_000)
    before = metrics.STATES_CUT._value.get()
    await households.stage(record(0, order), [], full)
    await households._queue.join()  # drain() would clear the cache

    kept = households.get(full.state.household_id)
    assert kept == without_open_state(full)
    assert (kept.state.sessions, kept.state.questions, kept.state.recent) == ((), (), ())
    assert (kept.state.intents, kept.intents) == (full.state.intents, full.intents)
    assert unpack(households._table.data[full.state.household_id.encode()]) == kept
    assert metrics.STATES_CUT._value.get() == before + 1


async def test_a_household_that_fits_is_written_whole(households: Households) -> None:
    full = largest()
    await households.stage(record(0, []), [], full)
    await households.drain()
    assert unpack(households._table.data[full.state.household_id.encode()]) == full


async def test_all_states_of_assigned_partitions_are_rewritten_to_a_new_changelog(
    households: Households, order: list[str]
) -> None:
    for name in ("h1", "h2", "h3"):
        await households.stage(record(0, []), [], household(0, name))
    await households._queue.join()
    homes = {name: partition_of(name.encode(), 4) for name in ("h1", "h2", "h3")}
    ours = {homes["h1"]}
    order.clear()

    written = await households.write_again(4, ours)

    assert written == sum(home in ours for home in homes.values())
    assert sorted(order) == [f"changelog {name} 0" for name, home in homes.items() if home in ours]


async def test_stored_bytes_are_counted_once_and_updated_on_writes(
    households: Households,
) -> None:
    data = households._table.data
    data[b"h0"] = b"xyz"
    assert households.measure() == (1, 5)
    for offset, name in enumerate(("h1", "h2", "h1")):
        await households.stage(record(offset, []), [], household(10**offset, name))
        await households._queue.join()
        assert households.measure() == (
            len(data),
            sum(len(key) + len(value) for key, value in data.items()),
        )
    del data[b"h0"]
    assert (
        households.measure()[1] == sum(len(key) + len(value) for key, value in data.items()) + 5
    )  # not counted again
    households.recount()
    assert households.measure() == (2, sum(len(key) + len(value) for key, value in data.items()))


def test_households_that_know_only_an_earlier_topic_are_recognised(
    households: Households,
) -> None:
    ours = [name for name in (f"h{n}" for n in range(40)) if partition_of(name.encode(), 4) == 1][
        :2
    ]
    other = next(
        name for name in (f"h{n}" for n in range(40)) if partition_of(name.encode(), 4) == 2
    )

    def put(name: str, *, topic_id: str) -> None:
        stored = Stored(state=HouseholdState.new(name), intents=(Mark(topic_id, 1, 7),))
        households._table.data[name.encode()] = pack(stored)

    def only_earlier(topic: str = INTENTS, topic_id: str = "22222222") -> bool:
        return households.only_earlier(topic, 1, topic_id=topic_id, partitions=4)

    assert not only_earlier()
    put(ours[0], topic_id="11111111")
    assert only_earlier()
    assert not only_earlier(OUTCOMES)  # no outcomes from any topic yet
    assert not only_earlier(topic_id="")  # a broker without ids
    put(other, topic_id="22222222")
    assert only_earlier()
    put(ours[1], topic_id="22222222")
    assert not only_earlier()


async def test_a_worker_that_never_catches_up_keeps_few_households_decoded(
    households: Households, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_DECODED", 3)
    monkeypatch.setattr(module, "_EVERY", 0.0)
    table: Any = households._table
    send, offsets, most = table.send_state, iter(range(1, 100)), 0

    async def send_while_another_record_arrives(*state: Any) -> asyncio.Future[None]:
        nonlocal most
        most = max(most, len(households._decoded))
        if (offset := next(offsets, None)) is not None:
            await households.stage(record(offset, order), [], household(offset, f"h{offset}"))
        sent: asyncio.Future[None] = await send(*state)
        return sent

    monkeypatch.setattr(table, "send_state", send_while_another_record_arrives)
    await households.stage(record(0, order), [], household(0, "h0"))
    await households._queue.join()

    assert most <= 4
    assert len(table.data) == 100


async def test_a_backlog_is_written_and_acknowledged_in_steps(
    households: Households, order: list[str]
) -> None:
    for offset in range(2 * module._AT_ONCE + 1):
        await households.stage(record(offset, order), [], household(offset, f"h{offset}"))
    await households._queue.join()

    steps = [0, module._AT_ONCE, 2 * module._AT_ONCE]
    acknowledged = [order.index(f"ack {offset}") for offset in steps]
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[0] < order.index(f"changelog h{steps[1]} {steps[1]}") < acknowledged[1]
    assert acknowledged[1] < order.index(f"changelog h{steps[2]} {steps[2]}") < acknowledged[2]


async def test_an_unwritten_state_is_never_evicted(
    households: Households, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_DECODED", 1)
    monkeypatch.setattr(module, "_EVERY", 0.0)
    decision: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await households.stage(record(0, order), [], household(0, "h0"))
    await households.stage(record(1, order), [], household(1, "h1"))
    await households._queue.join()
    await households.stage(record(2, order), [decision], household(2, "h0"))
    await households.stage(record(3, order), [decision], household(3, "h2"))
    await households.stage(record(4, order), [decision], household(4, "h0"))
    await asyncio.sleep(0.01)

    assert households.get("h0") == household(4, "h0")
    assert households.get("h2") == household(3, "h2")
    decision.set_result(None)
    await households._queue.join()
    assert list(households._decoded) == [b"h0"]
    assert not households._unwritten
