"""Sessions of people who are logged in: in memory, short, and bound to an access token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.serving.access.token_file import AccessToken

__all__ = ["IDLE_SECONDS", "LONGEST_SECONDS", "Session", "Sessions"]

#: Seconds without a request of a person, and seconds since the log-in, after which a session ends.
IDLE_SECONDS, LONGEST_SECONDS = 1_800.0, 28_800.0
#: Sessions at once, and those of one token; the least recently used one ends first.
_MOST, _MOST_OF_TOKEN = 512, 16
_BYTES = 32


@dataclass(slots=True)
class Session:
    """A session.

    Attributes:
        token: the access token of the log-in.
        began: monotonic time of the log-in, in seconds.
        used: monotonic time of the latest request of a person.
        csrf: the value that every form of the session contains.
    """

    token: AccessToken
    began: float
    used: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)

    def permits(self, csrf: str) -> bool:
        """Return whether a form comes from a page of this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


class Sessions:
    """The sessions, by the hash of the value in their cookie.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, token: AccessToken) -> str:
        """Begin a session; return the value of its cookie."""
        value, now = secrets.token_urlsafe(_BYTES), self._clock()
        own = [key for key, each in self._sessions.items() if each.token.id == token.id]
        for key in own[: max(len(own) - _MOST_OF_TOKEN + 1, 0)]:
            del self._sessions[key]
        while len(self._sessions) >= _MOST:
            self._sessions.popitem(last=False)
        self._sessions[_hashed(value)] = Session(token, now, now)
        return value

    def find(self, value: str, *, by_person: bool = True) -> Session | None:
        """Return the session of a cookie, unless it is over.

        Args:
            value: the value of the cookie.
            by_person: whether a person caused the request; a page that looks for news by itself
                does not keep the session alive.
        """
        key, now = _hashed(value), self._clock()
        session = self._sessions.get(key)
        if session is None:
            return None
        if now - session.used > IDLE_SECONDS or now - session.began > LONGEST_SECONDS:
            del self._sessions[key]
            return None
        if by_person:
            session.used = now
            self._sessions.move_to_end(key)
        return session

    def end(self, value: str) -> None:
        """End the session of a cookie."""
        self._sessions.pop(_hashed(value), None)


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
