"""Verdicts of a shadow bundle on the sessions of the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detector.contracts.events import IntentEvent
from streams.wire.shadow_verdict import ShadowVerdict
from streams.worker.shadow_verdicts import verdict_of_shadow
from tests.detector.builders import ABSURD, SURE, hand_bundle, run

__all__ = ["shadowed"]


def shadowed(events: list[IntentEvent], **fields: Any) -> ShadowVerdict:
    """Return the verdict of a shadow that blocks the last of some events, which was allowed."""
    decisions, _ = run([replace(each, wake_confidence=SURE) for each in events], hand_bundle())
    absurd = [replace(each, wake_confidence=ABSURD) for each in events]
    seen, _ = run(absurd, hand_bundle())
    found = verdict_of_shadow(
        decisions[-1],
        replace(seen[-1], bundle="0" * 16),
        chain_bits=tuple(each.event_bits for each in seen),
        channel="shadow-a",
        at=events[-1].seconds,
    )
    return replace(found, **fields)
