"""Answers to a confirmation, validated on construction, and what becomes of them. Only values live here."""

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

#: A proof is an HMAC in hexadecimal, or an id of the runtime's.
MAX_PROOF_LENGTH = 256
#: More words than anybody is asked to say, and fewer than a conversation has.
MAX_WORDS = 8


#: Ways of confirming that the runtime checks, and proves to have checked.
PROVEN = frozenset({ConfirmMethod.PHONE_PUSH, ConfirmMethod.PIN})


class Result(StrEnum):
    """What an answer did: the command may run, it may not, or the question stays as it was."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    REFUSED = "refused"


class Refusal(StrEnum):
    """Why an answer counts for nothing."""

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
    """What somebody answered, and how that is known.

    ``answer_id`` is the answer's own id. ``session_id``, ``intent`` and ``slots`` are those of the command that would run now. A yes by
    ``pin`` or ``phone_push`` needs ``proof`` (see ``proof_of``), by ``challenge`` the ``words`` that were heard (only those of the list,
    never what else was said), by ``spoken`` the turn that was ``heard``. A no needs nothing.

    Raises:
        InvalidValue: a field breaks the contract; the message names it.
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
                "heard is a turn of another household; send the turn that this household said"
            )
        if self.proof is not None and not 0 < len(self.proof) <= MAX_PROOF_LENGTH:
            raise InvalidValue(
                f"proof must have 1 to {MAX_PROOF_LENGTH} characters; leave it out where there is none"
            )
        if len(self.words) > MAX_WORDS or not set(self.words) <= set(WORDS):
            raise InvalidValue(
                f"words must be at most {MAX_WORDS} of the challenge words; leave out whatever else was heard"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationResult:
    """What became of an answer.

    ``event_id`` is the committing event whose command may run (``confirmed``) or may not (``denied``), once. ``reason`` is why an
    answer was refused, ``text`` the same as a sentence. ``surprisal_bits`` and ``misfire_probability`` are those of a spoken yes, in
    bits (higher is rarer) and of the chain with the answer in it. ``answered_by`` is the ``answer_id`` that closed the question.
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
    """Return the proof that somebody who holds ``key`` checked a PIN or a push: HMAC-SHA-256 in hexadecimal (RFC 2104).

    A confirmation is answered once, so that a proof that was overheard is worth nothing.

    >>> len(proof_of(b"key", "c1", ConfirmMethod.PIN))
    64
    """
    return hmac.new(
        key, f"misfire\0{confirmation_id}\0{method}".encode(), hashlib.sha256
    ).hexdigest()
