"""Middleware that keeps a burst of other requests from delaying decisions."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["TakeTurns"]

#: Requests below this path, and probes, are served at once. All others take turns.
_API = "/v1/"
_PROBES = frozenset({"/healthz", "/readyz"})
#: Requests that take turns and run at the same time.
_TOGETHER = 2


class TakeTurns:
    """Serve two requests at a time for metrics and documentation.

    An event loop serves what arrived first, so a thousand requests for ``/metrics`` that arrive at
    once would come before the next decision. A turn ends when the response begins: a client that
    does not read delays no other client.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(_TOGETHER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        path = scope.get("path", _API)
        if scope["type"] != "http" or path.startswith(_API) or path in _PROBES:
            await self._app(scope, receive, send)
            return
        await self._turns.acquire()
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._turns.release()

        async def send_after_turn(message: Message) -> None:
            end()
            await send(message)

        try:
            await self._app(scope, receive, send_after_turn)
        finally:
            end()
