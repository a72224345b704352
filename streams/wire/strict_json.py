"""JSON that can be understood in one way only: what two readers would take differently is a way past one of them (RFC 8259, section 4)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from streams.errors import RecordError

__all__ = ["AMBIGUOUS", "MAX_DIGITS", "check_unambiguous"]

AMBIGUOUS = "ambiguous_json"
#: A float has 17 digits that count; Python writes 10**308 with 309.
MAX_DIGITS = 400


def check_unambiguous(data: bytes) -> None:
    """Refuse JSON with a name twice in one object, a number that is none (NaN, Infinity), or one of very many digits.

    Raises:
        RecordError: with code ``ambiguous_json``, or ``not_json``; it repeats nothing of the data.
    """
    try:
        _STRICT.decode(data.decode())
    except RecordError:
        raise
    except (ValueError, RecursionError):
        raise RecordError("not_json", "the value is not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict.fromkeys(name for name, _ in pairs)) != len(pairs):
        raise RecordError(AMBIGUOUS, "an object of the JSON has a name twice; give each name once")


def _short(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise RecordError(
            AMBIGUOUS,
            f"a number of the JSON has {len(digits)} digits; at most {MAX_DIGITS} are read",
        )


def _no_number(_: str) -> NoReturn:
    raise RecordError(
        AMBIGUOUS, "the JSON has NaN or Infinity, which are no JSON; leave out what is not known"
    )


_STRICT = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_no_number, parse_int=_short, parse_float=_short
)
