"""The runtime under test: a Python module, or a program that serves two routes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from streams.errors import DependencyUnavailable, UsageError
from streams.runtimes.contract.promises import Broken
from streams.runtimes.contract.runtime import Command, Runtime, Turn
from streams.runtimes.contract.scripted_hook import ScriptedHook
from streams.runtimes.contract.stand_in_gateway import stand_in_gateway

__all__ = ["ServedRuntime", "factory_of", "opened", "unguarded_of"]

#: Seconds for one turn of a served runtime; a confirmation alone may take four.
TURN_SECONDS = 15.0
PYTHON = "python:"

Fresh = Callable[[], tuple[Runtime, ScriptedHook]]


class ServedRuntime:
    """A runtime under test in another process: ``POST /say`` and ``POST /answer``."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        # One connection: to open a client takes longer than a decision.
        self._client = httpx.Client(timeout=TURN_SECONDS)

    def say(self, command: Command) -> Turn:
        """Send a command to the runtime."""
        return self._post(
            "say",
            {
                "intent": command.intent,
                "slots": dict(command.slots),
                "device": command.device,
            }
            | ({"time": command.time.isoformat()} if command.time else {}),
        )

    def answer(self, accepted: bool) -> Turn:
        """Send the user's answer to the runtime."""
        return self._post("answer", {"accepted": accepted})

    def _post(self, route: str, body: dict[str, Any]) -> Turn:
        try:
            answer = self._client.post(f"{self._url}/{route}", json=body)
        except httpx.TimeoutException:
            raise Broken(f"the turn did not end within {TURN_SECONDS:g} seconds") from None
        except httpx.HTTPError as error:
            raise DependencyUnavailable(
                f"the runtime at {self._url} cannot be reached ({type(error).__name__}); start it "
                "before the check"
            ) from error
        try:
            found = answer.raise_for_status().json()
            return Turn(
                ran=[str(intent) for intent in found.get("ran", [])],
                said=str(found.get("said") or ""),
                asks=bool(found.get("asks", False)),
                cpu_ms=float(found.get("cpu_ms") or 0.0),
            )
        except (httpx.HTTPStatusError, ValueError, AttributeError, TypeError):
            raise Broken(
                f"POST /{route} answered with status {answer.status_code} instead of 200 with "
                '{"ran": [], "said": "", "asks": false}'
            ) from None


def factory_of(target: str) -> Callable[[Any], Runtime]:
    """Return the factory that ``python:MODULE`` or ``python:MODULE:NAME`` names.

    Raises:
        UsageError: there is no such module or factory.
    """
    module, _, name = target.removeprefix(PYTHON).partition(":")
    factory: Callable[[Any], Runtime] = _function(
        module, name or "runtime", "(hook), which returns a runtime that asks this hook"
    )
    return factory


def unguarded_of(target: str) -> Callable[[], Runtime]:
    """Return the function ``unguarded`` of the module in ``python:MODULE``.

    Raises:
        UsageError: there is no such module or function, or the target is a URL.
    """
    if not target.startswith(PYTHON):
        raise UsageError("only a runtime in a Python module can be timed")
    module = target.removeprefix(PYTHON).partition(":")[0]
    found: Callable[[], Runtime] = _function(
        module, "unguarded", "(), which returns the runtime without misfire"
    )
    return found


def _function(module: str, name: str, usage: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError) as error:
        raise UsageError(f"the module {module!r} cannot be imported: {error}") from error
    if not callable(found):
        raise UsageError(f"the module {module!r} has no function {name!r}; define {name}{usage}")
    return found


@contextmanager
def opened(target: str, port: int) -> Iterator[Fresh]:
    """Open the runtime under test; yield a function that returns it with a new scripted hook.

    Raises:
        DependencyUnavailable: the port of the stand-in gateway is in use.
        UsageError: there is no such module.
    """
    if target.startswith(PYTHON):
        factory = factory_of(target)

        def fresh() -> tuple[Runtime, ScriptedHook]:
            hook = ScriptedHook()
            return factory(hook), hook

        yield fresh
        return
    with stand_in_gateway(port) as (_, state):
        served = ServedRuntime(target)

        def renewed() -> tuple[Runtime, ScriptedHook]:
            state.hook = ScriptedHook()
            return served, state.hook

        yield renewed
