"""uvicorn's HTTP/1.1 protocol with limits on bytes, on time and on pipelined requests.

uvicorn with httptools has no such limits. It buffers a header of any length and copies it again
with every packet, and it waits indefinitely for a client that sends or reads slowly. The code here
only tracks where a head, a body and a response begin and end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams.serving import bounds
from streams.serving.connections import Place
from streams.serving.requests import with_target_host, without_upgrade
from streams.telemetry import metrics

__all__ = ["CUTS", "BoundedProtocol"]

#: Why a connection is closed, and the status to send if no response has begun.
CUTS: dict[str, HTTPStatus | None] = {
    "headers": HTTPStatus.BAD_REQUEST,
    "head_bytes": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_time": HTTPStatus.REQUEST_TIMEOUT,
    "body_bytes": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body_time": None,
    "pipelined": None,
    "slow_reader": None,
    "handshake": None,
    "crowded": None,
    "full": None,
}
#: Bytes that are parsed at a time; the byte limits can be exceeded by this much.
_PIECE = 2_048


class BoundedProtocol(HttpToolsProtocol):
    """One HTTP/1.1 connection."""

    def __init__(self, place: Place, **options: Any) -> None:
        super().__init__(**options)
        self._place = place
        #: Bytes read so far of the current head or body.
        self._read = 0
        self._chunks = 0
        self._in_body = False
        #: Whether the current head announces a body that is too large to be read at all.
        self._announces_excess = False
        #: Requests whose head has arrived and whose response is not complete.
        self._unanswered = 0
        self._lingers = False
        self._deadline: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time limit of the first head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._place.close = self.transport.abort
        self._expect("head_time", bounds.HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers and release the place."""
        for timer in (self._deadline, self._writing, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the input piece by piece, and close the connection if it exceeds a limit."""
        if self._deadline is None and not self._lingers:
            self._expect("head_time", bounds.HEAD_SECONDS)
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._read += len(piece)
            if self._lingers:
                if self._read > bounds.LINGER_BYTES:
                    self.transport.abort()
                    return
                continue
            self._parse(piece)
            if self.transport.is_closing():
                return
            if (reason := self._excess()) is not None:
                self._cut(reason)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; a trailer, which follows a body, is only counted."""
        if self._in_body:
            self._chunks += 1
        else:
            super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._chunks += 1

    def on_headers_complete(self) -> None:
        """Start the time limit of the body.

        Raises:
            ValueError: there are too many headers, or the method is CONNECT; the parser stops, and
                the client gets status 400. A body that is announced as too large gets 413 unread.
        """
        if len(self.headers) > bounds.MAX_HEADERS:
            metrics.CUT.labels("headers").inc()
            raise ValueError
        if self.parser.get_method() == b"CONNECT":
            raise ValueError
        if self.parser.should_upgrade():
            return  # _parse parses this head again, without the upgrade
        if _announced(self.headers) > bounds.MAX_BODY_BYTES:
            self._announces_excess = True
            raise ValueError
        self.headers[:] = with_target_host(self.url, self.headers)
        super().on_headers_complete()
        self._unanswered += 1
        self._read, self._chunks, self._in_body = 0, 0, True
        self._expect("body_time", bounds.BODY_SECONDS)

    def on_message_complete(self) -> None:
        """Mark the connection as busy: the whole request has arrived."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._read, self._in_body = 0, False
        self._expect(None)
        self._place.mark_busy()

    def on_response_complete(self) -> None:
        """Wait for the next request; close the connection if this one is still incomplete."""
        super().on_response_complete()
        self._unanswered -= 1
        if self.transport.is_closing():
            self._watch_writing()
            return
        if self._unanswered:
            return
        if self._in_body:
            self._linger()
        else:
            self._place.mark_waiting()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid input, and close the connection."""
        super().send_400_response(msg)
        self._watch_writing()

    def pause_writing(self) -> None:
        """Start the time limit for a client that reads more slowly than the server writes."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop that time limit: the client has caught up."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if the client has not read the last response."""
        super().timeout_keep_alive_handler()
        self._watch_writing()

    def _parse(self, piece: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as ended:
            method, version = self.parser.get_method(), self.parser.get_http_version()
            head = without_upgrade(method, self.url, version, self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._parse(head + piece[ended.args[0] :])
        except httptools.HttpParserError:
            if self._announces_excess:
                self._cut("body_bytes")
                return
            self.send_400_response("Invalid HTTP request received.")

    def _excess(self) -> str | None:
        if self._unanswered > bounds.MAX_PIPELINED:
            return "pipelined"
        if self._in_body:
            large = self._read > bounds.MAX_BODY_BYTES or self._chunks > bounds.MAX_CHUNKS
            return "body_bytes" if large else None
        return "head_bytes" if self._read > bounds.MAX_HEAD_BYTES else None

    def _expect(self, what: str | None, seconds: float = 0.0) -> None:
        """Cut the connection for this reason after ``seconds``; ``None`` cancels the timer."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if what is None else self.loop.call_later(seconds, self._cut, what)

    def _cut(self, reason: str) -> None:
        if self.transport.is_closing() or self._lingers:
            return
        metrics.CUT.labels(reason).inc()
        status = CUTS[reason]
        if status is None or self._unanswered:
            self.transport.abort()
            return
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "connection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
        self._linger()

    def _linger(self) -> None:
        """Close the connection after discarding input, which would otherwise cause a reset."""
        self._lingers, self._read = True, 0
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(bounds.LINGER_SECONDS, self.transport.abort)

    def _watch_writing(self) -> None:
        """Start the time limit for unsent output, unless it is running."""
        unsent = self.transport.get_write_buffer_size()
        if self._writing is None and unsent:
            self._writing = self.loop.call_later(bounds.WRITE_SECONDS, self._check_written, unsent)

    def _check_written(self, unsent: int) -> None:
        self._writing = None
        if self.transport.get_write_buffer_size() > max(0, unsent - bounds.LEAST_SENT):
            metrics.CUT.labels("slow_reader").inc()
            self.transport.abort()
        else:
            self._watch_writing()


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the body's length in bytes as the head announces it; 0 if it does not."""
    return max((int(value) for name, value in headers if name == b"content-length"), default=0)
