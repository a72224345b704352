"""Home Assistant's recorder: service calls, what triggered them, and texts to its assistant.

The calls of one context are one command. Its other rows say what triggered it:

- ``voice``: an assist satellite, Alexa, Google Assistant, or a text to the assistant
- ``person``: a user of the app or a dashboard
- ``automation``: an automation, or a context that follows from another
- ``system``: none of these
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from streams.files.importers.recorder import SATELLITE, Row, opened_database, rows_of
from streams.files.importers.records import (
    Advance,
    Fault,
    Found,
    Record,
    Skipped,
    Unreadable,
    found_at,
)
from streams.files.importers.service_names import (
    NO_COMMANDS,
    REACHES_OTHERS,
    intent_of,
    slots_of,
)
from streams.files.importers.times import Times

__all__ = ["TRIGGERS", "read_homeassistant"]

TRIGGERS = ("voice", "person", "automation", "system")
#: Seconds after which a context is complete. Alexa's and Google's events follow their calls.
_COMPLETE_AFTER = 300.0
#: Open contexts, and calls kept of one. An automation may make any number of calls.
_MOST_CONTEXTS, _MOST_CALLS = 10_000, 64
_ASSISTANTS = {"alexa_smart_home": "alexa", "google_assistant_command": "google-assistant"}
_PROCESS = ("conversation", "process")


@dataclass(slots=True)
class _Call:
    row: Row
    domain: str
    service: str
    data: dict[str, Any]


@dataclass(slots=True)
class _Context:
    """The rows of one context."""

    first: float
    device: str = ""
    automated: bool = False
    user: str = ""
    calls: list[_Call] = field(default_factory=list)

    @property
    def trigger(self) -> str:
        if self.device:
            return "voice"
        return "automation" if self.automated else "person" if self.user else "system"


def read_homeassistant(
    path: Path, times: Times, advance: Advance, triggers: Collection[str]
) -> Iterator[Found]:
    """Yield the commands of a recorder's database.

    Args:
        path: ``home-assistant_v2.db``, which may be in use.
        times: reads the times.
        advance: told how many rows were read.
        triggers: which of ``TRIGGERS`` to import.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is not such a database.
    """
    open_contexts: OrderedDict[str, _Context] = OrderedDict()
    with opened_database(path) as database:
        total, rows = rows_of(database, path)
        for number, row in enumerate(rows, 1):
            advance(number, total)
            if isinstance(row.seconds, bool) or not isinstance(row.seconds, int | float):
                yield Fault(f"row {row.number}", "it has no time")
                continue
            fault = _add(row, float(row.seconds), open_contexts)
            if fault is not None:
                yield fault
            while open_contexts and _is_complete(open_contexts, float(row.seconds)):
                yield from _commands(open_contexts.popitem(last=False)[1], times, triggers)
    for context in open_contexts.values():
        yield from _commands(context, times, triggers)


def _is_complete(contexts: OrderedDict[str, _Context], now: float) -> bool:
    oldest = next(iter(contexts.values()))
    return len(contexts) > _MOST_CONTEXTS or now - oldest.first > _COMPLETE_AFTER


def _add(row: Row, seconds: float, contexts: OrderedDict[str, _Context]) -> Fault | None:
    """Add a row to its context; return the fault of a row that cannot be read."""
    if row.type == SATELLITE and not row.context:
        return None
    # Events without a context, of the oldest versions, are each a context of their own.
    context = contexts.setdefault(row.context or f"row {row.number}", _Context(seconds))
    context.user = context.user or row.user
    context.automated |= bool(row.parent) or row.type == "automation_triggered"
    if row.type == SATELLITE:
        context.device = row.data
    elif row.type in _ASSISTANTS:
        context.device = context.device or _ASSISTANTS[row.type]
    elif row.type == "call_service":
        call = _call(row)
        if call is None:
            return Fault(f"row {row.number}", "its data are not a service call")
        if (call.domain, call.service) == _PROCESS:
            context.device = context.device or "assist"
        if len(context.calls) < _MOST_CALLS:
            context.calls.append(call)
    return None


def _call(row: Row) -> _Call | None:
    try:
        value = json.loads(row.data)
        domain, service = value["domain"], value["service"]
        data = value.get("service_data") or {}
        # Data and target of a call are one object; in some versions the target is apart.
        whole = data | (data.get("target") or {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(domain, str) or not isinstance(service, str):
        return None
    return _Call(row, domain.lower(), service.lower(), whole)


def _commands(context: _Context, times: Times, triggers: Collection[str]) -> Iterator[Found]:
    """Yield the commands of a complete context."""
    calls = [call for call in context.calls if (call.domain, call.service) != _PROCESS]
    spoken = [call for call in context.calls if (call.domain, call.service) == _PROCESS]
    if context.trigger not in triggers:
        if context.calls:
            yield Skipped(f"triggered by {context.trigger}")
        return
    seen: set[str] = set()
    for call in calls:
        found = found_at(f"row {call.row.number}", partial(_command, context, call, times))
        # The calls of one sentence for several entities are one command.
        if not isinstance(found, Record) or found.intent not in seen:
            yield found
        if isinstance(found, Record):
            seen.add(found.intent)
        if call.domain in REACHES_OTHERS:
            break  # what a script or a scene calls follows from it
    # The text of a question that made no call, or of what was not understood.
    for call in spoken if not seen else []:
        yield found_at(f"row {call.row.number}", partial(_command, context, call, times))


def _command(context: _Context, call: _Call, times: Times) -> Found:
    if call.domain in NO_COMMANDS:
        return Skipped("a service that is no command")
    is_text = (call.domain, call.service) == _PROCESS
    text = call.data.get("text") if is_text else ""
    intent = "" if is_text else intent_of(call.domain, call.service, call.data)
    if not isinstance(text, str) or (is_text and not text.strip()):
        raise Unreadable("the text to the assistant is missing")
    if intent is None:
        raise Unreadable("the name of the service has another form")
    return Record(
        key=f"row {call.row.number} {call.row.context}",
        time=times.read(call.row.seconds),
        device=context.device or "app",
        text=text,
        intent=intent,
        slots={} if is_text else slots_of(call.domain, call.service, call.data),
        speaker=context.user or None,
    )
