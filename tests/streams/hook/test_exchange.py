from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace

from streams.hook import exchange as module
from streams.hook.exchange import Exchange
from streams.records import CORRELATION_ID
from streams.settings import Settings
from streams.topics import INTENTS


def home(tenant: str, number: int) -> str:
    return f"{tenant}_{number:032x}"


def test_while_the_broker_is_away_a_tenant_that_floods_pushes_out_no_record_of_another() -> None:
    exchange = Exchange(Settings(broker="nobody.invalid:9092"), lambda *_: None)
    exchange.send(INTENTS, home("bolt", 1), b"first", [])
    for number in range(2 * module._WAITING):
        exchange.send(INTENTS, home("acme", number % 1_000), b"", [])
    exchange.send(INTENTS, home("bolt", 2), b"last", [])

    assert [exchange._outgoing[0].value, exchange._outgoing[-1].value] == [b"first", b"last"]
    assert len(exchange._outgoing) < 0.81 * module._WAITING


def test_what_waits_is_bounded_and_where_all_is_full_the_oldest_gives_way() -> None:
    exchange = Exchange(Settings(broker="nobody.invalid:9092"), lambda *_: None)
    for number in range(module._WAITING + 10):
        exchange.send(INTENTS, f"home-{number}", str(number).encode(), [])

    assert len(exchange._outgoing) == exchange._places.taken == module._WAITING
    assert exchange._outgoing[0].value == b"10"


async def test_what_another_gateway_asked_is_passed_over_and_an_erasure_is_not() -> None:
    heard: list[str] = []
    exchange = Exchange(
        Settings(broker="nobody.invalid:9092"), lambda correlation, _: heard.append(correlation)
    )
    own = exchange.ask(INTENTS, "h1", b"", []).correlation
    exchange.give_up(own)

    async def told() -> AsyncIterator[SimpleNamespace]:
        for offset, correlation in enumerate((b"somebody-else", own.encode(), None)):
            headers = [("ce_type", b"x")] + ([(CORRELATION_ID, correlation)] if correlation else [])
            yield SimpleNamespace(partition=0, offset=offset, timestamp=0, headers=headers, value=b"")

    await exchange._listen(told())

    assert heard == [own, ""]
