"""Open questions: a command waits until a phone, a PIN or a challenge word confirms it.

A question lives in memory until it expires. After a restart or a reload its command never runs; an
answer that comes too late is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import intent
from homeassistant.helpers.event import async_track_point_in_utc_time

from .const import CONF_CHALLENGE, CONF_PHONES, CONF_PIN, CONF_SPOKEN, LOGGER
from .phones import Phones
from .phrases import phrase
from .question import Guarding, Question
from .replies import listen

if TYPE_CHECKING:
    from streams.hook import ConfirmMethod

__all__ = ["Questions"]

#: Wrong PINs or words until a question closes.
ATTEMPTS = 3


class Questions:
    """The open questions of an entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, guard: Guarding) -> None:
        self._hass = hass
        self._options = entry.options
        self._guard = guard
        self._phones = Phones(hass, list(entry.options.get(CONF_PHONES) or ()))
        self._open: dict[str, Question] = {}
        self._lock = asyncio.Lock()
        self._listening: list[Callable[[], None]] = []

    @property
    def count(self) -> int:
        """The number of open questions."""
        return len(self._open)

    async def ask(self, question: Question) -> intent.IntentResponse:
        """Ask the household, and return what the assistant says meanwhile."""
        if (before := self._open.get(question.id)) is not None:
            # The same command again: its question is still open.
            before.handler, before.command = question.handler, question.command
            return await self._response(before)
        self._open[question.id] = question
        methods = self._methods(question)
        asked = question.ruling.decision.confirm
        if asked is not None and asked.expires_at is not None:
            question.timer = async_track_point_in_utc_time(
                self._hass, self._expiry(question.id), asked.expires_at
            )
        if "phone_push" in methods:
            await self._phones.ask(question.id, await self._text(question))
        # One reply must not answer two questions: only the latest one can be answered by voice.
        self._stop_listening()
        self._listening = await listen(
            self._hass,
            question,
            methods=methods,
            pin=str(self._options.get(CONF_PIN) or ""),
            answer=self.answer,
        )
        for other in self._open.values():
            other.listens = other is question
        return await self._response(question)

    async def answer(
        self, question_id: str, method: ConfirmMethod, *, accepted: bool, said: str = ""
    ) -> str | None:
        """Answer a question; return what to say, or ``None`` if the question is unknown."""
        from streams.hook import OutcomeKind
        from streams.runtimes import Action

        async with self._lock:
            question = self._open.get(question_id)
            if question is None:
                return None
            gate = self._guard.opened.result().gate
            asked = replace(question.ruling, method=method)
            answered = await self._hass.async_add_executor_job(
                lambda: gate.answer(asked, accepted=accepted, said=said)
            )
            confirmed = answered.action is Action.RUN
            if accepted and not confirmed:
                question.wrong += 1
                if question.wrong < ATTEMPTS:
                    return await self._say(question, "wrong_answer")
            await self._close(question)
        self._guard.announce(question.ruling, "confirmed" if confirmed else "denied")
        if not confirmed:
            if accepted:
                self._guard.report(question.ruling, OutcomeKind.DENIED)
            return await self._say(question, "denied")
        return await self._run(question)

    async def forget(self, question: Question) -> None:
        """Close a question that could not be asked; its command never runs."""
        from streams.hook import OutcomeKind

        if self._open.get(question.id) is question:
            await self._close(question)
            self._guard.report(question.ruling, OutcomeKind.EXPIRED)

    async def close(self) -> None:
        """Close every question; their commands never run."""
        from streams.hook import OutcomeKind

        for question in list(self._open.values()):
            await self._close(question)
            self._guard.report(question.ruling, OutcomeKind.EXPIRED)

    async def _run(self, question: Question) -> str:
        try:
            response = await self._guard.run(question.ruling, question.handler, question.command)
        except Exception as error:  # noqa: BLE001 - a handler's own fault, said in the answer
            LOGGER.warning("A confirmed command failed: %s", error)
            return await self._say(question, "error")
        spoken = response.speech.get("plain", {}).get("speech")
        return spoken or await self._say(question, "confirmed")

    def _methods(self, question: Question) -> frozenset[str]:
        """Return the methods that the decision and this entry both offer."""
        asked = question.ruling.decision.confirm
        proves = self._guard.opened.result().proves
        own = {
            "phone_push": proves and bool(self._options.get(CONF_PHONES)),
            "pin": proves and bool(self._options.get(CONF_PIN)),
            "challenge": bool(self._options.get(CONF_CHALLENGE)),
            "spoken": bool(self._options.get(CONF_SPOKEN)),
        }
        return frozenset(each.value for each in (asked.methods if asked else ()) if own[each.value])

    async def _response(self, question: Question) -> intent.IntentResponse:
        response = question.command.create_response()
        response.response_type = intent.IntentResponseType.QUERY_ANSWER
        methods = self._methods(question)
        asked = question.ruling.decision.confirm
        words = " ".join(asked.challenge) if asked else ""
        first = next(
            each for each in ("pin", "challenge", "spoken", "phone_push") if each in methods
        )
        both = first == "pin" and "phone_push" in methods
        response.async_set_speech(
            await self._say(question, "ask_pin_or_phone" if both else f"ask_{first}", words=words)
        )
        return response

    async def _text(self, question: Question) -> str:
        """Return the question for the phone: what was heard, or the intent."""
        heard = question.command.text_input or question.ruling.decision.intent
        return await self._say(question, "ask_on_phone", heard=heard)

    async def _say(self, question: Question, key: str, **values: str) -> str:
        return await phrase(self._hass, question.command.language, key, **values)

    def _stop_listening(self) -> None:
        for end in self._listening:
            end()
        self._listening = []

    async def _close(self, question: Question) -> None:
        self._open.pop(question.id, None)
        if question.listens:
            self._stop_listening()
        if question.timer is not None:
            question.timer()
        await self._phones.clear(question.id)

    def _expiry(self, question_id: str) -> Callable[[datetime], None]:
        from streams.hook import OutcomeKind

        async def expire() -> None:
            async with self._lock:
                question = self._open.get(question_id)
                if question is None:
                    return
                await self._close(question)
            self._guard.announce(question.ruling, "expired")
            self._guard.report(question.ruling, OutcomeKind.EXPIRED)

        @callback
        def expired(_now: datetime) -> None:
            self._hass.async_create_task(expire())

        return expired
