"""Promotes a bundle, and lists the channels: one function for CLI, API and desk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detector.decision.bundle import Bundle
from detector.evaluation.gates import Gate, gates, regression
from detector.evaluation.live_evidence import measure
from detector.progress import Progress, silent
from streams.files.bundles import read_bundle
from streams.files.events import read_events, read_labels
from streams.files.signing import read_public_key
from streams.files.starter import read_deciding
from streams.kafka.connection import brokers_of
from streams.lifecycle.announcing import NotReady, announce
from streams.lifecycle.channel_changes import (
    Reason,
    check_change,
    log_change,
    now,
    unready_workers,
)
from streams.lifecycle.feed import read_channels
from streams.lifecycle.library import read_reference, reference_to
from streams.lifecycle.recent_log import recent_events
from streams.settings import Settings
from streams.wire.announcements import ACTIVE, Announcement, Channel

__all__ = ["Gated", "active_bundle", "channels", "examine", "promote"]

#: Seconds of the log, and the largest number of events, that a candidate is tried on.
RECENT_SECONDS, RECENT_EVENTS = 7 * 86_400.0, 40_000
#: Seconds for the workers to read an announced bundle.
_READ_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Gated:
    """The result of a promotion: the announcement, or ``None`` if a gate refused it."""

    gates: tuple[Gate, ...]
    announcement: Announcement | None

    @property
    def failed(self) -> list[Gate]:
        """The gates that failed."""
        return [each for each in self.gates if each.passed is False]


def channels(settings: Settings) -> list[Channel]:
    """Return every channel, the active one first.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read.
    """
    found = read_channels(brokers_of(settings))
    return [found[name] for name in sorted(found, key=lambda name: (name != ACTIVE, name))]


def active_bundle(settings: Settings) -> Bundle:
    """Return the bundle that decides now for households outside a canary.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read, or there is no bundle.
    """
    key = read_public_key(settings.bundle_public_key)
    found = read_channels(brokers_of(settings)).get(ACTIVE)
    for each in reversed(found.announcements if found else ()):
        if each.canary >= 1.0 and each.since is not None:
            if each.bundle is not None:
                return read_reference(each.bundle, key)
            break
    return read_deciding(settings.bundle, key=key)


def examine(
    settings: Settings, candidate: Bundle, *, progress: Progress = silent
) -> tuple[Gate, ...]:
    """Return the result of each gate of a candidate, except that of the workers."""
    active = active_bundle(settings)
    events = recent_events(
        brokers_of(settings), since=time.time() - RECENT_SECONDS, most=RECENT_EVENTS
    )
    recent = measure(events, active, candidate, progress=progress) if events else None
    golden = None
    if settings.golden_chains is not None:
        labels = read_labels(settings.golden_chains / "labels.jsonl")
        chains = read_events(settings.golden_chains / "chains.jsonl")
        golden = regression(chains, labels.keys(), active, candidate)
    return gates(candidate, recent, golden)


def promote(
    settings: Settings,
    directory: Path,
    reason: Reason,
    *,
    channel: str = ACTIVE,
    canary: float = 1.0,
    force: bool = False,
    location: Path | None = None,
    progress: Progress = silent,
) -> Gated:
    """Announce a bundle, if every gate lets it pass.

    A shadow channel has no gates: its bundle changes no answer.

    Args:
        settings: the settings.
        directory: the bundle's directory as this process sees it.
        reason: who, and why.
        channel: the channel.
        canary: the share of households that the bundle decides for.
        force: announce it although gates fail; they are recorded with the announcement.
        location: the directory as workers and gateways see it; ``None`` means the same.
        progress: called with (stage, done, total).

    Raises:
        UsageError: the channel, the share or the reason is invalid.
        BundleError: the bundle is damaged, or not signed with the configured key.
        DependencyUnavailable: there is no bundle, no topic, or no broker.
    """
    check_change(channel, canary, reason, force=force)
    key = read_public_key(settings.bundle_public_key)
    bundle = read_bundle(directory, key=key)
    reference = reference_to(directory, bundle)
    if location is not None:
        reference = replace(reference, location=str(location))
    found = examine(settings, bundle, progress=progress) if channel == ACTIVE else ()
    refused = [each for each in found if each.passed is False]
    if refused and not force:
        return Gated(found, None)
    draft = Announcement(
        number=0,
        bundle=reference,
        canary=canary,
        who=reason.who,
        why=reason.why,
        time=now(),
        forced=tuple(each.name for each in refused),
    )

    workers = Gate("workers", None, "a shadow needs no worker")

    def unready(announced: Announcement) -> Sequence[str]:
        nonlocal workers
        problems = unready_workers(settings, announced, _READ_WITHIN)
        workers = Gate(
            "workers", not problems, "; ".join(problems) or "every worker has read the bundle"
        )
        return () if force else problems

    try:
        done = announce(brokers_of(settings), channel, lambda _: draft, unready=unready)
    except NotReady:
        return Gated((*found, workers), None)
    log_change("promoted", channel, done)
    return Gated((*found, workers), done)
