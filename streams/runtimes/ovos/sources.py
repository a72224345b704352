"""Where an utterance came from: the metadata transformer that the intent transformer needs.

ovos-core gives an intent transformer the match alone, without session or device. It runs metadata
transformers before, in the same thread and for the same utterance.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ovos_plugin_manager.templates.transformers import MetadataTransformer

__all__ = ["DEFAULT", "Source", "SourceTransformer", "latest_source"]

#: The session of the local device. It never ends, so silence has to end it.
DEFAULT = "default"
_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Source:
    """The session and the device of an utterance."""

    session_id: str = DEFAULT
    device: str = DEFAULT


class SourceTransformer(MetadataTransformer):  # type: ignore[misc] # OVOS has no types
    """Remembers the source of the utterance that this thread handles."""

    def __init__(self, name: str = "misfire-source", priority: int = 1) -> None:
        super().__init__(name, priority)

    def transform(self, context: dict[str, Any] | None = None) -> dict[str, Any]:
        """Remember the source; the context is unchanged."""
        _thread.source = _source_in(context or {})
        return context or {}


def latest_source() -> Source:
    """Return the source of the utterance that this thread handles, once; the default if unknown."""
    found: Source | None = _thread.__dict__.pop("source", None)
    return found or Source()


def _source_in(context: Mapping[str, Any]) -> Source:
    session = context.get("session")
    found = session if isinstance(session, Mapping) else {}
    session_id = str(found.get("session_id") or DEFAULT)
    named = (found.get("site_id"), context.get("peer"), session_id)
    device = next((str(each) for each in named if each and each != "unknown"), DEFAULT)
    return Source(session_id, device)
