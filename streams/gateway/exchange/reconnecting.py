"""Keeps a connection to Kafka: connects again after any failure, without limit."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.errors import KafkaError

from streams.telemetry import metrics

__all__ = ["stay_connected"]

logger = logging.getLogger(__name__)

#: Seconds between two attempts: the first pause, which doubles up to the longest one.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


async def stay_connected(
    broker: str,
    connection: Callable[[list[Any], Callable[[], None]], Awaitable[None]],
    disconnected: Callable[[], None],
) -> None:
    """Run a connection again after any failure, until this task is cancelled.

    Args:
        broker: the broker's address, for the log.
        connection: called with (clients, connected). It adds the clients that it creates to
            ``clients``, calls ``connected`` once it works, and raises or returns when it ends.
        disconnected: called when a connection has ended, before its clients are stopped.
    """
    pause = _FIRST_PAUSE

    def connected() -> None:
        nonlocal pause
        pause = _FIRST_PAUSE

    while True:
        clients: list[Any] = []
        try:
            await connection(clients, connected)
        except (KafkaError, OSError) as error:
            metrics.CONNECTIONS_LOST.labels("kafka").inc()
            logger.warning("Kafka at %s: %s; trying again", broker, type(error).__name__)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            metrics.CONNECTIONS_LOST.labels("internal_error").inc()
            logger.warning("a Kafka client cancelled its connection to %s; trying again", broker)
        except Exception:
            metrics.CONNECTIONS_LOST.labels("internal_error").inc()
            logger.exception("the connection to Kafka at %s failed; trying again", broker)
        finally:
            disconnected()
            for client in clients:
                await _stopped(client)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_cancelled() -> bool:
    """Return whether this task itself is cancelled, rather than a task of a Kafka client."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _stopped(client: Any) -> None:
    """Stop a client and ignore errors; the next connection creates new clients."""
    try:
        await client.stop()
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
    except Exception as error:  # noqa: BLE001 - nothing depends on it any more
        logger.debug("a client could not be stopped (%s)", type(error).__name__)
