from __future__ import annotations

from functools import partial

from streams.serving.connections import Connections


def test_the_longest_waiting_connection_is_evicted_and_a_busy_one_never() -> None:
    ended: list[str] = []
    found = Connections(10, 3)
    first = found.admit("10.0.0.1", partial(ended.append, "a"))
    assert first
    for name in "bc":
        assert found.admit("10.0.0.1", partial(ended.append, name))
    first.mark_busy()

    assert found.admit("10.0.0.1", lambda: None)
    assert ended == ["b"]
    first.mark_waiting()
    assert found.admit("10.0.0.1", lambda: None)
    assert ended == ["b", "c"]
    assert found.count == 3


def test_a_new_connection_is_refused_if_all_are_busy() -> None:
    found = Connections(10, 2)
    for _ in range(2):
        place = found.admit("10.0.0.1", lambda: None)
        assert place
        place.mark_busy()

    assert found.admit("10.0.0.1", lambda: None) is None
    assert found.admit("10.0.0.2", lambda: None)


def test_the_address_with_the_most_connections_is_evicted_first() -> None:
    ended: list[str] = []
    found = Connections(5, 4)
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2", "10.0.0.3"):
        assert found.admit(address, partial(ended.append, address))

    assert found.admit("10.0.0.4", lambda: None)
    assert ended == ["10.0.0.2"]


def test_an_address_with_busy_connections_does_not_block_new_ones_while_another_is_idle() -> None:
    ended: list[str] = []
    found = Connections(3, 2)
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        place = found.admit(address, partial(ended.append, address))
        assert place
        if address == "10.0.0.1":
            place.mark_busy()

    assert found.admit("10.0.0.3", lambda: None)
    assert ended == ["10.0.0.2"]


def test_an_ipv6_network_counts_as_one_address() -> None:
    found = Connections(9, 2)
    for address in (
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::3",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "10.0.0.1",
    ):
        assert found.admit(address, lambda: None)

    assert {name: peer.count for name, peer in found.peers.items()} == {
        "2001:db8::/64": 2,
        "fe80::/64": 1,
        "10.0.0.1": 2,
    }


def test_a_place_is_released_once() -> None:
    found = Connections(2, 2)
    place = found.admit("10.0.0.1", lambda: None)
    assert place

    for _ in range(2):
        place.leave()
        place.mark_waiting()
        place.mark_busy()

    assert (found.count, found.peers) == (0, {})
    assert not found.shed()
