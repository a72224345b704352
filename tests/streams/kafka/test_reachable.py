from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from unittest import mock

import pytest
import trustme
from aiokafka.errors import RequestTimedOutError

from streams.kafka.connection import Brokers, Login
from streams.kafka.reachable import broker_answers, why_unreachable
from streams.local.processes import free_port

LOGIN = Login("PLAIN", "worker", "correct horse")


@contextmanager
def answering_tls(ca: trustme.CA, name: str = "127.0.0.1") -> Iterator[str]:
    """Accept TLS connections with a certificate for ``name``, answer nothing, yield the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    accepted, _ = listening.accept()
                    with (
                        suppress(OSError),
                        context.wrap_socket(accepted, server_side=True) as connection,
                    ):
                        connection.recv(1)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def at(ca: trustme.CA) -> Iterator[str]:
    with answering_tls(ca) as address:
        yield address


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def test_a_missing_broker_is_reported() -> None:
    assert "no Kafka broker answers at 127.0.0.1" in why_unreachable(
        Brokers(f"127.0.0.1:{free_port()}")
    )
    assert "no Kafka broker answers at nobody.invalid" in why_unreachable(
        Brokers("nobody.invalid:9092")
    )


def test_an_unresponsive_server_is_reported_over_plaintext() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        said = why_unreachable(Brokers(f"127.0.0.1:{listening.getsockname()[1]}"))

    assert "if it expects TLS, set kafka_security" in said


def test_an_untrusted_certificate_is_reported(at: str) -> None:
    said = why_unreachable(Brokers(at, ssl.create_default_context()))

    assert "failed (unable to get local issuer certificate)" in said


def test_a_certificate_for_another_host_is_reported(ca: trustme.CA) -> None:
    with answering_tls(ca, name="kafka.example") as address:
        said = why_unreachable(Brokers(address, trusting(ca)))

    assert "failed (IP address mismatch" in said


def test_a_rejected_client_is_reported(ca: trustme.CA, at: str) -> None:
    tls = trusting(ca)

    assert "check kafka_cert and kafka_key" in why_unreachable(Brokers(at, tls))
    said = why_unreachable(Brokers(f"{at},127.0.0.1:1", tls, LOGIN))
    assert "rejects user worker; check kafka_user" in said
    assert "correct horse" not in said


class _Client:
    """An aiokafka client of brokers 1, 2 and 3, of which ``silent`` ones never answer."""

    def __init__(self, *silent: int) -> None:
        brokers = [SimpleNamespace(nodeId=number) for number in (1, 2, 3)]
        self.cluster = SimpleNamespace(brokers=lambda: brokers)
        self._silent = silent

    async def force_metadata_update(self) -> bool:
        """Ask broker 1 first, as aiokafka may."""
        await self.send(1, None)
        return True

    async def send(self, node_id: int, _: object) -> None:
        if node_id in self._silent:
            await asyncio.sleep(3_600)
        if node_id == 3:
            raise RequestTimedOutError


def test_one_silent_broker_of_three_does_not_count_as_all() -> None:
    with mock.patch("streams.kafka.reachable._ANSWER_SECONDS", 2.0):
        assert asyncio.run(broker_answers(_Client()))
        assert asyncio.run(broker_answers(_Client(1)))
        assert not asyncio.run(broker_answers(_Client(1, 2)))
