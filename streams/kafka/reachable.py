"""Checks of whether a broker answers, and explanations of why it does not.

Faust and aiokafka do not report a lost broker: they reconnect and appear to wait.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from streams.kafka.connection import Brokers

__all__ = ["broker_answers", "why_unreachable"]

#: A broker that takes longer to return metadata is too slow for decisions as well.
_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 2.0


async def broker_answers(client: Any) -> bool:
    """Return whether a broker answers a request for metadata.

    Args:
        client: the aiokafka client, ``AIOKafkaProducer.client``.
    """
    try:
        # Not wait_for: in Python 3.11 it can swallow a cancellation that arrives with the answer.
        async with asyncio.timeout(_ANSWER_SECONDS):
            return bool(await client.force_metadata_update())
    except TimeoutError:
        return False


def why_unreachable(brokers: Brokers) -> str:
    """Explain why a client got no answer, and what to do; kafka-python only logs the reason."""
    first = brokers.addresses.partition(",")[0]
    host, _, port = first.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as plain:
            if brokers.tls is None:
                return (
                    f"{first} accepts connections but does not answer like Kafka;"
                    " if it expects TLS, set kafka_security"
                )
            try:
                with brokers.tls.wrap_socket(plain, server_hostname=host):
                    pass
            except OSError as error:
                reason = (
                    getattr(error, "verify_message", "")
                    or getattr(error, "reason", "")
                    or type(error).__name__
                )
                return (
                    f"the TLS handshake with {first} failed ({reason});"
                    " check kafka_security, kafka_ca and the address"
                )
    except OSError:
        return (
            f"no Kafka broker answers at {brokers};"
            " start one with 'misfire broker' or name another with --broker"
        )
    if brokers.login is None:
        return (
            f"{first} rejects this client; check kafka_cert and kafka_key,"
            " and whether it expects a password (SASL_SSL)"
        )
    return (
        f"{first} rejects user {brokers.login.user};"
        " check kafka_user, kafka_password_file and kafka_mechanism"
    )
