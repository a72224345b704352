"""The desk's door: log-in, cookie, CSRF, and the headers that confine every page."""

from __future__ import annotations

import logging
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.desk.requests import Visit
from streams.desk.sessions import LONGEST_SECONDS, Sessions
from streams.errors import RecordError
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import AccessToken

__all__ = ["COOKIE", "HEADERS", "PREFIX", "Door"]

logger = logging.getLogger(__name__)

#: The path of the desk.
PREFIX = "/desk"
#: Name of the cookie.
COOKIE = "misfire_desk"
#: Paths that need no session.
_OPEN = frozenset({f"{PREFIX}/login", f"{PREFIX}/desk.css", f"{PREFIX}/desk.js"})
#: The header of requests that a page makes by itself.
_BY_PAGE = "x-desk-poll"

#: Headers of every response. A page loads its own style and script and nothing else, is in no
#: frame, sends forms to this server only, and is not stored by a browser.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Under no-referrer, a browser sends forms with the origin "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Door:
    """Middleware that lets people in who are logged in, and sends others to the log-in page.

    Args:
        app: the pages.
        guard: checks access tokens.
        sessions: the sessions.
    """

    def __init__(self, app: ASGIApp, guard: Guard, sessions: Sessions) -> None:
        self._app = app
        self._guard = guard
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def confined(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        request = Request(scope, receive)
        try:
            visit = self._visit(request)
        except RecordError:
            await Response("too many requests; wait a second", 429)(scope, receive, confined)
            return
        if visit is None and scope["path"] not in _OPEN:
            await self._refuse(request)(scope, receive, confined)
            return
        request.state.visit = visit
        if visit is not None:
            request.state.caller = visit.caller
        await self._app(scope, receive, confined)

    def log_in(self, request: Request, sent: str) -> Response:
        """Begin a session for the token that a person typed; return the way to the first page.

        Raises:
            RecordError: the token is wrong or may not operate.
        """
        token = self._guard.log_in(sent.strip())
        value = self._sessions.begin(token)
        logger.info("log in", extra={"fields": {"token": token.id}})
        response = RedirectResponse(f"{PREFIX}/", 303)
        response.set_cookie(COOKIE, value, **self._cookie(request), max_age=int(LONGEST_SECONDS))
        return response

    def log_out(self, request: Request, token: AccessToken) -> Response:
        """End the session of a request."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        logger.info("log out", extra={"fields": {"token": token.id}})
        response = RedirectResponse(f"{PREFIX}/login", 303)
        response.delete_cookie(COOKIE, **self._cookie(request))
        return response

    def _visit(self, request: Request) -> Visit | None:
        value = request.cookies.get(COOKIE)
        if value is None:
            return None
        session = self._sessions.find(value, by_person=_BY_PAGE not in request.headers)
        if session is None:
            return None
        caller = self._guard.caller_with(session.token)
        if caller is None:
            self._sessions.end(value)
            return None
        return Visit(caller, session)

    @staticmethod
    def _cookie(request: Request) -> dict[str, Any]:
        return {
            "path": PREFIX,
            "secure": request.url.scheme == "https",
            "httponly": True,
            "samesite": "strict",
        }

    @staticmethod
    def _refuse(request: Request) -> Response:
        """Send a page to the log-in; a request by a script gets a status that it can see."""
        if request.method in {"GET", "HEAD"} and "x-desk" not in request.headers:
            return RedirectResponse(f"{PREFIX}/login", 303)
        return Response("the session is over; log in again", 401)
