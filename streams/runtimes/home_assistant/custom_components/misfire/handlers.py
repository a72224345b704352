"""Puts the guard in front of every intent handler, registered now or later.

Home Assistant keeps its handlers in one dictionary and looks each up when its intent is recognised:
by local sentences, by Assist pipelines and by the tool calls of LLM agents. ``Guarded`` replaces
this dictionary. It keeps the handlers themselves, and only a look-up returns a guarded one. What
lists the handlers, such as an LLM agent's tools, therefore sees the originals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import intent

__all__ = ["guard_handlers", "release_handlers"]

#: Runs a handler, or answers in its place.
Guard = Callable[[intent.IntentHandler, intent.Intent], Awaitable[intent.IntentResponse]]


class GuardedHandler:
    """A handler whose commands pass the guard. Everything else is the handler's own."""

    def __init__(self, handler: intent.IntentHandler, guard: Guard) -> None:
        self._handler = handler
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
        """Handle an intent."""
        return await self._guard(self._handler, intent_obj)

    def __repr__(self) -> str:
        return f"<guarded by misfire: {self._handler!r}>"


class Guarded(dict[str, intent.IntentHandler]):
    """The dictionary of handlers; a look-up returns a guarded one."""

    def __init__(self, handlers: dict[str, intent.IntentHandler], guard: Guard) -> None:
        super().__init__(handlers)
        self._guard = guard

    def __getitem__(self, name: str) -> Any:
        return GuardedHandler(super().__getitem__(name), self._guard)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the guarded handler of an intent."""
        handler = super().get(name)
        return default if handler is None else GuardedHandler(handler, self._guard)


@callback
def guard_handlers(hass: HomeAssistant, guard: Guard) -> None:
    """Guard all handlers, also those that are registered later."""
    hass.data[intent.DATA_KEY] = Guarded(dict(hass.data.get(intent.DATA_KEY) or {}), guard)


@callback
def release_handlers(hass: HomeAssistant) -> None:
    """Put the plain dictionary back, with the handlers that were registered meanwhile."""
    found = hass.data.get(intent.DATA_KEY)
    if isinstance(found, Guarded):
        hass.data[intent.DATA_KEY] = dict(found)
