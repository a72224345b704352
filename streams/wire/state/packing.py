"""A household in few bytes, for the table and its changelog: data, never code.

The first byte says the form. Form 1 is JSON, compressed (zstandard, RFC 8878) against a dictionary of what every household's JSON
holds. Its fields are those of the values themselves, so that a new field needs no new form; only what is many in every household
is written as rows: usages, and decisions without what follows from the event and the bundle. Form 2 writes the places of the records
that it holds (``marks.py``), as rows as well, where form 1 had offsets alone.

Older forms are still read: form 1, and the JSON as it is, which begins with a brace. Of these the offsets are left out: which topic
and partition they count in cannot be told, and a record that may be new is decided.

A household that lived through 10,000 events takes about 1.4 KiB (median; ``misfire bench state``). At most its JSON takes 1.1 MB, by
the bounds in ``detector/household/state.py`` and those on ids, names and tokens (``detector/contracts/events.py``, ``tokens.py``):
``largest_household.py`` builds that one.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from detector.contracts.decisions import Decision, decision_id
from detector.household.learning import token
from detector.household.state import HouseholdState
from detector.population.base_rates import PARTS_OF_WEEK
from streams.wire.state.marks import Mark, Marks
from streams.wire.state.older_states import with_standings
from streams.wire.state.packing_dictionary import DICTIONARY

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Stored", "pack", "unpack"]

_FORM, _FORM_OF_OFFSETS = 2, 1
#: The topics of which a household's state says how far it is.
_MARKED = ("intents", "outcomes")
#: Higher levels save 2 % more and take several times as long.
_OPTIONS: Mapping[int, int] = {
    zstd.CompressionParameter.compression_level: 6,
    # Kafka's batches have a checksum; the size and the dictionary are known.
    zstd.CompressionParameter.checksum_flag: 0,
    zstd.CompressionParameter.content_size_flag: 0,
    zstd.CompressionParameter.dict_id_flag: 0,
}
_DICTIONARY = zstd.ZstdDict(DICTIONARY, is_raw=True)
#: The columns of the decisions, before what else they hold; and what is not written where it is so.
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
_USUAL = {
    "verdict": "allow",
    "effective_verdict": "allow",
    "enforcement": "enforce",
    "rung": "worker",
}
#: Bytes of an event's fingerprint (``events.fingerprint``) and of a slot value's digest (``household.token``).
_FINGERPRINT, _TOKEN = 6, 3

_HOURS = struct.Struct(f"<{PARTS_OF_WEEK}H")
#: What every frame of zstandard begins with; it is not stored.
_MAGIC = bytes.fromhex("28b52ffd")

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One household in the table: its state, and where the last records of each topic stood that are in it.

    ``erased`` is set where the household was erased: whatever happened up to that time, in seconds, is not taken in again.
    """

    state: HouseholdState
    intents: Marks = ()
    outcomes: Marks = ()
    erased: float | None = None

    def decided(self, event_id: str) -> Decision | None:
        """Return what was decided on an event, where that is recent enough to be remembered."""
        return next(
            (decision for decision in self.state.recent if decision.event_id == event_id), None
        )


_ADAPTER = TypeAdapter(Stored)


def pack(stored: Stored) -> bytes:
    """Write a household; the same household gives the same bytes with the same release of zstandard."""
    plain = _ADAPTER.dump_python(stored, mode="json", exclude_defaults=True)
    state = plain["state"]
    learned, decisions = state.get("learned", 0), state.pop("recent", [])
    fingerprints = state.setdefault("fingerprints", {})
    raw = b""
    if fingerprints.keys() == {decision["event_id"] for decision in decisions}:
        raw = _moved(
            state,
            "fingerprints",
            [fingerprints[each["event_id"]] for each in decisions],
            _FINGERPRINT,
        )
    raw += _moved(state, "tokens", state.get("tokens", []), _TOKEN) + _moved_hours(state)
    plain["recent"] = _decision_columns(decisions, state["household_id"])
    for name in ("intents", "domains"):
        plain[f"of_{name}"] = _usage_columns(state.pop(name, {}), learned)
    for name in _MARKED:
        plain[name] = [[*mark.values()] for mark in plain.get(name, ())]
    frame = zstd.compress(to_json(plain), options=_OPTIONS, zstd_dict=_DICTIONARY)
    return bytes([_FORM]) + len(raw).to_bytes(2, "big") + raw + frame.removeprefix(_MAGIC)


def unpack(value: bytes) -> Stored:
    """Read a household.

    Raises:
        ValueError: it is damaged, or a later version wrote it.
    """
    form = value[:1]
    if form not in (b"{", bytes([_FORM_OF_OFFSETS]), bytes([_FORM])):
        raise ValueError(
            f"a household is written in form {form.hex() or 'none'} and this version reads up to form {_FORM:02x}; "
            "run the version that wrote it"
        )
    try:
        plain = _from_bare_json(from_json(value)) if form == b"{" else _expanded(value)
        with_standings(plain["state"])
        for name in _MARKED:
            plain[name] = _marks(plain.get(name, [])) if form == bytes([_FORM]) else ()
        return _ADAPTER.validate_python(plain)
    except (
        zstd.ZstdError,
        struct.error,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:
        # What it says is not repeated: it is somebody's.
        raise ValueError(f"a household in the table is damaged ({type(error).__name__})") from None


def _expanded(value: bytes) -> Plain:
    begin = 3 + int.from_bytes(value[1:3], "big")
    plain: Plain = from_json(zstd.decompress(_MAGIC + value[begin:], zstd_dict=_DICTIONARY))
    state, raw = plain["state"], value[3:begin]
    state["recent"] = decisions = _decisions(plain.pop("recent"), state["household_id"])
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
        state[name] = _usages(plain.pop(f"of_{name}"), state.get("learned", 0))
    return plain


def _marks(rows: list[Any]) -> list[Plain]:
    names = [field.name for field in fields(Mark)]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _moved(state: Plain, name: str, digests: list[str], size: int) -> bytes:
    """Take a field of digests of ``size`` bytes out of the JSON, as bytes; what is none stays where it is."""
    raw = (
        bytes.fromhex("".join(digests))
        if all(map(re.compile(f"[0-9a-f]{{{2 * size}}}").fullmatch, digests))
        else None
    )
    if raw is None:
        return b""
    state.pop(name, None)
    return raw


def _moved_hours(state: Plain) -> bytes:
    """Take the hours out of the JSON, as thousandths, which is what they are (``household.py``)."""
    hours = state.setdefault("hours", [])
    thousandths = [round(1000 * count) for count in hours]
    exact = [count / 1000 for count in thousandths] == hours and max(thousandths, default=0) < 2**16
    if len(hours) != PARTS_OF_WEEK or not exact or min(thousandths) < 0:
        return b""
    del state["hours"]
    return _HOURS.pack(*thousandths)


def _split(raw: bytes, size: int) -> list[str]:
    return [raw[begin : begin + size].hex() for begin in range(0, len(raw), size)]


def _usage_columns(usages: Plain, learned: int) -> list[Any]:
    """Names, counts, and how many learned sessions ago each was used."""
    rows = [(key, usage["count"], learned - usage["session"]) for key, usage in usages.items()]
    return list(zip(*rows, strict=True))


def _usages(columns: list[Any], learned: int) -> Plain:
    return {
        key: {"count": count, "session": learned - ago}
        for key, count, ago in zip(*columns, strict=True)
    }


def _decision_columns(decisions: list[Plain], household_id: str) -> list[Any]:
    """Write decisions column by column, without what follows from the rest.

    0 is the same text as in the decision before, and no surprisal of a chain is one that the event's was added to.
    """
    rows, before = [], 0.0
    for decision in decisions:
        row = [decision.pop(name, 0.0) for name in _COLUMNS]
        added, before = _added(before, row[-2]), row[-1]
        row[-1] = None if added == before else before
        derived = _USUAL | {
            "decision_id": decision_id(row[0], row[4]),
            "household_id": household_id,
        }
        rows.append(
            (*row, {name: value for name, value in decision.items() if derived.get(name) != value})
        )
    columns = list(zip(*rows, strict=True))
    return [
        [
            0 if value == before else value
            for value, before in zip(column, (None, *column), strict=False)
        ]
        if isinstance(column[0], str)
        else column
        for column in columns
    ]


def _added(surprisal: float, bits: float) -> float:
    """The surprisal of a chain that went on, as a decision rounds it."""
    return round(surprisal + bits, 6)


def _decisions(columns: list[Any], household_id: str) -> list[Plain]:
    decisions: list[Plain] = []
    said: Plain = {"surprisal_bits": 0.0}
    for *row, rest in zip(*columns, strict=True):
        added = _added(said["surprisal_bits"], row[-2])
        said |= {
            name: value
            for name, value in zip(_COLUMNS, row, strict=True)
            if value != 0 or name in _NUMBERS
        }
        if said["surprisal_bits"] is None:
            said["surprisal_bits"] = added
        derived = {
            "decision_id": decision_id(said["event_id"], said["bundle"]),
            "household_id": household_id,
        }
        decisions.append(_USUAL | derived | said | rest)
    return decisions


def _from_bare_json(plain: Plain) -> Plain:
    """Read what was written before there were forms: slot values had their names and counts."""
    state = plain["state"]
    state["tokens"] = [_digest(known) for known in state.get("tokens", ())]
    for pending in state.get("pending", ()):
        pending["tokens"] = [_digest(known) for known in pending["tokens"]]
    return plain


def _digest(known: str) -> str:
    return token(*known.split("=", 1))
