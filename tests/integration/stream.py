"""A stream of events for integration tests, and a bundle on disk that decides it without training."""

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
    """Write the bundle that is set by hand; return it and where it is."""
    bundle = hand_bundle()
    write_bundle(bundle, folder / "bundle")
    return bundle, folder / "bundle"


def a_town(households: int = 12, sessions: int = 30, name: str = "") -> list[IntentEvent]:
    """A town's events in the order of their times; every ``name`` gives other ids."""
    events = sorted(town(households, sessions), key=lambda event: (event.time, event.event_id))
    return [
        replace(
            event, event_id=f"{name}{event.event_id}", household_id=f"{name}{event.household_id}"
        )
        for event in events
    ]


def lately(events: Sequence[IntentEvent]) -> list[IntentEvent]:
    """The same events, the last of them just now, so that no clock seems to be wrong."""
    ago = datetime.now(UTC) - max(event.time for event in events)
    return [replace(event, time=event.time + ago) for event in events]
