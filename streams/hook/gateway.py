"""The gateway: HTTP in front of the ladder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.errors import BadRecord
from streams.hook.exchange import Exchange
from streams.hook.ladder import Ladder
from streams.letters import trace_of
from streams.processing import CLOCK_SKEW_SECONDS
from streams.records import DECISION, INTENT, MAX_BYTES, OUTCOME, Kind
from streams.settings import Settings
from streams.tokens import NOT_TOKENS, check_tokens
from streams.topics import OUTCOMES

__all__ = ["build_gateway"]

_STATUS = {
    "not_json": 400,
    "bad_deadline": 400,
    "too_large": 413,
    "media_type": 415,
    "schema": 422,
    "time_in_future": 422,
    NOT_TOKENS: 422,
}
_LONGEST_DEADLINE_MS = 10_000
_DEADLINE = {
    "name": "X-Misfire-Deadline-Ms",
    "in": "header",
    "description": f"Milliseconds in which the answer is needed, 1 to {_LONGEST_DEADLINE_MS}.",
    "schema": {"type": "integer", "minimum": 1, "maximum": _LONGEST_DEADLINE_MS, "default": 150},
}


def build_gateway(settings: Settings, ladder: Ladder) -> FastAPI:
    """Build the HTTP application; it connects to Kafka when it starts."""
    exchange = Exchange(settings, ladder.late)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await exchange.start()
        yield
        await exchange.stop()

    app = FastAPI(
        title="misfire", summary="Did anybody mean this chain of commands?", version="1", lifespan=lifespan
    )

    @app.exception_handler(BadRecord)
    async def refuse(_: Request, error: BadRecord) -> JSONResponse:
        return _problem(_STATUS.get(error.code, 400), error.code, str(error))

    @app.post("/v1/decide", openapi_extra=_body(INTENT), responses=_answers(DECISION, "The decision"))
    async def decide(request: Request) -> Response:
        """Decide on one event before its command runs. Answers in time, and says on which rung of the ladder."""
        event = await _read(request, INTENT, settings)
        deadline = _deadline(request, settings) / 1000.0
        trace = trace_of([("traceparent", request.headers.get("traceparent", "").encode())])
        answer = await ladder.decide(event, exchange, deadline, trace)
        headers = {
            "X-Misfire-Rung": answer.decision.rung.value,
            "X-Misfire-Elapsed-Ms": f"{1000 * answer.seconds:.1f}",
        }
        return Response(DECISION.encode(answer.decision), media_type="application/json", headers=headers)

    @app.post("/v1/outcomes", openapi_extra=_body(OUTCOME), status_code=200)
    async def outcomes(request: Request) -> JSONResponse:
        """Tell what happened to a command afterwards. 200: the worker applied it; 202: it is on its way."""
        outcome = await _read(request, OUTCOME, settings)
        headers = OUTCOME.headers(outcome.event_id, outcome.time, source="misfire/gateway")
        correlation, reply = exchange.ask(OUTCOMES, outcome.household_id, OUTCOME.encode(outcome), headers)
        try:
            await asyncio.wait_for(reply, _deadline(request, settings) / 1000.0)
        except TimeoutError:
            exchange.give_up(correlation)
            return JSONResponse({"applied": False}, 202)
        return JSONResponse({"applied": True}, 200)

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """Whether the process answers at all."""
        return {"alive": True}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether every part of the first rung is there; names the part that is not."""
        missing = [] if exchange.connected else ["kafka"]
        missing += [] if ladder.bundle else ["bundle"]
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


async def _read(request: Request, kind: Kind[Any], settings: Settings) -> Any:
    """Read a body without ever taking in more than may be sent."""
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media not in ("application/json", "application/cloudevents+json", ""):
        raise BadRecord("media_type", "the body must be application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise BadRecord("too_large", f"the body has more than {MAX_BYTES} bytes")
    value = kind.decode(body)
    check_tokens(value, ids=settings.token_ids)
    if value.time.timestamp() > datetime.now(UTC).timestamp() + CLOCK_SKEW_SECONDS:
        raise BadRecord(
            "time_in_future",
            f"time is more than {CLOCK_SKEW_SECONDS:.0f} s in the future; set the device's clock",
        )
    return value


def _deadline(request: Request, settings: Settings) -> int:
    named = request.headers.get("x-misfire-deadline-ms")
    if named is None:
        return settings.deadline_ms
    if not named.isdecimal() or not 1 <= int(named) <= _LONGEST_DEADLINE_MS:
        raise BadRecord(
            "bad_deadline", f"X-Misfire-Deadline-Ms must be a whole number from 1 to {_LONGEST_DEADLINE_MS}"
        )
    return int(named)


def _problem(status: int, code: str, detail: str) -> JSONResponse:
    """An error in the form of RFC 9457."""
    content = {
        "type": f"urn:misfire:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, media_type="application/problem+json")


def _body(kind: Kind[Any]) -> dict[str, Any]:
    schema = kind.schema()
    return {
        "parameters": [_DEADLINE],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema)}}},
    }


def _answers(kind: Kind[Any], description: str) -> dict[int | str, dict[str, Any]]:
    problem = {
        "description": "The event is refused; the detail names what is wrong with it.",
        "content": {"application/problem+json": {}},
    }
    answer = {
        "description": description,
        "content": {"application/json": {"schema": _inlined(kind.schema())}},
    }
    return {200: answer, **dict.fromkeys((400, 413, 415, 422), problem)}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace references to ``$defs`` by what they name: OpenAPI looks for them elsewhere."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(entry) for entry in part]
        if isinstance(part, dict):
            name = part.get("$ref", "").rpartition("/")[2]
            return (
                resolve(definitions[name]) if name else {key: resolve(value) for key, value in part.items()}
            )
        return part

    resolved: dict[str, Any] = resolve(schema)
    return resolved
