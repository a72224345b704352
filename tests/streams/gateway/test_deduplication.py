from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streams.errors import RecordError
from streams.gateway.deduplication import RequestMemory
from tests.detector.builders import event


def future() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


async def test_an_id_belongs_to_its_household() -> None:
    memory: RequestMemory[str] = RequestMemory(100)
    theirs = event(1, household_id="attacker", event_id="e1")
    memory.keep(theirs, "acme", future(), future())

    assert memory.find(event(1, household_id="owner", event_id="e1")) is None
    assert memory.find(theirs) is not None
    with pytest.raises(RecordError, match="another event"):
        memory.find(replace(theirs, intent="lights.TurnOff"))


async def test_a_flooding_tenant_does_not_evict_the_answers_of_another() -> None:
    memory: RequestMemory[str] = RequestMemory(100)
    owner = event(1, household_id="owner")
    memory.keep(owner, "bolt", future(), future())
    done = future()
    done.set_result("x")
    for number in range(20_000):
        memory.keep(event(number, household_id=f"a{number % 100}"), "acme", done, future())

    assert memory.find(owner) is not None
    assert len(memory._requests) == 10_000


async def test_a_place_is_released_once_even_for_a_forgotten_request() -> None:
    memory: RequestMemory[str] = RequestMemory(100)
    first, second = event(1), event(2)
    answers = [future(), future()]
    for each, answer in zip((first, second), answers, strict=True):
        memory.keep(each, "", answer, future())
    assert memory.places.taken == 2

    memory.forget(first.household_id)
    assert memory.find(first) is None
    answers[0].set_result("x")
    answers[1].set_exception(ValueError())
    await asyncio.sleep(0)

    assert memory.places.taken == 0


async def test_a_failed_request_is_forgotten_without_affecting_a_later_one() -> None:
    memory: RequestMemory[str] = RequestMemory(100)
    failing, later = future(), future()
    memory.keep(event(1), "", failing, future())
    memory.forget("h1")
    again = memory.keep(event(1), "", later, future())
    failing.set_exception(ValueError())
    await asyncio.sleep(0)
    assert memory.find(event(1)) is again
