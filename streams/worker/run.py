"""Runs ``misfire worker``: starts the app, reports readiness, and stops on fatal errors."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import faust
import uvloop

from detector.decision.bundle import Bundle
from streams.errors import DependencyUnavailable
from streams.files.bundles import created_at
from streams.files.signing import read_public_key
from streams.files.starter import deciding_directory
from streams.gc_tuning import tune_gc
from streams.kafka.connection import brokers_of
from streams.kafka.topic_ids import IdentityWatch, look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES, admin, check_topics
from streams.lifecycle.feed import read_channels
from streams.lifecycle.library import Library, reference_to
from streams.lifecycle.rule_log import rules_at_start
from streams.settings import Settings, read_key
from streams.telemetry import metrics
from streams.telemetry.metrics_folder import forget_dead_processes
from streams.telemetry.recording import (
    begin_bundle,
    begin_worker,
    show_bundle,
    show_proof_key,
)
from streams.telemetry.tracing import build_tracer
from streams.wire.host_names import named_hosts
from streams.worker.agents import Worker
from streams.worker.app import build_app
from streams.worker.deciding import Deciding
from streams.worker.faust_transport import ends_of, silent_partitions, worker_broker_answers
from streams.worker.following import follow_topics
from streams.worker.health import Health, Watchdog
from streams.worker.shadow import Shadows
from streams.worker.shadow_verdicts import ShadowVerdicts

__all__ = ["run_worker"]

logger = logging.getLogger(__name__)

#: Timeout in seconds for the last writes at shutdown. Container runtimes send SIGKILL after ten.
_LAST_WRITES = 3.0
_WATCH_EVERY = 1.0
#: Seconds between checks of the topics' ids. Each is a metadata request for three topics.
_LOOK_AT_TOPICS_EVERY = 2.0
_LOOK_TIMEOUT_MS = 3_000


def run_worker(settings: Settings, bundle: Bundle, shadow: Bundle | None = None) -> NoReturn:
    """Run the worker until it is stopped (exit code 0) or fails (exit code 1).

    Args:
        settings: the settings.
        bundle: the bundle that decides until another is announced on ``misfire.bundles``.
        shadow: a bundle whose decisions are only compared.

    Raises:
        DependencyUnavailable: no broker answers, the topics are missing or misconfigured, or a key
            file cannot be read.
    """
    key = read_key(settings.confirmation_key_file)
    client = admin(brokers_of(settings))
    problems = check_topics(
        client, settings.partitions, producer_time=settings.producer_time, required=True
    )
    if problems:
        client.close()
        raise DependencyUnavailable("; ".join(problems))
    identities = look_up(client, (INTENTS, OUTCOMES, HOUSEHOLDS))
    client.close()
    channels = read_channels(brokers_of(settings))
    rules = rules_at_start(brokers_of(settings))
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    parts = build_app(settings, identities)
    health = Health()
    place = deciding_directory(settings.bundle)
    deciding = Deciding(
        Library(
            bundle,
            reference_to(place, bundle),
            key=read_public_key(settings.bundle_public_key),
            allow_unready=settings.allow_unready,
        ),
        identities.of(INTENTS),
        begin_bundle,
    )
    shadows = Shadows(
        reference_to(settings.shadow_bundle, shadow) if shadow and settings.shadow_bundle else None,
        key=settings.bundle_public_key,
        publish=ShadowVerdicts(parts.app, loop).publish,
    )
    worker = Worker(
        parts,
        deciding,
        health.agent_failed,
        token_ids=settings.token_ids,
        producer_time=settings.producer_time,
        confirmation_key=key,
        tracer=build_tracer("misfire-worker", settings.otlp_endpoint),
        shadows=shadows,
        identities=identities,
    )
    _watch(parts.app, worker, worker.attach(), health, settings)
    follow_topics(worker, settings, channels, rules)
    forget_dead_processes()
    begin_worker()
    begin_bundle(bundle)
    show_bundle(bundle, created_at(place))
    show_proof_key(present=key is not None)
    # Faust's logging setup and spinner set the root logger to DEBUG, which costs 13 % of the CPU;
    # quiet suppresses the banner.
    process = faust.Worker(
        parts.app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True
    )
    process.spinner = None
    tune_gc()
    try:
        process.execute_from_commandline()
    except SystemExit as ended:
        raise SystemExit(1 if health.failed else ended.code) from None
    raise SystemExit(1 if health.failed else 0)


def _watch(app: Any, worker: Worker, agents: list[Any], health: Health, settings: Settings) -> None:
    """Connect readiness, draining and the background tasks to the app's lifecycle."""
    began = time.monotonic()
    health.update(reachable=True)  # the topics were just checked
    silent = partial(silent_partitions, app, {INTENTS, OUTCOMES})
    watchdog = Watchdog(
        worker.households, agents, partial(worker_broker_answers, app), health, silent=silent
    )
    # Faust starts its tasks only after recovery; health must be served before that.
    loop = asyncio.get_event_loop()
    topics = IdentityWatch(
        worker.identities, lambda: admin(brokers_of(settings), timeout_ms=_LOOK_TIMEOUT_MS)
    )
    tasks = [
        loop.create_task(_serve(health, settings)),
        loop.create_task(_keep_watch(watchdog, health)),
        loop.create_task(_watch_topics(topics, worker, health)),
    ]

    @app.task  # type: ignore[untyped-decorator]
    async def write() -> None:
        try:
            await worker.households.run()
        except Exception as error:  # noqa: BLE001 - nothing is written after this
            health.fail(f"states or decisions cannot be written to Kafka ({type(error).__name__})")

    app.timer(interval=1.0)(partial(_report, app, worker))

    async def revoked(*_: Any, **__: Any) -> None:
        nonlocal began
        health.update(assigned=False)
        began = time.monotonic()
        await worker.release()

    async def completed(*_: Any, **__: Any) -> None:
        worker.households.recount()
        if strays := worker.parts.table.strays:
            health.fail(
                f"{len(strays)} households in {HOUSEHOLDS} are in a wrong partition"
                " and would be lost; "
                f"stop all workers and run 'misfire topics grow --partitions {settings.partitions}'"
            )
            return
        if rewritten := await worker.households.end_recovery(
            app.conf.topic_partitions, _intents_partitions(app)
        ):
            logger.warning(
                "%d households had an older state after their latest one, from a worker that had"
                " lost them; their latest states were written again",
                rewritten,
            )
        metrics.REBALANCES.inc()
        metrics.RECOVERY_SECONDS.set(time.monotonic() - began)
        health.update(assigned=True)
        logger.info("ready: partitions assigned and table recovered")

    async def stopping(*_: Any, **__: Any) -> None:
        for task in tasks:
            task.cancel()
        if worker.context.shadows:
            worker.context.shadows.close()
        # Write what is staged; otherwise the next worker decides it again.
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.households.drain(), _LAST_WRITES)

    app.on_before_shutdown.connect(stopping, weak=False)
    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_rebalance_complete.connect(completed, weak=False)


async def _serve(health: Health, settings: Settings) -> None:
    try:
        hosts = named_hosts(settings.allowed_hosts)
        serving = await health.serve(settings.worker_host, settings.worker_port, hosts)
        await serving
    except OSError as error:
        health.fail(
            f"cannot listen on port {settings.worker_port} ({error.strerror}); set worker_port"
        )


async def _keep_watch(watchdog: Watchdog, health: Health) -> None:
    try:
        while True:
            await watchdog.check()
            await asyncio.sleep(_WATCH_EVERY)
    except Exception as error:  # noqa: BLE001 - a dead watchdog must not go unnoticed
        health.fail(f"the watchdog failed ({type(error).__name__})")


async def _watch_topics(topics: IdentityWatch, worker: Worker, health: Health) -> None:
    """Stop the process if a topic was recreated or resized: its offsets would be wrong.

    If only the changelog was recreated, the worker has the only copy of the states and writes them
    again.
    """
    while True:
        await asyncio.sleep(_LOOK_AT_TOPICS_EVERY)
        changes = await asyncio.to_thread(topics.look)
        if list(changes.created_again) == [HOUSEHOLDS] and not changes.resized and health.assigned:
            await _write_again(topics, worker, health)
        elif changes.sentences:
            health.fail("; ".join(changes.sentences))


async def _write_again(topics: IdentityWatch, worker: Worker, health: Health) -> None:
    app = worker.parts.app
    try:
        written = await worker.households.write_again(
            app.conf.topic_partitions, _intents_partitions(app)
        )
        await asyncio.to_thread(topics.adopt, HOUSEHOLDS)
    except Exception as error:  # noqa: BLE001 - the states are not written
        health.fail(
            f"the states could not be written to the new {HOUSEHOLDS} ({type(error).__name__})"
        )
        return
    metrics.EARLIER_TOPIC.labels(HOUSEHOLDS).inc(written)
    logger.warning(
        "topic %s was deleted and created again; %d states were written to it", HOUSEHOLDS, written
    )


def _intents_partitions(app: Any) -> set[int]:
    return {tp.partition for tp in app.consumer.assignment() if tp.topic == INTENTS}


async def _report(app: Any, worker: Worker) -> None:
    """Update the metrics of lag, evidence and state size."""
    worker.lag.report(ends_of(app, {INTENTS, OUTCOMES}))
    worker.evidence.report()
    worker.context.deciding.report(worker.lag.positions(INTENTS))
    households, size = worker.households.measure()
    metrics.HOUSEHOLDS.set(households)
    metrics.STATE_BYTES.set(size)
