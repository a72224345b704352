"""A server in a thread, and clients that send arbitrary bytes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from streams.serving.server import Server
from streams.telemetry import metrics

__all__ = ["Raw", "answering", "cut", "until"]


def cut(reason: str) -> float:
    """Return how many connections were cut for a reason."""
    return float(metrics.CUT.labels(reason)._value.get())


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``holds`` returns a true value."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never held"
        time.sleep(0.01)


class Raw:
    """A connection that sends raw bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def send(self, data: bytes) -> None:
        """Send all bytes, unless the server closes the connection."""
        self.socket.sendall(data)

    def flood(self, first: bytes, part: bytes, most: int) -> None:
        """Send a part repeatedly; the server must close the connection within ``most`` bytes."""
        with suppress(ConnectionError):
            self.send(first)
            for _ in range(most // len(part)):
                self.send(part)
            raise AssertionError("the server accepted everything")

    def read(self) -> bytes:
        """Return everything until the server closes the connection."""
        found = b""
        with suppress(ConnectionResetError):
            while part := self.socket.recv(65_536):
                found += part
        return found

    def answer(self) -> bytes:
        """Return the first bytes of a response."""
        return self.socket.recv(65_536)

    @property
    def open(self) -> bool:
        """Whether the server keeps the connection open."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.socket.setblocking(True)


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def small() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/host")
    async def host(request: Request) -> str:
        return request.headers["host"]

    @app.get("/headers")
    async def headers(request: Request) -> list[str]:
        return [*request.headers]

    @app.post("/headers")
    async def headers_of_a_post(request: Request) -> list[str]:
        await request.body()
        return [*request.headers]

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @app.post("/refused")
    async def refused() -> dict[str, bool]:
        return {"ok": False}

    @app.get("/large")
    async def large() -> StreamingResponse:
        async def parts() -> Any:
            for _ in range(1_000):
                yield b"x" * 65_536

        return StreamingResponse(parts())

    return app


@contextmanager
def answering(tls: dict[str, Any] | None = None) -> Iterator[int]:
    """Run a server; yield its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = Server(_app(), listening, tls)
    thread = Thread(target=server.serve_until_stopped)
    thread.start()
    try:
        until(lambda: server.started)
        yield port
    finally:
        server.should_exit = True
        thread.join()
