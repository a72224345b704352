"""Whether a broker answers. Neither Faust's nor aiokafka's clients tell that theirs is gone: they try again, and seem to wait."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from streams.kafka.connection import Brokers

__all__ = ["broker_answers", "why_unreachable"]

#: A broker that takes longer for its metadata decides nothing in time either.
_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 2.0


async def broker_answers(client: Any) -> bool:
    """Ask for the metadata again.

    Args:
        client: aiokafka's, ``AIOKafkaProducer.client``.
    """
    try:
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(_ANSWER_SECONDS):
            return bool(await client.force_metadata_update())
    except TimeoutError:
        return False


def why_unreachable(brokers: Brokers) -> str:
    """Say what is in the way of a client that got no answer, which kafka-python only tells its log, and what to do about it."""
    first = brokers.addresses.partition(",")[0]
    host, _, port = first.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as plain:
            if brokers.tls is None:
                return f"{first} takes connections but does not answer as Kafka does; where it wants TLS, set kafka_security"
            try:
                with brokers.tls.wrap_socket(plain, server_hostname=host):
                    pass
            except OSError as error:
                said = (
                    getattr(error, "verify_message", "")
                    or getattr(error, "reason", "")
                    or type(error).__name__
                )
                return f"{first} and this client do not agree on TLS ({said}); look at kafka_security, kafka_ca and the address"
    except OSError:
        return f"no Kafka broker answers at {brokers}; start one with 'misfire broker' or name another with --broker"
    if brokers.login is None:
        return f"{first} does not let this client in; look at kafka_cert and kafka_key, and whether it wants a password (SASL_SSL)"
    return f"{first} does not let user {brokers.login.user} in; look at kafka_user, kafka_password_file and kafka_mechanism"
