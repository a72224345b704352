"""Refusal of ambiguous JSON, which parsers may read differently (RFC 8259, section 4).

If two parsers disagree about a value, a check by the first does not protect the second.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from streams.errors import RecordError

__all__ = ["AMBIGUOUS", "MAX_DIGITS", "check_unambiguous"]

AMBIGUOUS = "ambiguous_json"
#: Longest number. A float has 17 significant digits; Python writes 10**308 with 309.
MAX_DIGITS = 400


def check_unambiguous(data: bytes) -> None:
    """Refuse JSON with duplicate names in an object, NaN or Infinity, or very long numbers.

    Raises:
        RecordError: with code ``ambiguous_json`` or ``not_json``; it quotes nothing of the data.
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
            f"a number of the JSON has {len(digits)} digits; the limit is {MAX_DIGITS}",
        )


def _no_number(_: str) -> NoReturn:
    raise RecordError(
        AMBIGUOUS, "the JSON has NaN or Infinity, which are not JSON; leave out unknown values"
    )


_STRICT = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_no_number, parse_int=_short, parse_float=_short
)
