"""A fake runtime that receives late answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Heard(list[bytes]):
    """The received bodies, and the headers of the last request."""

    headers: Message


@contextmanager
def runtime(*statuses: int, elsewhere: str = "") -> Iterator[tuple[str, Heard]]:
    """Serve a runtime, which redirects to ``elsewhere``; yield its URL and what it receives."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.headers = self.headers
            heard.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(statuses[min(len(heard), len(statuses)) - 1])
            self.send_header("content-length", "0")
            if elsewhere:
                self.send_header("location", elsewhere)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/late", heard
    finally:
        server.shutdown()
        server.server_close()
