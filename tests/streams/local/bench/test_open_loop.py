from __future__ import annotations

import asyncio
import os
import time

import pytest

from streams.local.bench.cpu import cpu_seconds
from streams.local.bench.load import Load
from streams.local.bench.open_loop import open_loop
from streams.wire.records import INTENT


async def test_a_pause_delays_every_call_that_was_due_in_it() -> None:
    async def ask(number: int) -> str:
        if number == 0:
            time.sleep(0.1)  # noqa: ASYNC251 - the pause that is measured
        return "answered"

    found = await open_loop(ask, 20, rate=200.0, limit=0.09)

    # All twenty calls were due during the pause: half of them waited longer than 40 ms.
    assert found.ms(60) >= 35
    assert found.calls == 20
    assert found.ms(100) >= 95
    assert found.late["answered"] == 1


async def test_no_call_starts_after_the_stop_condition() -> None:
    asked: list[int] = []

    async def ask(number: int) -> str:
        asked.append(number)
        return "answered"

    found = await open_loop(ask, 1_000, rate=1_000.0, until=lambda: len(asked) >= 3)

    assert 3 <= found.calls < 1_000


async def test_calls_do_not_wait_for_each_other_and_errors_are_counted_by_name() -> None:
    waiting = asyncio.Event()

    async def ask(number: int) -> str:
        if number == 2:
            waiting.set()
            raise ConnectionResetError
        await waiting.wait()
        return f"rung {number}"

    found = await open_loop(ask, 3, rate=1_000.0)

    assert found.answers == {"rung 0": 1, "rung 1": 1, "ConnectionResetError": 1, "no answer": 0}


async def test_an_unanswered_call_counts_as_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.local.bench.open_loop._LAST_CALLS_SECONDS", 0.05)

    async def ask(_: int) -> str:
        await asyncio.Event().wait()
        return "never"

    found = await open_loop(ask, 2, rate=1_000.0, limit=1.0)

    assert (found.answers["no answer"], found.late["no answer"]) == (2, 2)


def test_every_event_is_new_and_lies_in_the_past() -> None:
    load = Load(households=2)
    calls = [*load.draw(300), *load.draw(300)]

    assert len({call.event.event_id for call in calls}) == 600
    assert all(INTENT.decode(call.body) == call.event for call in calls)
    assert all(call.event.time.timestamp() < time.time() for call in calls)


def test_cpu_time_leaves_out_processes_that_do_not_exist() -> None:
    found = cpu_seconds({"we": os.getpid(), "gone": 2**22 + 1})

    assert found.keys() <= {"we"}
    assert all(0.0 <= seconds <= time.process_time() + 60 for seconds in found.values())
