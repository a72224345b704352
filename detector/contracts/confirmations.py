"""Answers to confirmations and the results of those answers; values only.

Answers are validated on construction.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from detector.contracts.challenge_words import WORDS
from detector.contracts.decisions import ConfirmMethod
from detector.contracts.errors import InvalidValue
from detector.contracts.events import IntentEvent, check_ids, check_slots
from detector.contracts.timestamps import Timestamp, in_utc

__all__ = ["PROVEN", "ConfirmationAnswer", "ConfirmationResult", "Refusal", "Result", "proof_of"]

#: A proof is an HMAC in hexadecimal or an id that the runtime assigned.
MAX_PROOF_LENGTH = 256
#: More words than a challenge has, and fewer than a conversation has.
MAX_WORDS = 8

#: The methods that the runtime checks itself. An answer carries a proof of the check.
PROVEN = frozenset({ConfirmMethod.PHONE_PUSH, ConfirmMethod.PIN})


class Result(StrEnum):
    """Effect of an answer: the command may run, it may not run, or the question is unchanged."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    REFUSED = "refused"


class Refusal(StrEnum):
    """Why an answer has no effect."""

    UNKNOWN = "unknown_confirmation"
    OTHER_HOUSEHOLD = "other_household"
    OTHER_SESSION = "other_session"
    OTHER_INTENT = "other_intent"
    CHANGED_SLOTS = "changed_slots"
    EXPIRED = "expired"
    ALREADY_ANSWERED = "already_answered"
    SUPERSEDED = "superseded"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    METHOD_NOT_OFFERED = "method_not_offered"
    PROOF_MISSING = "proof_missing"
    PROOF_WRONG = "proof_wrong"
    WRONG_WORDS = "wrong_words"
    NOTHING_HEARD = "nothing_heard"
    UNLIKELY_ANSWER = "unlikely_answer"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationAnswer:
    """A user's answer to a confirmation, with the evidence for it.

    ``answer_id`` is the answer's own id. ``session_id``, ``intent`` and ``slots`` describe the
    command that would run now. The evidence for an accepting answer depends on the method:

    - ``pin`` and ``phone_push`` need a ``proof`` (see ``proof_of``);
    - ``challenge`` needs the ``words`` that were heard, and only those from the list of challenge
      words, never the rest of the utterance;
    - ``spoken`` needs the turn that was ``heard``.

    A declining answer needs no evidence.

    Raises:
        InvalidValue: a field violates the contract; the message names the field.
    """

    confirmation_id: str
    answer_id: str
    household_id: str
    session_id: str
    intent: str
    method: ConfirmMethod
    accepted: bool
    time: Timestamp
    slots: Mapping[str, str] = field(default_factory=dict)
    proof: str | None = None
    words: tuple[str, ...] = ()
    heard: IntentEvent | None = None

    def __post_init__(self) -> None:
        check_ids(self, "confirmation_id", "answer_id", "household_id", "session_id", "intent")
        object.__setattr__(self, "time", in_utc(self.time))
        check_slots(self.slots)
        if self.heard is not None and self.heard.household_id != self.household_id:
            raise InvalidValue(
                "heard is a turn of another household; send this household's own turn"
            )
        if self.proof is not None and not 0 < len(self.proof) <= MAX_PROOF_LENGTH:
            raise InvalidValue(
                f"proof must have 1 to {MAX_PROOF_LENGTH} characters; omit it if there is none"
            )
        if len(self.words) > MAX_WORDS or not set(self.words) <= set(WORDS):
            raise InvalidValue(
                f"words must be at most {MAX_WORDS} challenge words; omit all other words"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationResult:
    """The result of an answer.

    ``event_id`` is the committing event whose command may run once (``confirmed``) or may not run
    (``denied``). ``reason`` is why the answer was refused, and ``text`` is the same as a sentence.
    For a spoken yes, ``surprisal_bits`` is the surprisal of the answer in bits (higher is rarer),
    ``None`` if training saw no yes to this intent, and ``misfire_probability`` is that of the chain
    including the answer. ``answered_by`` is the ``answer_id`` that closed the question.
    """

    confirmation_id: str
    answer_id: str
    household_id: str
    result: Result
    event_id: str | None = None
    reason: Refusal | None = None
    text: str = ""
    surprisal_bits: float | None = None
    misfire_probability: float | None = None
    attempts_left: int = 0
    answered_by: str | None = None


def proof_of(key: bytes, confirmation_id: str, method: ConfirmMethod) -> str:
    """Return the proof that a holder of ``key`` checked a PIN or a push notification.

    The proof is an HMAC-SHA-256 (RFC 2104) in hexadecimal. A confirmation accepts one answer only,
    so an intercepted proof cannot be used again.

    >>> len(proof_of(b"key", "c1", ConfirmMethod.PIN))
    64
    """
    return hmac.new(
        key, f"misfire\0{confirmation_id}\0{method}".encode(), hashlib.sha256
    ).hexdigest()
