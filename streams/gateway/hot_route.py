"""Middleware that serves ``POST /v1/decide`` without FastAPI's routing and dependencies.

They take about a fifth of a call's CPU time, and all that they do for this route is to call the
guard. The route stays in FastAPI's router: its schema is published from there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.errors import RecordError
from streams.serving.access.guard import Guard
from streams.serving.error_responses import refuse

__all__ = ["HotRoute"]


class HotRoute:
    """Serve the requests of one route; pass all others on.

    Args:
        app: the application that has the route as well.
        route: the route, with an endpoint whose only argument is the request.
        guard: authenticates each request, as it does in the application.
    """

    def __init__(self, app: ASGIApp, route: APIRoute, guard: Guard) -> None:
        self._app = app
        self._route = route
        self._endpoint: Callable[[Request], Awaitable[Response]] = route.endpoint
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        if (
            scope["type"] != "http"
            or scope["path"] != self._route.path
            or scope["method"] != "POST"
            or scope.get("root_path")
        ):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive)
        try:
            await self._guard(request)
            response = await self._endpoint(request)
        except RecordError as error:
            response = await refuse(request, error)
        await response(scope, receive, send)
