"""The actions ``misfire.label`` and ``misfire.snooze``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .const import DOMAIN, HOUSEHOLD

if TYPE_CHECKING:
    from .guard import CommandGuard

__all__ = ["register_services"]

_LABEL = vol.Schema({vol.Optional("event_id"): cv.string})
_LONGEST = timedelta(hours=24)
_SNOOZE = vol.Schema(
    {vol.Required("duration"): vol.All(cv.positive_time_period, vol.Range(max=_LONGEST))}
)


@callback
def register_services(hass: HomeAssistant) -> None:
    """Register the actions."""

    async def label(call: ServiceCall) -> None:
        await _label(hass, call.data.get("event_id"))

    async def snooze(call: ServiceCall) -> None:
        _guard(hass).snooze(call.data["duration"])

    hass.services.async_register(DOMAIN, "label", label, schema=_LABEL)
    hass.services.async_register(DOMAIN, "snooze", snooze, schema=_SNOOZE)


async def _label(hass: HomeAssistant, event_id: str | None) -> None:
    """Record that nobody meant a command; the household does not learn from it."""
    from streams.hook import Outcome, OutcomeKind, OutcomeSource

    guard = _guard(hass)
    event_id = event_id or (guard.latest.event_id if guard.latest else None)
    if event_id is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_decision")
    outcome = Outcome(
        event_id=event_id,
        household_id=HOUSEHOLD,
        outcome=OutcomeKind.DENIED,
        source=OutcomeSource.OPERATOR,
        time=dt_util.utcnow(),
    )
    if not await hass.async_add_executor_job(guard.opened.result().hook.report, outcome):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_labelled")


def _guard(hass: HomeAssistant) -> CommandGuard:
    """Return the guard of the entry.

    Raises:
        ServiceValidationError: there is no entry, or misfire has not loaded.
    """
    for guard in hass.data.get(DOMAIN, {}).values():
        if guard.opened.done():
            found: CommandGuard = guard
            return found
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_running")
