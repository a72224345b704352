"""Publishes the verdicts of shadow bundles that differ from the decision.

Nothing waits for these records. What Kafka does not take at once is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from detector.contracts.decisions import Decision, decision_id
from streams.kafka.topics import SHADOWS
from streams.telemetry import metrics
from streams.wire.shadow_verdict import SHADOW_VERDICT, ShadowVerdict
from streams.wire.tenancy import tenant_of

__all__ = ["PER_MINUTE", "WAITING", "ShadowVerdicts", "verdict_of_shadow"]

logger = logging.getLogger(__name__)

#: Records of one tenant that a worker publishes in a minute: more than people can review, and a
#: shadow that disagrees with everything does not fill the topic.
PER_MINUTE = 600
#: Records that may wait for their acknowledgement.
WAITING = 200
#: Seconds for a record to be put into a batch, and without an attempt after one failed.
_PATIENCE, _PAUSE = 5.0, 60.0


def verdict_of_shadow(
    decision: Decision,
    shadow: Decision,
    *,
    chain_bits: tuple[float, ...],
    channel: str | None,
    at: float,
) -> ShadowVerdict:
    """Return the record of a shadow's decision.

    Args:
        decision: the published decision.
        shadow: the decision of the shadow bundle on the same event.
        chain_bits: the surprisals of the chain's turns under the shadow, in bits.
        channel: the shadow's channel, if it has one.
        at: log time of the event, in seconds since the epoch.
    """
    return ShadowVerdict(
        decision_id=decision.decision_id,
        event_id=decision.event_id,
        household_id=decision.household_id,
        tenant=tenant_of(decision.household_id),
        session_id=decision.session_id,
        intent=decision.intent,
        active=decision.verdict,
        active_bundle=decision.bundle,
        channel=channel,
        bundle=shadow.bundle,
        verdict=shadow.verdict,
        risk_class=shadow.risk_class,
        misfire_probability=shadow.misfire_probability,
        p_value=shadow.p_value,
        abstained=shadow.abstained,
        surprisal_bits=shadow.surprisal_bits,
        chain_bits=chain_bits,
        reasons=shadow.reasons,
        time=datetime.fromtimestamp(at, UTC),
    )


class ShadowVerdicts:
    """Sends the records with the worker's producer, within the bounds of each tenant.

    Args:
        app: the Faust app.
        loop: the event loop of the app.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        app: Any,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._loop, self._clock = app, loop, clock
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(PER_MINUTE)
        self._sending: set[asyncio.Task[None]] = set()
        self._not_before = 0.0

    def publish(self, verdict: ShadowVerdict) -> None:
        """Send a record soon. Any thread may call this; it neither waits nor fails."""
        with suppress(RuntimeError):  # the loop is closed: the worker stops
            self._loop.call_soon_threadsafe(self._begin, verdict)

    def _begin(self, verdict: ShadowVerdict) -> None:
        if (
            self._clock() < self._not_before
            or len(self._sending) >= WAITING
            or not self._limiter.hit(self._rate, verdict.tenant)
        ):
            metrics.SHADOW_UNPUBLISHED.inc()
            return
        task = self._loop.create_task(self._send(verdict))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, verdict: ShadowVerdict) -> None:
        # The same command gives the same id again, if a worker repeats it.
        record_id = decision_id(verdict.event_id, verdict.bundle)
        headers = SHADOW_VERDICT.headers(record_id, verdict.time, source="misfire/shadow")
        key, value = verdict.household_id.encode(), SHADOW_VERDICT.encode(verdict)
        try:
            async with asyncio.timeout(_PATIENCE):
                sent = await self._app.producer.send(SHADOWS, key, value, None, None, headers)
            await sent
        except Exception as error:  # noqa: BLE001 - the topic or a right to it may be missing
            metrics.SHADOW_UNPUBLISHED.inc()
            if self._clock() >= self._not_before:
                self._not_before = self._clock() + _PAUSE
                logger.warning(
                    "no verdict of a shadow bundle is published for a minute (%s); check that %s"
                    " exists and that the worker may write it ('misfire topics check')",
                    type(error).__name__,
                    SHADOWS,
                )
