"""What every change of a channel has in common: its checks, its reason, its workers, its log."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.errors import UsageError
from streams.kafka.connection import brokers_of
from streams.lifecycle.in_use import wait_for
from streams.settings import Settings
from streams.wire.announcements import ACTIVE, LONGEST_CHANNEL, SHADOW, Announcement, InUse

__all__ = ["Reason", "check_change", "log_change", "now", "unready_workers"]

logger = logging.getLogger(__name__)

_CHANNEL = re.compile(rf"{ACTIVE}|{SHADOW}[a-z0-9][a-z0-9-]*")
_LONGEST_WHY = 500


@dataclass(frozen=True, slots=True)
class Reason:
    """Who changes a channel, and why."""

    who: str
    why: str


def unready_workers(settings: Settings, announced: Announcement, seconds: float) -> list[str]:
    """Return a sentence for each partition whose worker has not read an announced bundle."""

    def settled(found: InUse) -> bool:
        return announced.number in found.loaded or str(announced.number) in found.refused

    partitions, answers = wait_for(brokers_of(settings), settled, seconds)
    problems = []
    for partition in partitions:
        answer = answers.get(partition)
        if answer is None:
            problems.append(f"no worker of partition {partition} answered within {seconds:.0f} s")
        elif (why := answer.refused.get(str(announced.number))) is not None:
            problems.append(f"the worker of partition {partition} ({answer.worker}): {why}")
        elif announced.number not in answer.loaded:
            problems.append(
                f"the worker of partition {partition} ({answer.worker}) did not read the bundle "
                f"within {seconds:.0f} s"
            )
    return problems


def check_change(channel: str, canary: float, reason: Reason, *, force: bool) -> None:
    """Check the channel, the share of a canary, and the reason of a change.

    Raises:
        UsageError: one of them is invalid.
    """
    if len(channel) > LONGEST_CHANNEL or not _CHANNEL.fullmatch(channel):
        raise UsageError(
            f"a channel is '{ACTIVE}' or '{SHADOW}' and a name of lower-case letters, digits and"
            f" hyphens; {channel[:40]!r} is not"
        )
    if not 0.0 < canary <= 1.0:
        raise UsageError(
            f"the share of a canary must be above 0 and at most 1, and is {canary:g}; write 5 % as"
            " 5% or 0.05"
        )
    if canary < 1.0 and channel != ACTIVE:
        raise UsageError("a shadow has no canary: it decides on every command, without effect")
    if force and not reason.why.strip():
        raise UsageError("give the reason with --why")
    if len(reason.why) > _LONGEST_WHY:
        raise UsageError(f"the reason has more than {_LONGEST_WHY} characters")


def now() -> datetime:
    """Return the time of an announcement made now."""
    return datetime.now(UTC).replace(microsecond=0)


def log_change(what: str, channel: str, done: Announcement) -> None:
    """Log who changed a channel, and why."""
    fields = {
        "channel": channel,
        "announcement": done.number,
        "bundle": None if done.bundle is None else done.bundle.version,
        "canary": done.canary,
        "forced": list(done.forced),
        "who": done.who,
        "why": done.why,
    }
    logger.info(what, extra={"fields": fields})
