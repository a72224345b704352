"""One form for a text: lower case, without the wake word, courtesy and punctuation."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["LONGEST_TEXT", "reduced"]

#: Longest text in characters that is understood. A command of 30 words has about 170.
LONGEST_TEXT = 300

#: Texts whose form is remembered: a home says the same things every day.
_REMEMBERED = 20_000

_WAKE_WORDS = (
    r"(?:(?:hey|hi|ok|okay) )?"
    r"(?:alexa|echo|computer|amazon|ziggy|google|siri|jarvis|nabu|mycroft|olly)"
)
_COURTESY = (
    r"please|(?:can|could|would|will) you(?: please)?|i (?:want|need|would like|'d like) you to"
    r"|i(?:'d| would) like to|i (?:want|need) to|(?:so|um|uh|well|now|just|kindly|hey)"
    r"|go ahead and|let's|let us|lets|do me a favor and"
)
_LEADING = re.compile(rf"^(?:(?:{_WAKE_WORDS}|{_COURTESY}) )+")
_TRAILING = re.compile(r"(?: (?:please|for me|right now|now|thanks|thank you|alexa|google|siri))+$")
#: A contraction keeps its apostrophe in some transcripts and loses it in others.
_LONG_FORMS = (
    (re.compile(r"\b(what|who|when|where|how|that|it)'?s\b"), r"\1 is"),
    (re.compile(r"\bi'?m\b"), "i am"),
    (re.compile(r"\bdon't\b"), "do not"),
    (re.compile(r"\bcan't\b"), "can not"),
)
_PUNCTUATION = re.compile(r"(?!(?<=\d)[.:/](?=\d))[^\w\s'%°+-]|_")


@lru_cache(_REMEMBERED)
def reduced(text: str) -> str:
    """Return the form of a text that rules read; it is empty if nothing but a wake word was said.

    >>> reduced("Alexa, please turn the lights off!")
    'turn the lights off'
    """
    plain = unicodedata.normalize("NFKC", text[: 2 * LONGEST_TEXT]).casefold()
    words = " ".join(_PUNCTUATION.sub(" ", plain.replace("\u2019", "'")).split())
    for short, long in _LONG_FORMS:
        words = short.sub(long, words)
    return _TRAILING.sub("", _LEADING.sub("", f"{words} ").strip()).strip()
