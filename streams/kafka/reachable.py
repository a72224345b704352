"""Checks of whether a broker answers, and explanations of why it does not.

Faust and aiokafka do not report a lost broker: they reconnect and appear to wait.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.connection import Brokers

__all__ = ["broker_answers", "why_unreachable"]

#: A broker that takes longer to return metadata is too slow for decisions as well.
_ANSWER_SECONDS = 5.0
#: Seconds until all brokers are asked.
_FIRST_SECONDS = 0.5
_CONNECT_SECONDS = 2.0


async def broker_answers(client: Any) -> bool:
    """Return whether a broker answers a request for metadata.

    aiokafka asks one broker after another. One that does not answer would delay the answer of the
    others by a request's timeout, so all are asked if the first takes long.

    Args:
        client: the aiokafka client, ``AIOKafkaProducer.client``.
    """
    update = asyncio.ensure_future(client.force_metadata_update())
    tasks = {update}
    try:
        # Not wait_for: in Python 3.11 it can swallow a cancellation that arrives with the answer.
        async with asyncio.timeout(_ANSWER_SECONDS):
            done, _ = await asyncio.wait(tasks, timeout=_FIRST_SECONDS)
            if done:
                return bool(update.result())
            tasks |= {
                asyncio.ensure_future(_answers(client, broker.nodeId))
                for broker in client.cluster.brokers()
            }
            for task in asyncio.as_completed(tasks):
                if await task:
                    return True
    except TimeoutError:
        return False
    finally:
        for task in tasks:
            task.cancel()
    return False


async def _answers(client: Any, node_id: int) -> bool:
    try:
        await client.send(node_id, MetadataRequest([]))
    except KafkaError:
        return False
    return True


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
