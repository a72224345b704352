"""Asks misfire before a command runs, and runs it, asks the household, or refuses.

If misfire itself fails, its policy's rule decides: lights work, locks need a confirmation. If even
that fails, commands of the strictest class are refused and all others run.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util

from .commands import heard_of
from .const import CONF_CLASSES, CONF_MODE, GATEWAY, LOGGER, SIGNAL
from .gateway import refusal_of
from .issues import clear_fault, report_fault
from .phrases import phrase
from .question import Question
from .questions import Questions
from .record import Record
from .reversals import Reversals

if TYPE_CHECKING:
    from streams.hook import OutcomeKind
    from streams.runtimes import Ruling

    from .opening import Opened

__all__ = ["CommandGuard"]

#: Seconds that a command waits for misfire to load, only just after Home Assistant started.
LOAD_SECONDS = 2.0
#: Seconds that a command waits for its decision; usually milliseconds.
CHECK_SECONDS = 3.0


class CommandGuard:
    """Guards the commands of one entry.

    ``embedded`` says whether decisions are made in this process, ``opened`` is set when misfire has
    loaded. ``snoozed_until`` is the time up to which every
    command runs.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self.embedded = entry.data.get(CONF_MODE) != GATEWAY
        self.opened: asyncio.Future[Opened] = hass.loop.create_future()
        self.questions = Questions(hass, entry, self)
        self.snoozed_until: datetime | None = None
        self.latest: Record | None = None
        self._reversals = Reversals()
        self._reporting = asyncio.Lock()
        self._reports: set[asyncio.Task[None]] = set()

    async def handle(
        self, handler: intent.IntentHandler, intent_obj: intent.Intent
    ) -> intent.IntentResponse:
        """Handle an intent in place of its handler."""
        from streams.runtimes import Action

        try:
            ruling = await self._ruling(intent_obj)
            action = Action.RUN if self._is_unasked(ruling) else ruling.action
            clear_fault(self._hass)
        except Exception as error:  # noqa: BLE001 - voice never depends on misfire
            report_fault(self._hass, error)
            if _moves_something(intent_obj):
                return await self.refusal(intent_obj, "failed")
            return await handler.async_handle(intent_obj)
        if action is Action.ASK:
            return await self._asked(Question(ruling, handler, intent_obj))
        if action is Action.REFUSE:
            return await self.refusal(intent_obj, "refused")
        return await self.run(ruling, handler, intent_obj)

    async def _asked(self, question: Question) -> intent.IntentResponse:
        """Ask about a command. If that fails, it does not run."""
        try:
            return await self.questions.ask(question)
        except Exception as error:  # noqa: BLE001 - as above
            report_fault(self._hass, error)
            await self.questions.forget(question)
            return await self.refusal(question.command, "failed")

    async def run(
        self, ruling: Ruling, handler: intent.IntentHandler, intent_obj: intent.Intent
    ) -> intent.IntentResponse:
        """Run a command's own handler and report how it ended."""
        from streams.hook import OutcomeKind

        try:
            response = await handler.async_handle(intent_obj)
        except BaseException:
            self.report(ruling, OutcomeKind.EXPIRED)
            raise
        if response.response_type is intent.IntentResponseType.ERROR:
            self.report(ruling, OutcomeKind.EXPIRED)
            return response
        self.report(ruling, OutcomeKind.EXECUTED)
        for undone in self._reversals.executed(intent_obj, ruling, dt_util.utcnow()):
            self.report(undone, OutcomeKind.UNDONE)
        return response

    def report(self, ruling: Ruling, outcome: OutcomeKind) -> None:
        """Report an outcome, in the background and in order with the others."""
        task = self._hass.async_create_task(self._report(ruling, outcome))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def settle(self) -> None:
        """Wait for the reports that are under way."""
        await asyncio.gather(*self._reports, return_exceptions=True)

    async def _report(self, ruling: Ruling, outcome: OutcomeKind) -> None:
        async with self._reporting:
            gate = self.opened.result().gate
            await self._hass.async_add_executor_job(gate.report, ruling, outcome)

    async def refusal(self, intent_obj: intent.Intent, key: str) -> intent.IntentResponse:
        """Return a response that says why a command did not run."""
        response = intent_obj.create_response()
        response.async_set_error(
            intent.IntentResponseErrorCode.FAILED_TO_HANDLE,
            await phrase(self._hass, intent_obj.language, key),
        )
        return response

    def announce(self, ruling: Ruling, result: str = "") -> None:
        """Send a decision, or the answer to its question, to sensors and automations."""
        self.latest = Record.of(ruling, dt_util.utcnow(), result)
        async_dispatcher_send(self._hass, SIGNAL, self.latest)

    async def _ruling(self, intent_obj: intent.Intent) -> Ruling:
        async with asyncio.timeout(LOAD_SECONDS):
            opened = await asyncio.shield(self.opened)
        heard = heard_of(intent_obj, opened.policy)
        # The hook has a deadline of its own, but not for the threads that other integrations hold.
        async with asyncio.timeout(CHECK_SECONDS):
            ruling = await self._hass.async_add_executor_job(opened.gate.check, heard)
        self.announce(ruling)
        if refusal_of(ruling.decision) == "refused":
            self._entry.async_start_reauth(self._hass)
        return ruling

    def _is_unasked(self, ruling: Ruling) -> bool:
        """Return whether a command runs whatever the verdict: its class is only watched."""
        if self.snoozed_until is not None and dt_util.utcnow() < self.snoozed_until:
            return True
        classes = self._entry.options.get(CONF_CLASSES)
        return classes is not None and ruling.decision.risk_class.value not in classes

    def snooze(self, duration: timedelta) -> None:
        """Let every command run for a while; decisions are still made and recorded."""
        self.snoozed_until = dt_util.utcnow() + duration
        LOGGER.info("Commands are not asked about until %s", self.snoozed_until)


def _moves_something(intent_obj: intent.Intent) -> bool:
    """Return whether a command may do harm, by the least that is known about it."""
    named = {str(each.get("value")).casefold() for each in intent_obj.slots.values()}
    words = ("lock", "cover", "garage", "gate", "door", "valve", "alarm", "siren", "script")
    return any(word in name for name in named for word in words) or not (
        intent_obj.intent_type.startswith("Hass")
    )
