"""Follows ``misfire.bundles`` and ``misfire.rules`` in the worker's event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from streams.errors import RecordError
from streams.kafka.connection import brokers_of
from streams.kafka.topics import INTENTS, RULES
from streams.lifecycle.feed import Feed
from streams.lifecycle.rule_log import RuleLog, follow_rules
from streams.lifecycle.unusable import Report, report_unusable
from streams.settings import Settings
from streams.telemetry.recording import show_rules
from streams.wire.announcements import ACTIVE, Channel
from streams.worker.agents import Worker
from streams.worker.handling import Incoming

__all__ = ["follow_topics"]

Background = Callable[[Coroutine[Any, Any, None]], None]

logger = logging.getLogger(__name__)

#: Seconds for which a partition waits for the announcement of a mark that it has read. It was
#: written before the mark.
_PATIENCE = 5.0
#: Seconds between attempts to read a bundle that could not be used.
_RETRY = 10.0


def follow_topics(
    worker: Worker, settings: Settings, channels: Mapping[str, Channel], rules: RuleLog | None
) -> None:
    """Apply the known channels and rules, and follow them in tasks of the current event loop.

    ``rules`` is ``None`` if their topic does not exist. No rule applies until it does.
    """
    loop = asyncio.get_event_loop()
    tasks: set[asyncio.Task[None]] = set()

    def background(work: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    unusable = _to_dead_letters(worker, background)
    _follow_channels(worker, settings, channels, background, unusable)
    _follow_rules(worker, settings, rules, background, unusable)


def _follow_channels(
    worker: Worker,
    settings: Settings,
    channels: Mapping[str, Channel],
    background: Background,
    unusable: Report,
) -> None:
    deciding, shadows = worker.context.deciding, worker.context.shadows

    async def prepare() -> None:
        try:
            await asyncio.to_thread(deciding.prepare)
            if shadows:
                await asyncio.to_thread(shadows.start)
        except Exception:
            logger.exception("an announced bundle could not be read ahead")

    async def retry() -> None:
        while True:
            await asyncio.sleep(_RETRY)
            await asyncio.to_thread(deciding.library.retry)

    def changed(found: Mapping[str, Channel]) -> None:
        deciding.update(found)
        if shadows:
            shadows.update(found)
        background(prepare())

    deciding.update(channels)
    deciding.prepare()
    if shadows:
        shadows.update(channels)
        shadows.start()
    feed = Feed(brokers_of(settings), settings.fetch_max_wait, changed, channels, unusable)
    worker.context.announced = partial(_announced, feed)
    background(feed.run())
    background(retry())


def _follow_rules(
    worker: Worker,
    settings: Settings,
    rules: RuleLog | None,
    background: Background,
    unusable: Report,
) -> None:
    if rules is None:
        logger.warning(
            "topic %s is missing, or this worker has no right to read it, so no rule applies; run"
            " 'misfire topics create' and 'misfire topics acl --part worker'",
            RULES,
        )

    log = rules or RuleLog()
    worker.context.rules = log.timeline

    def changed() -> None:
        show_rules(log.rules.values())

    changed()
    brokers, wait = brokers_of(settings), settings.fetch_max_wait
    known = worker.context.current_rules.read
    if rules is not None:
        known(time.monotonic())
    background(follow_rules(brokers, wait, log, changed, unusable, read_until=known))


def _to_dead_letters(worker: Worker, background: Background) -> Report:
    """Return what reports a record that cannot be applied, and sends it to the dead letters.

    Every worker reads these topics. Only the one that has the first partition of the intents sends
    a letter, and only about a record that is new: at each start all of them are read again.
    """
    began = time.time()

    async def send(record: Incoming, error: RecordError) -> None:
        await (await worker.context.sender.dead_letter(record, error))

    def unusable(message: Any, error: RecordError) -> None:
        report_unusable(message, error)
        at = message.timestamp / 1000
        if at < began or 0 not in worker.lag.positions(INTENTS):
            return
        record = Incoming(
            message.topic,
            message.partition,
            message.offset,
            at,
            message.key,
            message.value,
            message.headers,
        )
        background(send(record, error))

    return unusable


async def _announced(feed: Feed, number: int) -> bool:
    return await feed.until(ACTIVE, number, _PATIENCE)
