"""A gateway on loopback that answers as a scripted hook does, for runtimes of other processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from streams.errors import DependencyUnavailable, RecordError
from streams.runtimes.contract.scripted_hook import Answer, ScriptedHook, decision_on, result_of
from streams.wire.records import ANSWER, DECISION, INTENT, MAX_BYTES, OUTCOME, RESULT
from streams.wire.token_format import check_tokens

__all__ = ["Posted", "StandIn", "problem", "serve_gateway", "stand_in_gateway"]


class Posted(Protocol):
    """What answers the requests of a gateway."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the response to a request."""
        ...


class StandIn:
    """The state of the stand-in: the hook whose script it follows; a test replaces it."""

    def __init__(self) -> None:
        self.hook = ScriptedHook()

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the response to a request."""
        hook = self.hook
        try:
            if path == "/v1/decide":
                return self._decided(body)
            if path == "/v1/outcomes":
                hook.report(OUTCOME.decode_strictly(body))
                return 200, b"{}"
            if path.startswith("/v1/confirmations/"):
                return self._confirmed(body)
        except RecordError as error:
            hook.rejected.append(str(error))
            return problem(422, str(error))
        except RuntimeError as error:
            return problem(500, str(error))
        return problem(404, f"this gateway has no {path}")

    def _decided(self, body: bytes) -> tuple[int, bytes]:
        event = INTENT.decode_strictly(body)
        check_tokens(event, ids=False)
        # A client sends a slow request twice, with the same event.
        known = {each.event_id for each in self.hook.events}
        decision = (
            decision_on(event, self.hook.script)
            if event.event_id in known and "decide" not in self.hook.script.fails
            else self.hook.decide(event)
        )
        return 200, DECISION.encode(decision)

    def _confirmed(self, body: bytes) -> tuple[int, bytes]:
        given = ANSWER.decode_strictly(body)
        event = next(
            (
                each
                for each in self.hook.events
                if given.confirmation_id == f"question-{each.event_id}"
            ),
            None,
        )
        if event is None:
            return problem(404, "no such question")
        if "confirm" in self.hook.script.fails:
            return problem(500, "confirm fails, as the script says")
        self.hook.answers.append(
            Answer(event_id=event.event_id, method=given.method, accepted=given.accepted)
        )
        decision = decision_on(event, self.hook.script)
        result = replace(
            result_of(decision, self.hook.script, accepted=given.accepted),
            confirmation_id=given.confirmation_id,
            answer_id=given.answer_id,
        )
        return 409 if result.reason else 200, RESULT.encode(result)


@contextmanager
def stand_in_gateway(port: int = 0) -> Iterator[tuple[str, StandIn]]:
    """Serve a stand-in gateway on loopback; yield its URL and its state.

    Raises:
        DependencyUnavailable: the port is in use.
    """
    state = StandIn()
    with serve_gateway(state, port) as url:
        yield url, state


@contextmanager
def serve_gateway(state: Posted, port: int = 0) -> Iterator[str]:
    """Serve what ``state`` answers on loopback; yield the URL.

    Raises:
        DependencyUnavailable: the port is in use.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body: a second one would wait for the client's delayed
        # acknowledgement, 40 ms.
        wbufsize = -1

        def do_POST(self) -> None:
            size = min(int(self.headers.get("content-length") or 0), MAX_BYTES)
            status, body = state.post(self.path, self.rfile.read(size))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Do not log."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise DependencyUnavailable(
            f"the stand-in gateway cannot listen on 127.0.0.1:{port}: {error.strerror}"
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def problem(status: int, detail: str) -> tuple[int, bytes]:
    """Return a response that says what is wrong."""
    return status, json.dumps({"status": status, "detail": detail}).encode()
