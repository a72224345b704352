"""What the user replied to a question: a yes, challenge words, or digits. Pure functions."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection

from detector.contracts.challenge_words import words_in
from detector.contracts.decisions import ConfirmMethod

__all__ = ["NO", "YES", "accepts", "is_pin"]

#: Replies in English. Adapters pass those of other languages.
YES = frozenset({"yes", "yeah", "yep", "sure", "right", "correct", "ok", "okay", "confirm"})
NO = frozenset({"no", "nope", "not", "don't", "never", "stop", "cancel", "wrong", "nevermind"})
_DIGITS = {
    name: str(digit)
    for digit, name in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
} | {"oh": "0"}


def accepts(
    method: ConfirmMethod | None,
    said: str,
    yes: Collection[str] = YES,
    no: Collection[str] = NO,
) -> bool | None:
    """Return whether a reply accepts or declines a question; ``None`` if it does neither.

    A spoken yes needs a word of ``yes``. A challenge needs challenge words, which misfire checks,
    and a PIN needs digits, which the gate checks. A word of ``no`` declines in each case.

    >>> accepts(ConfirmMethod.SPOKEN, "Yes, please."), accepts(ConfirmMethod.SPOKEN, "not right")
    (True, False)
    >>> accepts(ConfirmMethod.PIN, "what was it?") is None
    True
    """
    words = re.findall(r"[\w']+", said.casefold())
    if any(word in no for word in words):
        return False
    given = {
        ConfirmMethod.SPOKEN: any(word in yes for word in words),
        ConfirmMethod.CHALLENGE: bool(words_in(said)),
        ConfirmMethod.PIN: bool(_digits(said)),
    }
    return True if method is not None and given.get(method) else None


def is_pin(said: str, pin: str) -> bool:
    """Return whether a reply consists of the digits of a PIN, written or as English words.

    >>> is_pin("four seven one one", "4711"), is_pin("4 7 1 2", "4711")
    (True, False)
    """
    return hmac.compare_digest(_digits(said), pin)


def _digits(said: str) -> str:
    words = re.findall(r"[a-z]+|[0-9]", said.casefold())
    return "".join(_DIGITS.get(word, word if word.isdigit() else "") for word in words)
