"""Session ids for runtimes that have none: a session of a device ends with silence."""

from __future__ import annotations

import threading
import uuid

__all__ = ["Silences"]

#: Devices that are remembered. A home has a few, and a forgotten one only starts a new session.
_MOST_DEVICES = 1_000


class Silences:
    """The current session of each device; threads can share it.

    Args:
        seconds: silence after which the next command starts a new session.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        #: Device to its session and the time of its latest command, least recent first.
        self._latest: dict[str, tuple[str, float]] = {}

    def session(self, device: str, now: float) -> str:
        """Return the session that a command of ``device`` belongs to; ``now`` is in seconds."""
        with self._lock:
            session, latest = self._latest.pop(device, ("", now))
            if not session or not 0.0 <= now - latest <= self._seconds:
                session = uuid.uuid4().hex
            self._latest[device] = session, now
            if len(self._latest) > _MOST_DEVICES:
                self._latest.pop(next(iter(self._latest)))
        return session
