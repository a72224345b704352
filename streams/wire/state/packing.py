"""Encoding of a household's state for the table and its changelog.

A packed state is a form byte and a zstandard frame (RFC 8878). The frame contains the JSON of
``Stored``, compressed against a dictionary that was trained on simulated households
(``streams/local/bench/state_dictionary.py``). A field that is added with a default needs no new
form. A new dictionary does: a state can only be read with the dictionary that packed it.

Version 0.1.0 wrote form 1, which ``older_states.py`` reads.

A state takes about 4 KB after 500 events (``misfire bench state``). Its JSON takes 1.3 MB at
most, by the bounds in ``detector/household/state.py`` and the longest ids, names and tokens
(``detector/contracts/events.py``, ``streams/wire/token_format.py``).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from detector.contracts.decisions import Decision
from detector.household.state import HouseholdState
from streams.wire.state.marks import Marks
from streams.wire.state.older_states import from_form_1

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["FAST", "LEVEL", "Packer", "Stored", "pack", "unpack"]

_FORM, _FORM_OF_0_1_0 = b"\x02", b"\x01"
_DICTIONARY = zstd.ZstdDict(Path(__file__).with_name("dictionary.zdict").read_bytes())
#: Level of a table's states: higher ones save about 2 % and take several times as long.
LEVEL = 6
#: Level of a state that stays on one disk: 13 % larger than ``LEVEL``, in a fifth of the time.
FAST = 1
_OPTIONS: Mapping[int, int] = {
    # Kafka checks its batches, and there is only one dictionary.
    zstd.CompressionParameter.checksum_flag: 0,
    zstd.CompressionParameter.dict_id_flag: 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A household's entry in the table: its state and the last applied record of each partition.

    ``erased`` is the time of the household's erasure in seconds since the epoch, if there was one.
    Records up to that time are not applied again. ``bundle`` is the version of the bundle in whose
    terms the open conversations are stored; states of earlier versions do not name it.
    """

    state: HouseholdState
    intents: Marks = ()
    outcomes: Marks = ()
    erased: float | None = None
    bundle: str = ""

    def decided(self, event_id: str) -> Decision | None:
        """Return the decision on an event if the state still contains it, otherwise ``None``."""
        return next(
            (decision for decision in self.state.recent if decision.event_id == event_id), None
        )


_ADAPTER = TypeAdapter(Stored)


class Packer:
    """Encodes households one after another. One thread at a time may use it.

    Args:
        level: zstandard's compression level.
    """

    def __init__(self, level: int) -> None:
        self._zstd = zstd.ZstdCompressor(
            options={**_OPTIONS, zstd.CompressionParameter.compression_level: level},
            # Prepared once for each level, not for each packer.
            zstd_dict=_DICTIONARY.as_digested_dict,
        )

    def pack(self, stored: Stored) -> bytes:
        """Encode a household like ``pack``."""
        return self.compress(_ADAPTER.dump_json(stored, exclude_defaults=True))

    def compress(self, plain: bytes) -> bytes:
        """Return the packed form of a household's JSON."""
        return _FORM + self._zstd.compress(plain, mode=zstd.ZstdCompressor.FLUSH_FRAME)


def pack(stored: Stored, *, level: int = LEVEL) -> bytes:
    """Encode a household; equal households give equal bytes with the same release of zstandard.

    ``level`` is zstandard's compression level.
    """
    return Packer(level).pack(stored)


def unpack(value: bytes) -> Stored:
    """Decode a household.

    Raises:
        ValueError: the bytes are damaged, or a later version wrote them.
    """
    form = value[:1]
    if form not in (_FORM, _FORM_OF_0_1_0):
        raise ValueError(
            f"a household is written in form {form.hex() or 'none'} and this version reads up to"
            f" form {_FORM.hex()}; run the version that wrote it"
        )
    try:
        if form == _FORM_OF_0_1_0:
            return _ADAPTER.validate_python(from_form_1(value))
        return _ADAPTER.validate_json(_decompress(value[1:]))
    except (
        zstd.ZstdError,
        struct.error,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:
        # The original message may quote the household's data.
        raise ValueError(f"a household in the table is damaged ({type(error).__name__})") from None


def _decompress(frame: bytes) -> bytes:
    return zstd.decompress(frame, zstd_dict=_DICTIONARY)
