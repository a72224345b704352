"""Whether the worker is well: readiness and metrics over HTTP, and the watchdog that ends what could only pretend to work."""

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

#: Longer than a broker's leader election; Kafka's own clients give a record up after 40 to 120 s.
STALLED_SECONDS = 30.0
#: A clean stop takes about two seconds; with a broker that is gone it may never end.
_STOP_SECONDS = 10.0
#: A partition of which nothing was heard for so long is not read. A fetch waits a fifth of a second for something new.
FRESH_SECONDS = 15.0


class Health:
    """What the outside may ask: alive, ready, metrics; and the reason when something ended that must not.

    Ready means that partitions are assigned, the table is recovered (``assigned``), a broker answers (``reachable``), and each partition
    brought something lately, if only that there was nothing new (``silent`` names those that did not).
    """

    def __init__(self) -> None:
        self.assigned = False
        self.reachable = True
        self.silent: Sequence[str] = ()
        self.failed: str | None = None
        self._scrapes = ScrapeCache()

    @property
    def ready(self) -> bool:
        """Whether events are decided."""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """What is not there, a few words each."""
        found = [] if self.failed is None else [self.failed]
        found += [] if self.assigned else ["its partitions or its table"]
        found += [] if self.reachable else ["kafka"]
        return found + [f"an answer to fetches of {name}" for name in self.silent]

    def tell(
        self,
        *,
        assigned: bool | None = None,
        reachable: bool | None = None,
        silent: Sequence[str] | None = None,
    ) -> None:
        """Take in what is known now; ``None`` leaves as it was."""
        self.silent = self.silent if silent is None else silent
        self.assigned = self.assigned if assigned is None else assigned
        self.reachable = self.reachable if reachable is None else reachable
        metrics.READY.set(self.ready)
        metrics.BROKER_REACHABLE.set(self.reachable)

    def fail(self, why: str) -> None:
        """End the process with exit code 1: something has to start it again."""
        if self.failed is not None:
            return
        self.failed = why
        self.tell()
        logger.error("the worker ends: %s", why)
        last = threading.Timer(_STOP_SECONDS, os._exit, (1,))
        last.daemon = True
        last.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def agent_failed(self, what: str, error: Exception) -> None:
        """End the process because an agent ended."""
        self.fail(f"the agent {what.lstrip('_')} could not go on ({type(error).__name__})")

    async def serve(
        self, host: str, port: int, hosts: frozenset[Named] = frozenset()
    ) -> asyncio.Task[None]:
        """Answer on HTTP, to who asks for an address of this server or for one of ``hosts``; return what serves, once it does.

        Raises:
            OSError: the address cannot be listened on.
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
    """Looks every second whether the agents live, a broker answers, and what was decided gets written.

    Args:
        households: where the records are counted whose work has begun, and those that are written.
        agents: the app's agents.
        answers: asks whether a broker answers.
        health: where it is told.
        silent: the partitions that brought nothing, not even that there is nothing new, since a time in seconds since the epoch.
        clock: seconds that only grow.
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
        """End the process where it could only pretend to work."""
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
        """What is full of records that wait to be worked on is not fetched anew; then the work says that all is well."""
        if self._taken != self.households.taken:
            self._taken, self._took = self.households.taken, self._clock()
        busy = self._clock() - self._took < FRESH_SECONDS
        read = self.health.assigned and not busy
        self.health.tell(silent=self._silent(time.time() - FRESH_SECONDS) if read else ())

    async def _check_broker(self) -> None:
        reachable = await self.answers()
        if reachable or self._heard is None:
            self._heard = self._clock()
        self.health.tell(reachable=reachable)
        if self._clock() - self._heard > STALLED_SECONDS:
            self.health.fail(f"no broker has answered for {STALLED_SECONDS:.0f} s")
