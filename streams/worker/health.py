"""The worker's health: liveness, readiness and metrics over HTTP, and a watchdog against hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streams.serving.hosts import HostCheck
from streams.serving.server import Server
from streams.telemetry import metrics
from streams.telemetry.scrapes import ScrapeCache
from streams.wire.host_names import Named
from streams.worker.table import Households

__all__ = ["Health", "Watchdog"]

logger = logging.getLogger(__name__)

#: Seconds without progress after which the worker stops: longer than a leader election. Kafka's
#: own clients give up a record after 40 to 120 s.
STALLED_SECONDS = 30.0
#: Seconds until a stopping worker is forced to exit. A clean stop takes about two seconds; without
#: a broker it may never finish.
_STOP_SECONDS = 10.0
#: Seconds without a fetch response after which a partition counts as not read. A fetch waits at
#: most 0.2 s for new records.
FRESH_SECONDS = 15.0


class Health:
    """The worker's liveness, readiness and metrics, and the reason for which it stops.

    The worker is ready when its partitions are assigned and its table is recovered (``assigned``),
    a broker answers (``reachable``), and each partition answered a fetch recently (``silent`` lists
    those that did not).
    """

    def __init__(self) -> None:
        self.assigned = False
        self.reachable = True
        self.silent: Sequence[str] = ()
        self.failed: str | None = None
        self._scrapes = ScrapeCache()

    @property
    def ready(self) -> bool:
        """Whether the worker decides events."""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """What the worker lacks to be ready, a few words each."""
        found = [] if self.failed is None else [self.failed]
        found += [] if self.assigned else ["its partitions or its table"]
        found += [] if self.reachable else ["kafka"]
        return found + [f"an answer to fetches of {name}" for name in self.silent]

    def update(
        self,
        *,
        assigned: bool | None = None,
        reachable: bool | None = None,
        silent: Sequence[str] | None = None,
    ) -> None:
        """Update the state and its metrics; ``None`` keeps a value."""
        self.silent = self.silent if silent is None else silent
        self.assigned = self.assigned if assigned is None else assigned
        self.reachable = self.reachable if reachable is None else reachable
        metrics.READY.set(self.ready)
        metrics.BROKER_REACHABLE.set(self.reachable)

    def fail(self, why: str) -> None:
        """Stop the process with exit code 1, so that its supervisor restarts it."""
        if self.failed is not None:
            return
        self.failed = why
        self.update()
        logger.error("stopping the worker: %s", why)
        last = threading.Timer(_STOP_SECONDS, os._exit, (1,))
        last.daemon = True
        last.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def agent_failed(self, what: str, error: Exception) -> None:
        """Stop the process because an agent failed."""
        self.fail(f"the agent {what} failed ({type(error).__name__})")

    async def serve(
        self, host: str, port: int, hosts: frozenset[Named] = frozenset()
    ) -> asyncio.Task[None]:
        """Start the HTTP server and return its task.

        Args:
            host: the address to listen on.
            port: the port; 0 means a free one.
            hosts: further names that the ``Host`` header may contain.

        Raises:
            OSError: the address is not available.
        """
        routes = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        middleware = [Middleware(HostCheck, hosts=hosts, host=host)]
        listening = socket.create_server((host, port))
        logger.info("metrics and readiness on http://%s:%d", host, listening.getsockname()[1])
        return await Server(
            Starlette(routes=routes, middleware=middleware), listening
        ).serve_in_background()

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"alive": True})

    async def _readyz(self, _: Request) -> Response:
        missing = self.missing
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    async def _metrics(self, request: Request) -> Response:
        body, content_type = await self._scrapes.answer(request.headers.get("accept"))
        return Response(body, headers={"content-type": content_type})


class Watchdog:
    """Checks that the agents run, a broker answers, and decisions are written; stops a hung worker.

    Args:
        households: counts the records that were taken and those that were written.
        agents: the app's agents.
        answers: returns whether a broker answers.
        health: the state to update.
        silent: returns the partitions without an answered fetch since a time in seconds since the
            epoch.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        households: Households,
        agents: Sequence[Any],
        answers: Callable[[], Awaitable[bool]],
        health: Health,
        *,
        silent: Callable[[float], Sequence[str]] = lambda _: (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.households, self.agents, self.answers, self.health = (
            households,
            agents,
            answers,
            health,
        )
        self._clock, self._silent = clock, silent
        self._taken, self._took = 0, clock()
        self._written, self._moved = 0, clock()
        self._heard: float | None = None

    async def check(self) -> None:
        """Check once; stop the process if it hangs."""
        stopped = [agent.name for agent in self.agents if not list(agent.actor_tracebacks())]
        if stopped and self.health.ready:
            self.health.fail(f"the agents {', '.join(stopped)} have stopped")
        await self._check_broker()
        self._check_fetches()
        if (
            self._written != self.households.written
            or self.households.taken == self.households.written
        ):
            self._written, self._moved = self.households.written, self._clock()
        unwritten = self._clock() - self._moved
        metrics.UNWRITTEN_SECONDS.set(unwritten)
        if unwritten > STALLED_SECONDS:
            self.health.fail(f"nothing could be written to Kafka for {STALLED_SECONDS:.0f} s")

    def _check_fetches(self) -> None:
        """Update the silent partitions. While records are being processed, fetches may pause."""
        if self._taken != self.households.taken:
            self._taken, self._took = self.households.taken, self._clock()
        busy = self._clock() - self._took < FRESH_SECONDS
        read = self.health.assigned and not busy
        self.health.update(silent=self._silent(time.time() - FRESH_SECONDS) if read else ())

    async def _check_broker(self) -> None:
        reachable = await self.answers()
        if reachable or self._heard is None:
            self._heard = self._clock()
        self.health.update(reachable=reachable)
        if self._clock() - self._heard > STALLED_SECONDS:
            self.health.fail(f"no broker has answered for {STALLED_SECONDS:.0f} s")
