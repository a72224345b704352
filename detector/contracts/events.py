"""Intent events and outcomes, the input of the core; values only.

They are validated once, on construction. Code behind this boundary does not check them again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from detector.contracts.errors import InvalidValue
from detector.contracts.timestamps import Timestamp, in_utc, in_zone

__all__ = [
    "CONVERSATION",
    "Act",
    "IntentEvent",
    "Outcome",
    "OutcomeKind",
    "OutcomeSource",
    "action_of",
    "check_ids",
    "check_slots",
    "domain_of",
    "fingerprint",
    "session_of",
]

#: The domain of intents that belong to no command ("thank you", "bye").
CONVERSATION = "conversation"

#: Ids are hashes or UUIDs with a prefix, 36 to 64 characters long; the limit is twice that.
MAX_ID_LENGTH = 128
#: The largest intent in the Schema-Guided Dialogue data set has 14 slots.
MAX_SLOTS = 32
#: A token is a key id followed by a keyed hash in hexadecimal.
MAX_TOKEN_LENGTH = 128

#: Fields of events, outcomes, answers and decisions. No slot may have one of these names, because a
#: consumer that searches a record for the field could find the slot instead. ``time`` and
#: ``runtime`` are allowed: users say times, and ask how long a film runs.
STRUCTURAL_NAMES = frozenset(
    {
        *("household_id", "event_id", "device_id", "session_id", "speaker_id"),
        *("decision_id", "confirmation_id", "answer_id", "command_id"),
        *("intent", "act", "commits", "slots", "outcome", "verdict"),
        *("intent_confidence", "asr_confidence", "wake_confidence"),
    }
)

#: Intents whose parts are cached: evidence asks for those of each intent that a household uses.
_INTENTS = 4096
#: The forms of an intent and of an id.
INTENT_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\.[A-Za-z][A-Za-z0-9_]{0,63}")
ID_FORM = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_LENGTH}}}")


class Act(StrEnum):
    """The function of a turn in the dialogue."""

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
    """What happened to a command after its committing event."""

    EXECUTED = "executed"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    UNDONE = "undone"
    EXPIRED = "expired"


class OutcomeSource(StrEnum):
    """The component that reports an outcome."""

    RUNTIME = "runtime"
    OPERATOR = "operator"
    GATEWAY = "gateway"


@lru_cache(maxsize=_INTENTS)
def action_of(intent: str) -> str:
    """Return the part of an intent after the dot; numbered variants are the same action.

    >>> action_of("lights.TurnOn"), action_of("television.Channel_12")
    ('TurnOn', 'Channel')
    """
    return intent.partition(".")[2].rstrip("0123456789_")


@lru_cache(maxsize=_INTENTS)
def domain_of(intent: str) -> str:
    """Return the part of an intent before the dot.

    >>> domain_of("messages.SendMessage")
    'messages'
    """
    return intent.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentEvent:
    """One turn that the assistant understood.

    ``event_id`` is the idempotency key. ``session_id`` is optional; by default it is derived from
    the device (``session_of``). ``time`` keeps its time zone, because habits have local hours.
    ``commits`` is true if the runtime would execute the intent on
    *allow*. ``slots`` maps names to tokens, never to spoken values. Confidences are in [0, 1].
    ``None`` means that the runtime does not report one; the model treats it as a value of its own,
    neither zero nor one.

    Raises:
        InvalidValue: a field violates the contract; the message names the field.
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
        object.__setattr__(self, "time", in_zone(self.time))
        check_slots(self.slots)
        for name in ("intent_confidence", "asr_confidence", "wake_confidence"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InvalidValue(
                    f"{name} {value!r} is outside [0, 1]; omit it if it is not known"
                )

    @property
    def domain(self) -> str:
        """The intent's domain."""
        return domain_of(self.intent)

    @property
    def seconds(self) -> float:
        """The event's own time, in seconds since the epoch."""
        return self.time.timestamp()

    @property
    def zone_seconds(self) -> float:
        """By how many seconds local time is ahead of UTC, according to the zone of ``time``."""
        offset = self.time.utcoffset()
        return offset.total_seconds() if offset else 0.0

    @property
    def local_seconds(self) -> float:
        """The event's own time as local clocks show it, in seconds since the epoch."""
        return self.seconds + self.zone_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to one command, and which component reports it.

    Raises:
        InvalidValue: a field violates the contract; the message names the field.
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
    """Return a hash of all fields except ``event_id``, as 12 hexadecimal digits.

    It distinguishes two events that were sent under the same ``event_id``.
    """
    # The encoding is unambiguous: ids and names contain no space, and values that may be missing or
    # contain any character are written as Python literals.
    content = (
        f"{event.seconds} {event.household_id} {event.device_id} {event.session_id} "
        f"{event.intent} {event.act} {event.commits} "
        f"{event.intent_confidence} {event.asr_confidence} {event.wake_confidence} "
        f"{event.speaker_id!r} {event.runtime!r} "
        f"{sorted(event.slots.items()) if event.slots else ()}"
    )
    return hashlib.blake2b(content.encode(), digest_size=6).hexdigest()


def session_of(device_id: str) -> str:
    """Return the ``session_id`` for a device whose runtime does not send one."""
    return f"device-{hashlib.blake2b(device_id.encode(), digest_size=8).hexdigest()}"


def check_ids(value: object, *names: str) -> None:
    """Raise ``InvalidValue`` if one of the named attributes is not a valid id."""
    for name in names:
        identifier = getattr(value, name)
        if not ID_FORM.fullmatch(identifier):
            raise InvalidValue(
                f"{name} {identifier[:80]!r} must be 1 to {MAX_ID_LENGTH} printable ASCII "
                "characters without spaces"
            )


def check_slots(slots: Mapping[str, str]) -> None:
    """Raise ``InvalidValue`` if there are too many slots, or one is too long or reserved."""
    if len(slots) > MAX_SLOTS:
        raise InvalidValue(f"slots has {len(slots)} entries; at most {MAX_SLOTS} are allowed")
    if reserved := sorted(STRUCTURAL_NAMES.intersection(map(str.lower, slots))):
        raise InvalidValue(
            f"a slot is named {', '.join(reserved)}, like a field of the record itself; "
            "rename the slot"
        )
    for name, token in slots.items():
        if not 0 < len(name) <= MAX_TOKEN_LENGTH or len(token) > MAX_TOKEN_LENGTH:
            raise InvalidValue(
                f"slot {name[:40]!r}: name and token must be at most {MAX_TOKEN_LENGTH} "
                "characters; send tokens (keyed hashes), never spoken values"
            )
