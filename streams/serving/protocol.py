"""HTTP/1.1 as uvicorn speaks it, within bounds: on bytes, on time, and on what may wait.

uvicorn with httptools has none of them: a header without end is kept whole and copied again with every piece of it, and whoever sends
slowly, or reads slowly, is waited for without end. What is looked at here is only when a head, a body or an answer begins and ends.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams.serving import bounds
from streams.serving.connections import Place
from streams.serving.requests import with_targets_host, without_upgrade
from streams.telemetry import metrics

__all__ = ["CUTS", "BoundedProtocol"]

#: Why a connection is cut, and the status that it is told where none was sent yet.
CUTS: dict[str, HTTPStatus | None] = {
    "headers": HTTPStatus.BAD_REQUEST,
    "head_bytes": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_time": HTTPStatus.REQUEST_TIMEOUT,
    "body_bytes": None,
    "body_time": None,
    "pipelined": None,
    "slow_reader": None,
    "handshake": None,
    "crowded": None,
    "full": None,
}
#: Bytes that are parsed at a time: by so much the bounds on bytes may be passed.
_PIECE = 4_096


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, place: Place, **given: Any) -> None:
        super().__init__(**given)
        self._place = place
        #: Bytes of the head or the body that is being read.
        self._read = 0
        self._chunks = 0
        self._in_body = False
        #: Requests whose head is here and whose answer has not been written.
        self._unanswered = 0
        self._lingers = False
        self._until: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._place.close = self.transport.abort
        self._expect("head_time", bounds.HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give everything back."""
        for timer in (self._until, self._writing, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, a piece at a time."""
        if self._until is None and not self._lingers:
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
        """Take a header; what is called one behind a body (a trailer) is none."""
        if self._in_body:
            self._chunks += 1
        else:
            super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._chunks += 1

    def on_headers_complete(self) -> None:
        """Begin to wait for the body.

        Raises:
            ValueError: there are too many headers, or a tunnel is asked for; the parser ends, and the client gets 400.
        """
        if len(self.headers) > bounds.MAX_HEADERS:
            metrics.CUT.labels("headers").inc()
            raise ValueError
        if self.parser.get_method() == b"CONNECT":
            raise ValueError
        if self.parser.should_upgrade():
            return  # its head is parsed again, without that wish
        self.headers[:] = with_targets_host(self.url, self.headers)
        super().on_headers_complete()
        self._unanswered += 1
        self._read, self._chunks, self._in_body = 0, 0, True
        self._expect("body_time", bounds.BODY_SECONDS)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._read, self._in_body = 0, False
        self._expect(None)
        self._place.works()

    def on_response_complete(self) -> None:
        """Wait for the next request; for the rest of this one nobody waits."""
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
            self._place.waits()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, and end the connection."""
        super().send_400_response(msg)
        self._watch_writing()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also where its last answer was never read."""
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
            self.send_400_response("Invalid HTTP request received.")

    def _excess(self) -> str | None:
        if self._unanswered > bounds.MAX_PIPELINED:
            return "pipelined"
        if self._in_body:
            large = self._read > bounds.MAX_BODY_BYTES or self._chunks > bounds.MAX_CHUNKS
            return "body_bytes" if large else None
        return "head_bytes" if self._read > bounds.MAX_HEAD_BYTES else None

    def _expect(self, what: str | None, seconds: float = 0.0) -> None:
        """Cut the connection for this reason unless what it names is over by then."""
        if self._until is not None:
            self._until.cancel()
        self._until = None if what is None else self.loop.call_later(seconds, self._cut, what)

    def _cut(self, reason: str) -> None:
        if self.transport.is_closing() or self._lingers:
            return
        metrics.CUT.labels(reason).inc()
        status = CUTS[reason]
        if status is None or self._unanswered:
            self.transport.abort()
            return
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
        self._linger()

    def _linger(self) -> None:
        """End the connection so that the client gets the answer: data that nobody reads would reset it."""
        self._lingers, self._read = True, 0
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self._until is not None:
            self._until.cancel()
        self._until = self.loop.call_later(bounds.LINGER_SECONDS, self.transport.abort)

    def _watch_writing(self) -> None:
        """Cut a client that does not take its answer."""
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
