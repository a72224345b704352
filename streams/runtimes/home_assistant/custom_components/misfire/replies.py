"""Spoken and typed replies: sentences that the assistant knows only while a question is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from homeassistant.core import HomeAssistant
from homeassistant.helpers import trigger
from homeassistant.helpers.script import ScriptRunResult

from .const import DOMAIN, LOGGER

if TYPE_CHECKING:
    from streams.hook import ConfirmMethod

    from .question import Question

__all__ = ["listen"]

#: Words of a spoken yes and no, and the names of the digits, by language.
_YES = {"en": ["yes [please]", "confirm"], "de": ["ja [bitte]", "bestätigen"]}
_NO = {"en": ["no", "cancel [that]"], "de": ["nein", "abbrechen"]}
_DIGITS = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
}
#: What precedes a PIN.
_BEFORE_PIN = {
    "en": "[my|the] (pin|code) [is]",
    "de": "[meine|die|der] (pin|code) [ist|lautet]",
}


class Answer(Protocol):
    """Answers a question; returns what to say."""

    def __call__(
        self, question_id: str, method: ConfirmMethod, *, accepted: bool, said: str = ""
    ) -> Awaitable[str | None]: ...


@dataclass(frozen=True, slots=True)
class _Reply:
    """Sentences that answer a question. ``said`` is what they say; if empty, the slot says it."""

    sentences: list[str]
    method: ConfirmMethod
    accepted: bool = True
    said: str = ""

    @property
    def is_secret(self) -> bool:
        """Whether the reply proves by itself that the question was meant."""
        return self.accepted and self.method != "spoken"


async def listen(
    hass: HomeAssistant, question: Question, *, methods: frozenset[str], pin: str, answer: Answer
) -> list[Callable[[], None]]:
    """Make the assistant understand the replies to a question; return what ends that.

    Home Assistant matches these sentences before any agent gets the text, so a PIN reaches no
    language model.
    """
    language = (question.command.language or hass.config.language).partition("-")[0]
    asked = question.ruling.decision.confirm
    words = " ".join(asked.challenge) if asked else ""
    replies = _expected(methods, pin, words, language if language in _YES else "en")
    ends = [await _understand(hass, question, reply, answer) for reply in replies]
    return [end for end in ends if end is not None]


def _expected(methods: frozenset[str], pin: str, words: str, language: str) -> list[_Reply]:
    from streams.hook import ConfirmMethod  # library.py makes it importable

    found: list[_Reply] = []
    if "pin" in methods:
        before = _BEFORE_PIN[language]
        right = [f"[{before}] {form}" for form in _forms(pin, language)]
        found.append(_Reply(right, ConfirmMethod.PIN, said=pin))
        found.append(_Reply([f"{before} {{misfire_pin}}"], ConfirmMethod.PIN))
    if "challenge" in methods and words:
        found.append(_Reply([words], ConfirmMethod.CHALLENGE, said=words))
    if "spoken" in methods:
        found.append(_Reply(_YES[language], ConfirmMethod.SPOKEN))
    if found:
        found.append(_Reply(_NO[language], found[0].method, accepted=False))
    return found


async def _understand(
    hass: HomeAssistant, question: Question, reply: _Reply, answer: Answer
) -> Callable[[], None] | None:
    async def heard(variables: dict[str, Any], _context: object = None) -> ScriptRunResult:
        heard_by = variables["trigger"].get("device_id")
        if not reply.is_secret and heard_by != getattr(question.command, "device_id", None):
            # A yes or no that another device heard may belong to another conversation.
            return ScriptRunResult(None, None, {})
        said = reply.said or str(variables["trigger"].get("slots", {}).get("misfire_pin", ""))
        text = await answer(question.id, reply.method, accepted=reply.accepted, said=said)
        return ScriptRunResult(text, None, {})

    config = await trigger.async_validate_trigger_config(
        hass, [{"platform": "conversation", "command": reply.sentences}]
    )
    return await trigger.async_initialize_triggers(
        hass, config, heard, DOMAIN, "misfire", LOGGER.log
    )


def _forms(pin: str, language: str) -> list[str]:
    """Return the ways in which speech recognition writes a PIN: 4711, 4 7 1 1, 47 11, words."""
    names = _DIGITS[language].split()
    pairs = " ".join(pin[at : at + 2] for at in range(0, len(pin), 2))
    return [pin, " ".join(pin), pairs, " ".join(names[int(digit)] for digit in pin)]
