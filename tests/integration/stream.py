"""A stream of events, and a bundle on disk that needs no training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from streams.files.bundles import write_bundle
from tests.detector.builders import hand_bundle
from tests.detector.town import town


def bundle_on_disk(folder: Path) -> tuple[Bundle, Path]:
    """Write the handmade bundle; return it and its path."""
    bundle = hand_bundle()
    write_bundle(bundle, folder / "bundle")
    return bundle, folder / "bundle"


def a_town(households: int = 12, sessions: int = 30, name: str = "") -> list[IntentEvent]:
    """Return a town's events in order of time; ``name`` is a prefix of the ids."""
    events = sorted(town(households, sessions), key=lambda event: (event.time, event.event_id))
    return [
        replace(
            event, event_id=f"{name}{event.event_id}", household_id=f"{name}{event.household_id}"
        )
        for event in events
    ]


def lately(events: Sequence[IntentEvent]) -> list[IntentEvent]:
    """Shift the events in time so that the last one is now and no clock is replaced."""
    ago = datetime.now(UTC) - max(event.time for event in events)
    return [replace(event, time=event.time + ago) for event in events]
