"""``misfire worker``: starts the app, says when it is ready, and ends when it cannot go on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from typing import Any, NoReturn

import faust
import uvloop
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from detector.bundle import Bundle
from streams import metrics
from streams.agents import Worker
from streams.app import build_app
from streams.errors import MissingPart
from streams.households import Households
from streams.settings import Settings
from streams.topics import admin, check_topics

__all__ = ["run_worker"]

logger = logging.getLogger(__name__)

#: Longer than a broker's leader election; Kafka's own clients give a record up after 40 to 120 s.
_STALLED_SECONDS = 30.0


class _Health:
    """What the outside may ask: alive, ready, metrics; and the exit code when something ended that must not."""

    def __init__(self) -> None:
        self.ready = False
        self.failed: str | None = None

    def set_ready(self, ready: bool) -> None:
        self.ready = ready
        metrics.READY.set(ready)

    def fail(self, why: str) -> None:
        """End the process with exit code 1: something has to start it again."""
        self.set_ready(False)
        self.failed = why
        logger.error("the worker ends: %s", why)
        os.kill(os.getpid(), signal.SIGTERM)

    def agent_failed(self, what: str, error: Exception) -> None:
        """End the process because an agent ended."""
        self.fail(f"the agent {what.lstrip('_')} could not go on ({type(error).__name__})")

    async def serve(self, host: str, port: int) -> None:
        routes = web.Application()
        routes.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(routes, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        logger.info("metrics and readiness on http://%s:%d", host, runner.addresses[0][1])

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.json_response({"ready": self.ready}, status=200 if self.ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Watchdog:
    """Looks every second whether the agents live and what they did gets written."""

    def __init__(self, households: Households, agents: list[Any], health: _Health) -> None:
        self.households, self.agents, self.health = households, agents, health
        self._written, self._moved = 0, time.monotonic()

    async def check(self) -> None:
        """End the process where it could only pretend to work."""
        stopped = [agent.name for agent in self.agents if not list(agent.actor_tracebacks())]
        if stopped and self.health.ready:
            self.health.fail(f"the agents {', '.join(stopped)} have stopped")
        if self._written != self.households.written or self.households.staged == self.households.written:
            self._written, self._moved = self.households.written, time.monotonic()
        elif time.monotonic() - self._moved > _STALLED_SECONDS:
            self.health.fail(f"nothing could be written to Kafka for {_STALLED_SECONDS:.0f} s")


def run_worker(settings: Settings, bundle: Bundle) -> NoReturn:
    """Run the worker until it is told to stop (exit code 0) or cannot go on (1).

    Raises:
        MissingPart: no broker answers, or the topics are not what they should be.
    """
    client = admin(settings.broker)
    problems = check_topics(client, settings.partitions)
    client.close()
    if problems:
        raise MissingPart("; ".join(problems))
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    parts = build_app(settings)
    health = _Health()
    worker = Worker(parts, bundle, health.agent_failed)
    _watch(parts.app, worker, worker.attach(), health, settings)
    metrics.BUNDLE.labels(bundle.version, bundle.policy.version).set(1)
    # Warnings only would cost 13 % of the time: a spinner would then put the root logger on DEBUG.
    process = faust.Worker(parts.app, loglevel="info", loop=loop, redirect_stdouts=False)
    process.spinner = None
    try:
        process.execute_from_commandline()
    except SystemExit as ended:
        raise SystemExit(1 if health.failed else ended.code) from None
    raise SystemExit(1 if health.failed else 0)


def _watch(app: Any, worker: Worker, agents: list[Any], health: _Health, settings: Settings) -> None:
    """Connect readiness, draining and the tasks that must never end to the app's life."""
    began = time.monotonic()

    @app.task  # type: ignore[untyped-decorator]
    async def serve() -> None:
        try:
            await health.serve(settings.worker_host, settings.worker_port)
        except OSError as error:
            health.fail(
                f"port {settings.worker_port} cannot be listened on ({error.strerror}); set worker_port"
            )

    @app.task  # type: ignore[untyped-decorator]
    async def write() -> None:
        try:
            await worker.households.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is written any more
            health.fail(f"states or decisions cannot be written to Kafka ({type(error).__name__})")

    watchdog = _Watchdog(worker.households, agents, health)
    app.timer(interval=1.0)(watchdog.check)

    async def revoked(*_: Any, **__: Any) -> None:
        nonlocal began
        health.set_ready(False)
        began = time.monotonic()
        # Nobody else may write these households before we have written them.
        await worker.households.drain()

    async def completed(*_: Any, **__: Any) -> None:
        metrics.RECOVERY_SECONDS.set(time.monotonic() - began)
        health.set_ready(True)
        logger.info("ready: partitions assigned and table recovered")

    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_rebalance_complete.connect(completed, weak=False)
