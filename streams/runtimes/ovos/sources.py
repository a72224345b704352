"""Where an utterance came from: the metadata transformer that the intent transformer needs.

ovos-core gives an intent transformer the match alone, without session or device. It runs metadata
transformers before, in the same thread and for the same utterance. After them, it replaces a
message's session ``default`` by its own, which does not name the device. The source is therefore
kept in the message's context, which ovos-core and skills pass on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ovos_plugin_manager.templates.transformers import MetadataTransformer

__all__ = ["DEFAULT", "Source", "SourceTransformer", "latest_source", "source_in"]

#: The session of the local device. It never ends, so silence has to end it.
DEFAULT = "default"
#: The key of a context that names the source.
_KEY = "misfire_source"
_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Source:
    """The session and the device of an utterance."""

    session_id: str = DEFAULT
    device: str = DEFAULT


class SourceTransformer(MetadataTransformer):  # type: ignore[misc] # OVOS has no types
    """Remembers the source of the utterance that this thread handles, also in its context."""

    def __init__(self, name: str = "misfire-source", priority: int = 1) -> None:
        super().__init__(name, priority)

    def transform(self, context: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the context with the source. A source that the client sent does not count."""
        spoken = _named_in(context or {})
        _thread.source = spoken
        return {**(context or {}), _KEY: asdict(spoken)}


def latest_source() -> Source:
    """Return the source of the utterance that this thread handles, once; the default if unknown."""
    found: Source | None = _thread.__dict__.pop("source", None)
    return found or Source()


def source_in(context: Mapping[str, Any]) -> Source:
    """Return the source of a message with this context."""
    kept = context.get(_KEY)
    if isinstance(kept, Mapping):
        return Source(str(kept.get("session_id")), str(kept.get("device")))
    return _named_in(context)


def _named_in(context: Mapping[str, Any]) -> Source:
    """Return the source that a session and a peer name."""
    session = context.get("session")
    found = session if isinstance(session, Mapping) else {}
    session_id = str(found.get("session_id") or DEFAULT)
    named = (found.get("site_id"), context.get("peer"), session_id)
    device = next((str(each) for each in named if each and each != "unknown"), DEFAULT)
    return Source(session_id, device)
