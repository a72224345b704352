"""What comes in: intent events and outcomes, validated once, on construction.

Only values live here: no I/O, no clock, no state. Code behind this boundary trusts them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from detector.contracts.errors import InvalidValue
from detector.contracts.timestamps import Timestamp, in_utc

__all__ = [
    "CONVERSATION",
    "Act",
    "IntentEvent",
    "Outcome",
    "OutcomeKind",
    "OutcomeSource",
    "check_ids",
    "check_slots",
    "domain_of",
    "fingerprint",
    "session_of",
]

#: Turns that belong to no command ("thank you", "bye") carry an intent of this domain.
CONVERSATION = "conversation"

#: Ids are hashes or UUIDs with a prefix: 36 to 64 characters; twice that is generous.
MAX_ID_LENGTH = 128
#: The largest Schema-Guided Dialogue intent has 14 slots; a longer list is not a command.
MAX_SLOTS = 32
#: A token is a keyed hash in hexadecimal with a key id in front.
MAX_TOKEN_LENGTH = 128

#: Fields of events, outcomes, answers and decisions that no slot may be named after: a reader that looks for one must not find what
#: somebody else put there. ``time`` and ``runtime`` are not among them: people say times, and ask how long a film runs.
STRUCTURAL_NAMES = frozenset(
    {
        *("household_id", "event_id", "device_id", "session_id", "speaker_id"),
        *("decision_id", "confirmation_id", "answer_id", "command_id"),
        *("intent", "act", "commits", "slots", "outcome", "verdict"),
        *("intent_confidence", "asr_confidence", "wake_confidence"),
    }
)

#: What an intent and an id look like.
INTENT_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\.[A-Za-z][A-Za-z0-9_]{0,63}")
ID_FORM = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_LENGTH}}}")


class Act(StrEnum):
    """What a turn does in the dialogue."""

    INITIATE = "initiate"
    INFORM = "inform"
    SELECT = "select"
    ASK = "ask"
    ALTERNATIVES = "alternatives"
    ACCEPT = "accept"
    DECLINE = "decline"
    AFFIRM = "affirm"
    DENY = "deny"
    THANK = "thank"
    END = "end"


class OutcomeKind(StrEnum):
    """What happened to a committing event afterwards."""

    EXECUTED = "executed"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    UNDONE = "undone"
    EXPIRED = "expired"


class OutcomeSource(StrEnum):
    """Who says so."""

    RUNTIME = "runtime"
    OPERATOR = "operator"
    GATEWAY = "gateway"


def domain_of(intent: str) -> str:
    """Return the part of an intent's name before the dot.

    >>> domain_of("messages.SendMessage")
    'messages'
    """
    return intent.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentEvent:
    """One turn that the assistant understood.

    ``event_id`` is the idempotency key. ``session_id`` may be left out: it is the device's own then (``conversations.py``).
    ``commits`` says whether the runtime would carry the intent out on *allow*. ``slots`` maps names to tokens, never to spoken
    values. Confidences are in [0, 1]; ``None`` means that the runtime gives none, which is a value of its own and neither zero nor one.

    Raises:
        InvalidValue: a field breaks the contract; the message names it.
    """

    event_id: str
    time: Timestamp
    household_id: str
    device_id: str
    session_id: str = ""
    intent: str
    act: Act
    commits: bool
    slots: Mapping[str, str] = field(default_factory=dict)
    intent_confidence: float | None = None
    asr_confidence: float | None = None
    wake_confidence: float | None = None
    speaker_id: str | None = None
    runtime: str | None = None

    def __post_init__(self) -> None:
        if not self.session_id:
            object.__setattr__(self, "session_id", session_of(self.device_id))
        check_ids(self, "event_id", "household_id", "device_id", "session_id")
        check_ids(
            self, *(name for name in ("speaker_id", "runtime") if getattr(self, name) is not None)
        )
        if not INTENT_FORM.fullmatch(self.intent):
            raise InvalidValue(f"intent {self.intent[:80]!r} is not of the form 'domain.Name'")
        object.__setattr__(self, "time", in_utc(self.time))
        check_slots(self.slots)
        for name in ("intent_confidence", "asr_confidence", "wake_confidence"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InvalidValue(
                    f"{name} {value!r} is outside [0, 1]; leave it out where it is not known"
                )

    @property
    def domain(self) -> str:
        """The intent's domain."""
        return domain_of(self.intent)

    @property
    def seconds(self) -> float:
        """The event's own time, in seconds since the epoch."""
        return self.time.timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to one committing event afterwards, and who says so.

    Raises:
        InvalidValue: a field breaks the contract; the message names it.
    """

    event_id: str
    household_id: str
    outcome: OutcomeKind
    source: OutcomeSource
    time: Timestamp

    def __post_init__(self) -> None:
        check_ids(self, "event_id", "household_id")
        object.__setattr__(self, "time", in_utc(self.time))


def fingerprint(event: IntentEvent) -> str:
    """Return what tells an event from another under the same ``event_id``: 12 hexadecimal digits of everything it says."""
    # No id and no name holds a space, and what may be missing or hold anything is written so that it cannot be mistaken.
    said = (
        f"{event.seconds} {event.household_id} {event.device_id} {event.session_id} {event.intent} {event.act} {event.commits} "
        f"{event.intent_confidence} {event.asr_confidence} {event.wake_confidence} {event.speaker_id!r} {event.runtime!r} "
        f"{sorted(event.slots.items()) if event.slots else ()}"
    )
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def session_of(device_id: str) -> str:
    """Return the ``session_id`` of a device whose runtime has none."""
    return f"device-{hashlib.blake2b(device_id.encode(), digest_size=8).hexdigest()}"


def check_ids(value: object, *names: str) -> None:
    """Refuse ids that are none, by raising ``InvalidValue``."""
    for name in names:
        identifier = getattr(value, name)
        if not ID_FORM.fullmatch(identifier):
            raise InvalidValue(
                f"{name} {identifier[:80]!r} must be 1 to {MAX_ID_LENGTH} printable ASCII characters without spaces"
            )


def check_slots(slots: Mapping[str, str]) -> None:
    """Refuse slots that are too many, too long, or named after a field, by raising ``InvalidValue``."""
    if len(slots) > MAX_SLOTS:
        raise InvalidValue(f"slots has {len(slots)} entries; at most {MAX_SLOTS} are read")
    if named := sorted(STRUCTURAL_NAMES.intersection(map(str.lower, slots))):
        raise InvalidValue(
            f"a slot is named {', '.join(named)}, as a field of the record itself; give the slot another name"
        )
    for name, token in slots.items():
        if not 0 < len(name) <= MAX_TOKEN_LENGTH or len(token) > MAX_TOKEN_LENGTH:
            raise InvalidValue(
                f"slot {name[:40]!r}: name and token must be at most {MAX_TOKEN_LENGTH} characters; "
                "send tokens (keyed hashes), never spoken values"
            )
