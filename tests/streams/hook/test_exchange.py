from __future__ import annotations

from streams.hook import exchange as module
from streams.hook.exchange import Exchange
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
