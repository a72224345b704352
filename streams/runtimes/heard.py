"""What a runtime heard, and the event that it becomes. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from detector.contracts.events import Act, IntentEvent
from streams.runtimes.names import identifier, intent_of, slots_of
from streams.runtimes.silences import Silences

__all__ = ["SILENCE_SECONDS", "Events", "Heard"]

#: Seconds of silence that end a session, as in the packaged policy (``conversations``).
SILENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One turn as the runtime understood it, with the runtime's own names and spoken values.

    ``session`` is empty if the runtime has none: then silence ends a session. ``commits`` is true
    if the runtime would now execute the intent. ``household`` is empty if the gate has only one.
    """

    intent: str
    slots: Mapping[str, object] = field(default_factory=dict)
    device: str = "assistant"
    session: str = ""
    act: Act = Act.INITIATE
    commits: bool = True
    intent_confidence: float | None = None
    asr_confidence: float | None = None
    speaker: str | None = None
    household: str = ""


class Events:
    """Makes the events of a runtime.

    Args:
        household: the household of turns that name none.
        runtime: the runtime's name.
        silence_seconds: silence that ends a session of a runtime without sessions.
    """

    def __init__(self, household: str, runtime: str, silence_seconds: float) -> None:
        self._household = identifier(household)
        self._runtime = identifier(runtime)
        self._silences = Silences(silence_seconds)

    def event(self, heard: Heard, now: datetime) -> IntentEvent:
        """Return the event of what was heard at ``now``. It never raises for what a user said."""
        device = identifier(heard.device or "assistant")
        return IntentEvent(
            event_id=uuid.uuid4().hex,
            time=now,
            household_id=identifier(heard.household) if heard.household else self._household,
            device_id=device,
            session_id=identifier(heard.session or self._silences.session(device, now.timestamp())),
            intent=intent_of(heard.intent),
            act=heard.act,
            commits=heard.commits,
            slots=slots_of(heard.slots),
            intent_confidence=_share(heard.intent_confidence),
            asr_confidence=_share(heard.asr_confidence),
            speaker_id=identifier(heard.speaker) if heard.speaker else None,
            runtime=self._runtime,
        )


def _share(confidence: float | None) -> float | None:
    """Return a confidence in [0, 1]; other scores of a runtime are not confidences."""
    return confidence if confidence is not None and 0.0 <= confidence <= 1.0 else None
