"""uvicorn's server with a listener that limits connections before it reads from them."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from streams.serving import bounds
from streams.serving.connections import Connections, Place
from streams.serving.protocol import BoundedProtocol
from streams.telemetry import metrics

__all__ = ["Server"]

_GRACE_SECONDS = 2
_SOON = 0.01
#: Seconds without accepting after an error, usually because the process is out of files.
_AFTER_ERROR = 0.05
_NO_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
#: Connections that the kernel queues until they are accepted.
_BACKLOG = 2_048


class Server(uvicorn.Server):
    """Serves an application on a listening socket.

    Args:
        app: the ASGI application.
        listening: a socket from ``listening.listen``.
        tls: uvicorn's options for TLS, from ``listening.server_options``.
    """

    def __init__(
        self, app: ASGIApp, listening: socket.socket, tls: dict[str, Any] | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                ws="none",
                access_log=False,
                log_config=None,  # streams.telemetry.logs configures logging
                log_level="error",  # uvicorn warns of every invalid request, which floods the log
                proxy_headers=False,  # every client can send X-Forwarded-For
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=bounds.IDLE_SECONDS,
                **(tls or {}),
            )
        )
        self._listening = listening

    def serve_until_stopped(self) -> None:
        """Serve until a signal arrives."""
        self.run(sockets=[self._listening])

    async def serve_in_background(self) -> asyncio.Task[None]:
        """Start to serve in a running event loop, and return the task that serves.

        Signals stay with the caller, who stops the server by cancelling the task.
        """
        self.config.lifespan = "off"
        serving = asyncio.create_task(self._serve([self._listening]))
        while not (self.started or serving.done()):  # noqa: ASYNC110 - uvicorn sets a flag
            await asyncio.sleep(_SOON)
        return serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, but with a listener that limits connections."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers = [
            _Listener(each, self._protocol, self.config.ssl)  # type: ignore[misc]
            for each in sockets or ()
        ]
        self.started = True

    def _protocol(self, place: Place) -> BoundedProtocol:
        return BoundedProtocol(
            place, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class _Listener:
    """Accepts connections in place of ``asyncio``'s server, which has no limit but open files."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[Place], BoundedProtocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        most = bounds.most_connections()
        self._connections = Connections(most, bounds.connections_per_address(most))
        self._protocol, self._tls, self._listening = protocol, tls, listening
        self._entering: set[asyncio.Task[None]] = set()
        listening.setblocking(False)
        listening.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Stop accepting; open connections stay open."""
        for task in (self._accepting, *self._entering):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the listener has stopped accepting."""
        await asyncio.gather(self._accepting, *self._entering, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            try:
                await self._accept_one()
            except OSError as error:
                if error.errno in _NO_FILES:
                    self._connections.shed()
                await asyncio.sleep(_AFTER_ERROR)
            # Let open connections run between two new ones.
            await asyncio.sleep(0)

    async def _accept_one(self) -> None:
        loop = asyncio.get_running_loop()
        client, address = await loop.sock_accept(self._listening)
        place = self._connections.admit(address[0], client.close)
        if place is None:
            client.close()
            return
        task = loop.create_task(self._connect(client, place))
        place.close = task.cancel
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _connect(self, client: socket.socket, place: Place) -> None:
        loop = asyncio.get_running_loop()
        seconds = None if self._tls is None else bounds.HANDSHAKE_SECONDS
        try:
            await loop.connect_accepted_socket(
                lambda: self._protocol(place),
                client,
                ssl=self._tls,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=seconds,
            )
        except OSError:
            metrics.CUT.labels("handshake").inc()
            place.leave()
            client.close()
        except asyncio.CancelledError:
            place.leave()
            client.close()
