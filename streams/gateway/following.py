"""Follows bundles and rules in the gateway: its own rung decides with the active bundle.

The gateway does not read ``assistant.intents``. It takes an announcement as soon as all partitions
are marked; its answers are degraded ones, and each names its bundle.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from detector.decision.bundle import Bundle
from detector.decision.canary import in_canary
from streams.gateway.ladder import Ladder
from streams.kafka.connection import brokers_of
from streams.lifecycle.feed import Feed
from streams.lifecycle.library import Library
from streams.lifecycle.rule_log import RuleLog, follow_rules
from streams.lifecycle.schedule import deciders
from streams.settings import Settings
from streams.telemetry import metrics
from streams.telemetry.recording import show_bundle
from streams.wire.announcements import ACTIVE, Announcement, Channel

__all__ = ["follow_channels", "use_announced"]

logger = logging.getLogger(__name__)

#: Seconds between attempts to read a bundle that could not be used.
_RETRY = 10.0


def follow_channels(settings: Settings, ladder: Ladder, library: Library) -> asyncio.Task[None]:
    """Follow the channels and the rules in a background task, and return the task."""
    return asyncio.get_running_loop().create_task(_follow(settings, ladder, library))


async def _follow(settings: Settings, ladder: Ladder, library: Library) -> None:
    known: Mapping[str, Channel] = {}
    changed = asyncio.Event()

    def on_change(channels: Mapping[str, Channel]) -> None:
        nonlocal known
        known = dict(channels)
        changed.set()

    brokers, wait = brokers_of(settings), settings.fetch_max_wait
    feed = asyncio.create_task(Feed(brokers, wait, on_change).run())
    log = RuleLog()
    ladder.use_rules(log.timeline)
    rules = asyncio.create_task(follow_rules(brokers, wait, log))
    try:
        while True:
            try:
                await asyncio.wait_for(changed.wait(), _RETRY)
            except TimeoutError:
                await asyncio.to_thread(library.retry)
            changed.clear()
            await _use(known, ladder, library)
    finally:
        feed.cancel()
        rules.cancel()


async def _use(known: Mapping[str, Channel], ladder: Ladder, library: Library) -> None:
    channel = known.get(ACTIVE)
    announcements = () if channel is None else channel.announcements
    try:
        for each in announcements[-2:]:
            await asyncio.to_thread(library.get, each)
        use_announced(announcements, ladder, library)
    except Exception:
        logger.exception("the announced bundles could not be used; the ones before stay")


def use_announced(
    announcements: tuple[Announcement, ...], ladder: Ladder, library: Library
) -> None:
    """Let the gateway's rung decide with the bundles of the announcements that hold."""
    held = [each for each in reversed(announcements) if each.since is not None]
    used = deciders(held, lambda each: library.get(each) is not None)
    found = [(each.canary, bundle) for each in used if (bundle := library.get(each)) is not None]
    everyone = next((bundle for canary, bundle in found if canary >= 1.0), library.own)
    metrics.BUNDLE_REFUSED.set(any(library.why_refused(each) for each in held[:1]))
    if everyone is None and not found:
        return

    def choose(household_id: str) -> Bundle:
        chosen = (bundle for canary, bundle in found if in_canary(household_id, canary))
        return next(chosen, everyone or found[0][1])

    now = {bundle.version: bundle for _, bundle in found}
    if everyone is not None:
        now[everyone.version] = everyone
    for bundle in library.loaded():
        if bundle.version not in now:
            show_bundle(bundle, 0.0, decides=False)
    for bundle in now.values():
        show_bundle(bundle, library.created(bundle))
    ladder.use(everyone or found[0][1], choose)
