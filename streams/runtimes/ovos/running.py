"""The commands that skills are running, until they end."""

from __future__ import annotations

from ovos_bus_client.message import Message

from streams.runtimes.gate import Ruling
from streams.runtimes.ovos.sources import Source, source_in

__all__ = ["Running"]

#: Sources with a running command; the oldest is forgotten.
_MOST = 1_000


class Running:
    """The running command of each source, with its skill."""

    def __init__(self) -> None:
        self._running: dict[Source, tuple[Ruling, str | None]] = {}

    def begin(self, source: Source, ruling: Ruling, skill: str | None) -> None:
        """Remember a command that may run now."""
        self._running.pop(source, None)
        self._running[source] = ruling, skill
        if len(self._running) > _MOST:
            self._running.pop(next(iter(self._running)), None)

    def end(self, message: Message) -> Ruling | None:
        """Take the command that a skill's message ends; ``None`` if it ends another one."""
        source = source_in(message.context)
        ruling, skill = self._running.get(source, (None, None))
        if skill != message.context.get("skill_id"):
            return None
        self._running.pop(source, None)
        return ruling
