"""Serves a runtime under test to ``misfire runtimes play``, from a process of its own."""

from __future__ import annotations

import json
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from streams.runtimes.contract import Command, Runtime

__all__ = ["serve_runtime"]


def serve_runtime(runtime: Runtime, port: int) -> None:
    """Serve ``/say`` and ``/answer`` on loopback until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body, as in the stand-in gateway.
        wbufsize = -1

        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "time" in body:
                body["time"] = datetime.fromisoformat(body["time"])
            used = time.process_time()
            says = self.path == "/say"
            turn = runtime.say(Command(**body)) if says else runtime.answer(body["accepted"])
            answer = {
                "ran": list(turn.ran),
                "said": turn.said,
                "asks": turn.asks,
                "cpu_ms": 1000.0 * (time.process_time() - used),
            }
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()
