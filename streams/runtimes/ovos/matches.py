"""A match of ovos-core's pipeline as a turn. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovos_plugin_manager.templates.pipeline import IntentHandlerMatch

from streams.runtimes.heard import Heard
from streams.runtimes.names import intent_of
from streams.runtimes.ovos.sources import DEFAULT, Source

__all__ = ["heard_in", "is_command"]

#: Matches that run no intent of a skill: stop, the dialogue of an active skill, and fallbacks.
_NO_COMMANDS = ("stop:", "converse:", "ovos.skills.fallback.", "mycroft.stop", "ovos.stop")
_DIALOGUE = (".converse.request", ".converse.get_response", ".stop")
#: Match data that describes the match and not what the user said.
_NOT_SLOTS = frozenset(
    {
        *("utterance", "utterances", "lang", "intent_type", "intent_name", "target", "skill_id"),
        *("confidence", "conf"),
    }
)


def is_command(match: IntentHandlerMatch) -> bool:
    """Return whether a match would run an intent of a skill."""
    name = str(match.match_type or "")
    return bool(name) and not name.startswith(_NO_COMMANDS) and not name.endswith(_DIALOGUE)


def heard_in(match: IntentHandlerMatch, source: Source) -> Heard:
    """Return the turn of a match. A general question is an intent that reads something."""
    data = match.match_data if isinstance(match.match_data, Mapping) else {}
    name = str(match.match_type)
    general = name.startswith(("question:", "common_query"))
    return Heard(
        intent="common_query.GetAnswer" if general else intent_of(name),
        slots={} if general else {k: v for k, v in data.items() if _is_slot(match, k, v)},
        device=source.device,
        session="" if source.session_id == DEFAULT else source.session_id,
        intent_confidence=_confidence(data),
    )


def _is_slot(match: IntentHandlerMatch, name: object, value: object) -> bool:
    hidden = str(name) in _NOT_SLOTS or str(name).startswith("_")
    # Skills have slots of these names, too.
    repeated = {"name": match.match_type, "sent": match.utterance}.get(str(name))
    return not hidden and value != repeated and isinstance(value, str | int | float)


def _confidence(data: Mapping[str, Any]) -> float | None:
    found = data.get("confidence", data.get("conf"))
    return float(found) if isinstance(found, int | float) else None
