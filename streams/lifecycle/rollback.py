"""Rolls a channel back: one function for CLI, API and desk."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from streams.errors import UsageError
from streams.kafka.connection import brokers_of
from streams.lifecycle.announcing import announce, withdraw_channel
from streams.lifecycle.channel_changes import (
    Reason,
    check_change,
    log_change,
    now,
    unready_workers,
)
from streams.lifecycle.feed import read_channels
from streams.settings import Settings
from streams.wire.announcements import ACTIVE, Announcement, Channel

__all__ = ["restored", "roll_back"]

logger = logging.getLogger(__name__)

#: Seconds for the workers to read the bundle before. Most have it in memory.
_WITHIN = 3.0


def roll_back(settings: Settings, reason: Reason, *, channel: str = ACTIVE) -> Announcement | None:
    """Return to the bundle before; a shadow channel is withdrawn.

    No gate applies. Workers that cannot read the bundle before keep the present one and say so.

    Returns:
        The announcement, or ``None`` for a withdrawn shadow channel.

    Raises:
        UsageError: there is nothing to roll back.
        DependencyUnavailable: there is no topic or no broker.
    """
    check_change(channel, 1.0, reason, force=True)
    brokers = brokers_of(settings)
    if channel != ACTIVE:
        if channel not in read_channels(brokers):
            raise UsageError(f"there is no channel {channel}; see 'misfire bundle channels'")
        withdraw_channel(brokers, channel)
        logger.info("withdrawn", extra={"fields": {"channel": channel, "who": reason.who}})
        return None

    def draft(before: Channel) -> Announcement:
        number, target = restored(before)
        return Announcement(
            number=0,
            bundle=None if target is None else target.bundle,
            who=reason.who,
            why=reason.why,
            time=now(),
            back_to=number,
            # It has decided before; whether it is ready was asked then.
            forced=() if target is None else target.forced,
        )

    def unready(announced: Announcement) -> Sequence[str]:
        for problem in unready_workers(settings, announced, _WITHIN):
            logger.warning("the rollback goes on: %s", problem)
        return ()

    done = announce(brokers, channel, draft, unready=unready)
    log_change("rolled back", channel, done)
    return done


def restored(channel: Channel) -> tuple[int, Announcement | None]:
    """Return the announcement that a rollback restores, and its number.

    It is the latest one for all households before the present one, leaving out those that were
    rolled back. ``None``, with number 0, is the bundle that each process was started with.
    """
    latest = channel.latest
    if latest is None or latest.back_to == 0:
        raise UsageError("there is nothing to roll back; see 'misfire bundle channels'")
    position = latest.number if latest.back_to is None else latest.back_to
    present = latest.bundle if latest.canary >= 1.0 else None
    for each in reversed(channel.announcements):
        if each.number < position and each.canary >= 1.0 and each.bundle != present:
            return (each.number, each) if each.back_to is None else (each.back_to, each)
    return 0, None
