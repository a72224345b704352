"""Reading of household states that version 0.1.0 wrote (form 1).

Form 1 is the form byte, two bytes with the length of the digests, the digests, and a zstandard
frame without its magic number. The frame contains JSON in which usages and decisions are columns.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

from pydantic_core import from_json

from detector.contracts.decisions import decision_id
from detector.contracts.standing import Standing
from detector.population.base_rates import PARTS_OF_WEEK
from streams.wire.state.older_dictionary import DICTIONARY

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["from_form_1", "with_standings"]

Plain = dict[str, Any]

_DICTIONARY = zstd.ZstdDict(DICTIONARY, is_raw=True)
_ZSTD_MAGIC = bytes.fromhex("28b52ffd")
#: Bytes of an event's fingerprint and of a slot value's digest.
_FINGERPRINT, _TOKEN = 6, 3
#: Thousandths of an hour's count.
_HOURS = struct.Struct(f"<{PARTS_OF_WEEK}H")
#: The columns of decisions. A 0 in a text column repeats the row above.
_COLUMNS = (
    "event_id",
    "session_id",
    "intent",
    "risk_class",
    "bundle",
    "event_bits",
    "surprisal_bits",
)
_NUMBERS = {"event_bits", "surprisal_bits"}
#: Fields that form 1 leaves out where they have these values.
_USUAL = {
    "verdict": "allow",
    "effective_verdict": "allow",
    "enforcement": "enforce",
    "rung": "worker",
}


def from_form_1(value: bytes) -> Plain:
    """Return the fields of ``Stored``, without the offsets.

    Form 1 has offsets without their topic id and partition. They are dropped, so that a record
    that may be new is decided rather than skipped.

    Raises:
        ValueError, LookupError, AttributeError, TypeError, struct.error, zstd.ZstdError: the bytes
            are damaged.
    """
    begin = 3 + int.from_bytes(value[1:3], "big")
    plain: Plain = from_json(zstd.decompress(_ZSTD_MAGIC + value[begin:], zstd_dict=_DICTIONARY))
    state, raw = plain["state"], value[3:begin]
    state["recent"] = decisions = _decisions(plain["recent"], state["household_id"])
    if "fingerprints" not in state:
        size = _FINGERPRINT * len(decisions)
        found, raw = _split(raw[:size], _FINGERPRINT), raw[size:]
        state["fingerprints"] = {
            each["event_id"]: known for each, known in zip(decisions, found, strict=True)
        }
    if "hours" not in state:
        raw, hours = raw[: -_HOURS.size], raw[-_HOURS.size :]
        state["hours"] = [count / 1000 for count in _HOURS.unpack(hours)]
    state.setdefault("tokens", _split(raw, _TOKEN))
    for name in ("intents", "domains"):
        state[name] = _usages(plain[f"of_{name}"], state.get("learned", 0))
    return {"state": with_standings(state), "erased": plain.get("erased")}


def with_standings(state: Plain) -> Plain:
    """Replace the fields ``allowed`` and ``answered`` of pending commands by a standing, in place.

    In version 0.1.0 an outcome could confirm a command without a check. Where that cannot be ruled
    out, the command neither counts as allowed nor teaches.
    """
    asked = {question["event_id"]: question for question in state.get("questions", ())}
    for question in asked.values():
        if question.get("state") == "confirmed" and "answered_by" not in question:
            question["state"] = "over"
    for pending in state.get("pending", ()):
        allowed, answered = pending.pop("allowed"), pending.pop("answered", False)
        question = asked.get(pending["event_id"])
        if question is not None:
            pending["confirmation_id"] = question["confirmation_id"]
            pending["standing"] = _of_asked(question)
        else:
            pending["standing"] = _of_others(allowed=allowed, answered=answered)
    return state


def _of_asked(question: Plain) -> Standing:
    if question.get("state", "open") == "open":
        return Standing.ASKED
    checked = {"confirmed": Standing.CONFIRMED, "denied": Standing.DENIED}
    return checked.get(question["state"], Standing.EXPIRED)


def _of_others(*, allowed: bool, answered: bool) -> Standing:
    if answered:
        return Standing.NOT_RUN if allowed else Standing.DENIED
    return Standing.ALLOWED if allowed else Standing.BLOCKED


def _split(raw: bytes, size: int) -> list[str]:
    return [raw[begin : begin + size].hex() for begin in range(0, len(raw), size)]


def _usages(columns: list[Any], learned: int) -> Plain:
    """Read columns of names, counts, and the number of learned sessions since the last use."""
    return {
        key: {"count": count, "session": learned - ago}
        for key, count, ago in zip(*columns, strict=True)
    }


def _decisions(columns: list[Any], household_id: str) -> list[Plain]:
    decisions: list[Plain] = []
    last: Plain = {"surprisal_bits": 0.0}
    for *row, rest in zip(*columns, strict=True):
        # Without a surprisal of its own, a chain went on: the event's bits are added to it.
        sum_bits = round(last["surprisal_bits"] + row[-2], 6)
        last |= {
            name: value
            for name, value in zip(_COLUMNS, row, strict=True)
            if value != 0 or name in _NUMBERS
        }
        if last["surprisal_bits"] is None:
            last["surprisal_bits"] = sum_bits
        derived = {
            "decision_id": decision_id(last["event_id"], last["bundle"]),
            "household_id": household_id,
        }
        decisions.append(_USUAL | derived | last | rest)
    return decisions
