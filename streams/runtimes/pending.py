"""A question that waits for its answer, as text for a session's attributes or a database."""

from __future__ import annotations

import json

from detector.contracts.decisions import ConfirmMethod
from streams.errors import RecordError
from streams.runtimes.gate import Action, Ruling
from streams.wire.records import DECISION, INTENT

__all__ = ["packed", "unpacked"]


def packed(ruling: Ruling) -> str:
    """Return a question as text. It contains the slot values that the skill heard."""
    return json.dumps(
        {
            "event": INTENT.encode(ruling.event).decode(),
            "decision": DECISION.encode(ruling.decision).decode(),
            "method": ruling.method,
            "say": ruling.say,
        }
    )


def unpacked(text: object) -> Ruling | None:
    """Return the question in a text; ``None`` if it is not one."""
    try:
        found = json.loads(str(text))
        return Ruling(
            action=Action.ASK,
            event=INTENT.decode(found["event"].encode()),
            decision=DECISION.decode(found["decision"].encode()),
            method=ConfirmMethod(found["method"]),
            say=str(found["say"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecordError):
        return None
