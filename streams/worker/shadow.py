"""Shadow bundles: their decisions are counted and compared, and never take effect.

They decide in a process of their own. Whatever happens to it, the worker does not wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.household.state import HouseholdState
from streams.telemetry import metrics
from streams.telemetry.logs import log_decision
from streams.wire.announcements import SHADOW, BundleReference, Channel
from streams.wire.shadow_verdict import ShadowVerdict
from streams.worker import shadow_process
from streams.worker.shadow_verdicts import verdict_of_shadow

__all__ = ["Shadows"]

logger = logging.getLogger(__name__)

#: Decisions that may wait for the shadows' process; more are skipped and counted.
_WAITING = 1_000
#: Seconds until a process that ended is started again.
_PAUSE = 5.0

#: As ``shadow_process.decide``: a decision, and the bits of its chain if it differs.
Decided = tuple[Decision, tuple[float, ...]]
Decide = Callable[..., Decided]


class Shadows:
    """The shadow bundles of a worker.

    Args:
        configured: the bundle of ``--shadow-bundle``, beside those of the channels.
        key: file of the public key that must have signed every bundle, if there is one.
        publish: called, in a thread, with each verdict that differs from the decision.
        decide: what the process runs.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        configured: BundleReference | None = None,
        *,
        key: Path | None = None,
        publish: Callable[[ShadowVerdict], None] = lambda _: None,
        decide: Decide = shadow_process.decide,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = () if configured is None else (configured,)
        self._bundles: Sequence[BundleReference] = ()
        self._channels: Mapping[str, str] = {}
        self._key, self._publish, self._decide, self._clock = key, publish, decide, clock
        self._pool: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()
        self._not_before = 0.0
        self._places = threading.BoundedSemaphore(_WAITING)
        self.update({})

    @property
    def versions(self) -> list[str]:
        """The versions of the shadow bundles."""
        return [each.version for each in self._bundles]

    def update(self, channels: Mapping[str, Channel]) -> None:
        """Take the bundles of the shadow channels."""
        found, named = {each.sha256: each for each in self._configured}, dict[str, str]()
        for name in sorted(channels):
            latest = channels[name].latest
            if name.startswith(SHADOW) and latest is not None and latest.bundle is not None:
                found[latest.bundle.sha256] = latest.bundle
                named.setdefault(latest.bundle.sha256, name)
        self._bundles, self._channels = tuple(found.values()), named
        for version, active, verdict, risk in product(self.versions, Verdict, Verdict, RiskClass):
            metrics.SHADOW_COMMANDS.labels(version, active.value, verdict.value, risk.value)

    def start(self) -> None:
        """Start the process ahead of the first command; this takes a moment."""
        if self._bundles and (pool := self._running()) is not None:
            with suppress(Exception):  # the first command finds out
                pool.submit(shadow_process.ready)

    def decided(
        self,
        before: HouseholdState,
        bundle: BundleReference | None,
        event: IntentEvent,
        active: Decision,
        trace: bytes,
        *,
        at: float,
        rules: RuleSet = NO_RULES,
    ) -> None:
        """Let every shadow decide on a command that the worker has decided on.

        Args:
            before: the household before the event, in the terms of ``bundle``.
            bundle: the bundle that decided.
            event: the event. Only committing events are decided.
            active: the worker's decision.
            trace: the ``traceparent`` of the decision.
            at: the log time of the event, in seconds since the epoch.
            rules: the rules that the worker applied; a shadow's verdict is the one after them.
        """
        if not event.commits:
            return
        matching = rules.only(event.intent, event.device_id, at)
        for shadow in self._bundles:
            pool = self._running()
            if pool is None or not self._places.acquire(blocking=False):
                metrics.SHADOW_SKIPPED.inc()
                continue
            try:
                future = pool.submit(
                    self._decide,
                    before,
                    bundle,
                    event,
                    shadow,
                    at=at,
                    rules=matching,
                    published=active.verdict,
                )
            except Exception as error:  # noqa: BLE001 - a shadow must not stop the worker
                self._places.release()
                self._ended(pool, error)
                continue
            channel = self._channels.get(shadow.sha256)
            future.add_done_callback(
                partial(self._done, pool, active, trace, channel=channel, at=at)
            )

    def close(self) -> None:
        """End the process without waiting for it."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor | None:
        """Return the process, starting it if necessary; ``None`` shortly after it ended."""
        with self._starting:
            if self._pool is None and self._clock() >= self._not_before:
                # spawn: a fork would copy the worker's threads and connections.
                self._pool = ProcessPoolExecutor(
                    1,
                    mp_context=get_context("spawn"),
                    initializer=shadow_process.begin,
                    initargs=(self._key,),
                )
            return self._pool

    def _done(
        self,
        pool: ProcessPoolExecutor,
        active: Decision,
        trace: bytes,
        future: Future[Decided],
        *,
        channel: str | None,
        at: float,
    ) -> None:
        """Count a decision, and publish it if it differs; this runs in a thread of the pool."""
        self._places.release()
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self._ended(pool, error)
            return
        if error is not None:
            metrics.SHADOW_FAILURES.inc()
            logger.error("a shadow bundle failed on an event of %s", active.intent, exc_info=error)
            return
        decision, chain_bits = future.result()
        verdicts = active.verdict.value, decision.verdict.value
        metrics.SHADOW_COMMANDS.labels(decision.bundle, *verdicts, decision.risk_class.value).inc()
        if active.verdict is not decision.verdict:
            log_decision(logger, "shadow", decision, trace, active=active.verdict.value)
            self._publish(
                verdict_of_shadow(active, decision, chain_bits=chain_bits, channel=channel, at=at)
            )

    def _ended(self, pool: ProcessPoolExecutor, error: BaseException) -> None:
        metrics.SHADOW_FAILURES.inc()
        if self._pool is pool:
            logger.error("the process of the shadow bundles ended (%s)", type(error).__name__)
            self._pool, self._not_before = None, self._clock() + _PAUSE
