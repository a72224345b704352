"""Builders of announcements."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streams.wire.announcements import ACTIVE, Announcement, BundleReference, Channel

TOPIC = "11111111"


def reference(version: str, location: str = "/bundles/x", sha256: str = "") -> BundleReference:
    """Return a reference to a bundle that need not exist."""
    return BundleReference(version=version, location=location, sha256=sha256 or version)


def announcement(number: int, bundle: BundleReference | str | None, **fields: Any) -> Announcement:
    """Return an announcement that holds in four partitions from ``100 * number`` on."""
    defaults: dict[str, Any] = {
        "who": "ann",
        "why": "a test",
        "time": datetime(2026, 1, 5, tzinfo=UTC),
        "topic_id": TOPIC,
        "floor": (0, 0, 0, 0),
        "since": (100 * number,) * 4,
    }
    where = reference(bundle) if isinstance(bundle, str) else bundle
    return Announcement(number=number, bundle=where, **(defaults | fields))


def channel(*announcements: Announcement, name: str = ACTIVE) -> Channel:
    """Return a channel."""
    numbered = max((each.number for each in announcements), default=0)
    return Channel(channel=name, announcements=announcements, numbered=numbered)
