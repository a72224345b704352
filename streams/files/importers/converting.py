"""From records of foreign logs to events: texts become intents, values and ids become tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from detector.contracts.errors import InvalidValue
from detector.contracts.events import MAX_SLOTS, STRUCTURAL_NAMES, IntentEvent
from streams.files.importers.records import Fault, Found, Record, Skipped
from streams.files.importers.tally import Tally
from streams.files.understanding import Understanding, Understood
from streams.wire.token_format import SLOT_NAME

__all__ = ["Converted", "Tokenizer", "convert"]


class Tokenizer(Protocol):
    """Makes tokens: ``streams.hook.Tokens``."""

    def household(self, household_id: str) -> str:
        """Return a household's token."""

    def device(self, household_id: str, device_id: str, time: datetime) -> str:
        """Return a device's token, which has 128 bits."""

    def speaker(self, household_id: str, speaker_id: str, time: datetime) -> str:
        """Return a speaker's token."""

    def slots(self, household_id: str, said: Mapping[str, str], time: datetime) -> dict[str, str]:
        """Return slot values as tokens."""


#: An event and its label, which is empty for a command that the log does not call a misfire.
Converted = tuple[IntentEvent, str]


def convert(
    found: Iterator[Found],
    understanding: Understanding,
    tokens: Tokenizer,
    tally: Tally,
    *,
    household: str,
    runtime: str,
) -> Iterator[Converted]:
    """Yield the events of a log, and count what is no event.

    Sessions that the log does not name are empty; ``in_order`` adds them.
    """
    for each in found:
        if isinstance(each, Skipped):
            tally.skip(each)
        elif isinstance(each, Fault):
            tally.fault(each)
        elif each.text and not understanding.is_command(each.text):
            tally.skip(Skipped("the wake word alone"))
        else:
            understood = (
                Understood(each.intent, each.slots) if each.intent else understanding.of(each.text)
            )
            try:
                yield _event(each, understood, tokens, household, runtime), each.label or ""
            except InvalidValue:
                # The message may quote the record.
                tally.fault(Fault("a record", "a value does not fit into an event"))


def _event(
    record: Record, understood: Understood, tokens: Tokenizer, household: str, runtime: str
) -> IntentEvent:
    home, time = record.household or household, record.time

    def token(kind: str, value: str) -> str:
        # Of the tokens, a device's is exact: it is as long as an id, and ignores no case.
        return tokens.device(home, f"{kind} {value}", time)

    return IntentEvent(
        event_id=token("record", record.key),
        time=time,
        household_id=tokens.household(home),
        device_id=tokens.device(home, record.device, time),
        session_id=token("session", record.session) if record.session else "",
        intent=understood.intent,
        act=understood.act,
        commits=understood.commits,
        slots=tokens.slots(home, _usable(understood.slots), time),
        asr_confidence=record.asr_confidence,
        speaker_id=tokens.speaker(home, record.speaker, time) if record.speaker else None,
        runtime=runtime,
    )


def _usable(slots: Mapping[str, str]) -> dict[str, str]:
    """Return the slots whose names an event may have."""
    named = {
        name: value
        for name, value in slots.items()
        if SLOT_NAME.fullmatch(name) and name.lower() not in STRUCTURAL_NAMES
    }
    return dict(list(named.items())[:MAX_SLOTS])
