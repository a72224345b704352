"""Questions on phones: actionable notifications of the companion app, and their answers."""

from __future__ import annotations

import asyncio

from homeassistant.core import HomeAssistant

from .const import LOGGER, NO, YES
from .issues import clear_issue, report_issue
from .phrases import phrase

__all__ = ["Phones", "answer_of"]

#: The event of the companion app for a tap on an action.
TAPPED = "mobile_app_notification_action"
#: Seconds that the assistant's answer waits for the phones' services.
SEND_SECONDS = 2.0


class Phones:
    """The phones that are asked.

    Args:
        hass: the instance.
        services: their services of the domain ``notify``, such as ``mobile_app_anna``.
    """

    def __init__(self, hass: HomeAssistant, services: list[str]) -> None:
        self._hass = hass
        self._services = services

    async def ask(self, question_id: str, text: str) -> None:
        """Send a question to every phone. The phone must be unlocked for a yes."""
        self._check()
        language = self._hass.config.language
        actions = [
            {
                "action": f"{YES}{question_id}",
                "title": await phrase(self._hass, language, "phone_yes"),
                "authenticationRequired": True,
            },
            {
                "action": f"{NO}{question_id}",
                "title": await phrase(self._hass, language, "phone_no"),
                "destructive": True,
            },
        ]
        data = {"tag": _tag(question_id), "actions": actions, "ttl": 0, "priority": "high"}
        await self._send({"title": "misfire", "message": text, "data": data})

    async def clear(self, question_id: str) -> None:
        """Remove a question from every phone."""
        await self._send({"message": "clear_notification", "data": {"tag": _tag(question_id)}})

    async def late(self, question_id: str) -> None:
        """Say on the phones that a question is no longer open."""
        text = await phrase(self._hass, self._hass.config.language, "too_late")
        await self._send({"message": text, "data": {"tag": _tag(question_id)}})

    def _check(self) -> None:
        """Create a repair issue if a phone's service is gone."""
        gone = [
            each for each in self._services if not self._hass.services.has_service("notify", each)
        ]
        if gone:
            report_issue(self._hass, "phone_missing", phones=", ".join(gone))
        else:
            clear_issue(self._hass, "phone_missing")

    async def _send(self, message: dict[str, object]) -> None:
        """Call every phone's service. The assistant does not wait for a slow one."""
        calls = [
            self._hass.async_create_task(self._call(service, message)) for service in self._services
        ]
        if calls:
            await asyncio.wait(calls, timeout=SEND_SECONDS)

    async def _call(self, service: str, message: dict[str, object]) -> None:
        try:
            await self._hass.services.async_call("notify", service, message, blocking=True)
        except Exception as error:  # noqa: BLE001 - another integration's service raises anything
            LOGGER.warning("notify.%s could not be called: %r", service, error)


def answer_of(action: str) -> tuple[str, bool] | None:
    """Return the question that a tap answers and whether it accepts; ``None`` for other taps."""
    for prefix, accepted in ((YES, True), (NO, False)):
        if action.startswith(prefix):
            return action.removeprefix(prefix), accepted
    return None


def _tag(question_id: str) -> str:
    return f"misfire-{question_id}"
