from __future__ import annotations

import pytest

from streams.gateway.exchange import outbox as module
from streams.gateway.exchange.outbox import Outbox, Outgoing
from streams.kafka.topics import INTENTS


def home(tenant: str, number: int) -> str:
    return f"{tenant}_{number:032x}"


def put(outbox: Outbox, household_id: str, value: bytes) -> None:
    outbox.put(Outgoing(INTENTS, household_id.encode(), value, []))


def test_during_an_outage_a_flooding_tenant_evicts_no_record_of_another() -> None:
    outbox = Outbox()
    put(outbox, home("bolt", 1), b"first")
    for number in range(2 * module._WAITING):
        put(outbox, home("acme", number % 1_000), b"")
    put(outbox, home("bolt", 2), b"last")

    assert [outbox._records[0].value, outbox._records[-1].value] == [b"first", b"last"]
    assert len(outbox._records) < 0.81 * module._WAITING


def test_a_full_queue_drops_its_oldest_record() -> None:
    outbox = Outbox()
    for number in range(module._WAITING + 10):
        put(outbox, f"home-{number}", str(number).encode())

    assert len(outbox._records) == outbox._places.taken == module._WAITING
    assert outbox._records[0].value == b"10"


@pytest.mark.slow
def test_in_a_full_outbox_no_tenant_evicts_a_record_of_another() -> None:
    outbox = Outbox()
    put(outbox, home("bolt", 1), b"first")
    for tenant in "abcdefghi":
        for number in range(module._WAITING):
            put(outbox, home(tenant, number % 1_000), b"")
    assert len(outbox._records) == module._WAITING

    for number in range(100):
        put(outbox, home("acme", number), b"")

    assert outbox._records[0].value == b"first"
    assert len(outbox._records) == outbox._places.taken == module._WAITING


def test_without_tenants_a_household_over_its_share_evicts_no_record_of_another() -> None:
    outbox = Outbox()
    for number in range(module._WAITING):
        put(outbox, f"home-{number}", b"")

    for _ in range(100):
        put(outbox, "loud", b"loud")

    assert [record.value for record in outbox._records].count(b"loud") == 8
    assert outbox._places.taken == module._WAITING
