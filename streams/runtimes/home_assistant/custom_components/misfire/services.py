"""The actions ``misfire.label`` and ``misfire.snooze``.

The embedded hook applies a label at once. A gateway takes no labels from a household: there,
``misfire.label`` reports the outcome ``denied``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .const import DOMAIN, HOUSEHOLD

if TYPE_CHECKING:
    from .guard import CommandGuard

__all__ = ["register_services"]

_LABELS = ("misfire", "meant", "withdrawn")
_LABEL = vol.Schema(
    {
        vol.Optional("event_id"): cv.string,
        vol.Optional("label", default="misfire"): vol.In(_LABELS),
    }
)
_LONGEST = timedelta(hours=24)
_SNOOZE = vol.Schema(
    {vol.Required("duration"): vol.All(cv.positive_time_period, vol.Range(max=_LONGEST))}
)


@callback
def register_services(hass: HomeAssistant) -> None:
    """Register the actions."""

    async def label(call: ServiceCall) -> None:
        await _label(hass, call)

    async def snooze(call: ServiceCall) -> None:
        _guard(hass).snooze(call.data["duration"])

    hass.services.async_register(DOMAIN, "label", label, schema=_LABEL)
    hass.services.async_register(DOMAIN, "snooze", snooze, schema=_SNOOZE)


async def _label(hass: HomeAssistant, call: ServiceCall) -> None:
    """Label a command; the household learns from it at once.

    Raises:
        ServiceValidationError: there is no such command, or the hook refuses the label.
    """
    guard = _guard(hass)
    event_id = call.data.get("event_id") or (guard.latest.event_id if guard.latest else None)
    if event_id is None:
        raise _refused("no_decision")
    label = str(call.data["label"])
    if not guard.embedded and label != "misfire":
        raise _refused("only_misfire")
    hook, user = guard.opened.result().hook, call.context.user_id
    done = await hass.async_add_executor_job(
        lambda: (
            _labelled(hook, event_id, label, user) if guard.embedded else _denied(hook, event_id)
        )
    )
    if not done:
        raise _refused("not_labelled")


def _labelled(hook: Any, event_id: str, label: str, user: str | None) -> bool:
    """Label an event in the household file; return whether that succeeded."""
    from detector.contracts.labels import LabelKind
    from streams.hook import RejectedEvent

    try:
        made = hook.label(
            event_id, LabelKind(label), why="by an action of Home Assistant", by=user or "household"
        )
    except RejectedEvent:
        return False
    return made is not None


def _denied(hook: Any, event_id: str) -> bool:
    """Report to a gateway that nobody meant a command: labels are its operator's."""
    from streams.hook import Outcome, OutcomeKind, OutcomeSource

    outcome = Outcome(
        event_id=event_id,
        household_id=HOUSEHOLD,
        outcome=OutcomeKind.DENIED,
        source=OutcomeSource.OPERATOR,
        time=dt_util.utcnow(),
    )
    return bool(hook.report(outcome))


def _refused(key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)


def _guard(hass: HomeAssistant) -> CommandGuard:
    """Return the guard of the entry.

    Raises:
        ServiceValidationError: there is no entry, or misfire has not loaded.
    """
    for guard in hass.data.get(DOMAIN, {}).values():
        if guard.opened.done():
            found: CommandGuard = guard
            return found
    raise _refused("not_running")
