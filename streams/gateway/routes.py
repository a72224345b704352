"""The gateway's HTTP application: the routes in front of the ladder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic_core import to_json

from detector.contracts.events import IntentEvent
from streams.errors import RecordError
from streams.gateway.confirmations import confirmations
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.following import follow_channels
from streams.gateway.hot_route import HotRoute
from streams.gateway.ignored_header import IgnoredFields
from streams.gateway.ladder import Answer, Ladder
from streams.gateway.late_answers import LateAnswers
from streams.gateway.openapi import answers_description, applied_description, body_description
from streams.gateway.policy_version import PolicyVersion
from streams.gateway.request_context import RequestContext
from streams.gateway.requests import (
    context_of,
    decode,
    event_number,
    read_batch,
    read_value,
    respond,
)
from streams.gc_tuning import tune_gc
from streams.kafka.topics import OUTCOMES
from streams.lifecycle.library import Library
from streams.serving.access.guard import Guard, caller_of
from streams.serving.error_responses import problem, refuse
from streams.serving.hosts import HostCheck
from streams.serving.turns import TakeTurns
from streams.settings import Settings
from streams.telemetry.logs import facts, log_facts
from streams.telemetry.scrapes import ScrapeCache
from streams.telemetry.spans import Tracer
from streams.telemetry.tracing import build_tracer
from streams.wire.host_names import named_hosts
from streams.wire.late_answer import LATE
from streams.wire.records import DECISION, INTENT, OUTCOME, OUTCOME_APPLIED, REFUSAL

__all__ = ["build_gateway"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: Settings
    ladder: Ladder
    exchange: Exchange
    tracer: Tracer


def build_gateway(
    settings: Settings,
    ladder: Ladder,
    guard: Guard | None = None,
    library: Library | None = None,
) -> FastAPI:
    """Build the HTTP application, which connects to Kafka on startup.

    Without a guard it requires no tokens. With a library, it decides with the bundles that are
    announced.
    """
    guard = guard or Guard(None)
    exchange = Exchange(
        settings,
        lambda correlation, reply: ladder.late(correlation, reply, exchange),
        ladder.forget_all,
    )
    parts = _Parts(
        settings, ladder, exchange, build_tracer("misfire-gateway", settings.otlp_endpoint)
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await exchange.start()
        await ladder.late_answers.start()
        following = None if library is None else follow_channels(settings, ladder, library)
        tune_gc()
        yield
        if following is not None:
            following.cancel()
        await ladder.late_answers.stop()
        await exchange.stop()

    app = FastAPI(
        title="misfire",
        summary="Did anybody mean this chain of commands?",
        version="1",
        lifespan=lifespan,
        dependencies=[
            Depends(guard),
            *([Depends(HTTPBearer(auto_error=False))] if guard.requires_token else []),
        ],
    )
    decisions = _decisions(parts)
    app.add_middleware(HotRoute, route=_named(decisions, "decide"), guard=guard)
    app.add_middleware(TakeTurns)
    app.add_middleware(PolicyVersion, version=lambda: ladder.policy.version)
    app.add_middleware(IgnoredFields)
    app.add_middleware(
        HostCheck, hosts=named_hosts(settings.allowed_hosts), host=settings.gateway_host
    )

    app.exception_handler(RecordError)(refuse)
    answers = confirmations(settings, exchange)
    for routes in (
        decisions,
        answers,
        _outcomes(parts),
        _late(ladder.late_answers),
        _operation(parts),
    ):
        app.include_router(routes)
    return app


def _named(routes: APIRouter, name: str) -> APIRoute:
    return next(each for each in routes.routes if isinstance(each, APIRoute) and each.name == name)


def _decisions(parts: _Parts) -> APIRouter:
    routes = APIRouter()

    async def answer(event: IntentEvent, context: RequestContext) -> Answer:
        with parts.tracer.span("answer", context.trace, awaited=True) as span:
            traced = replace(context, trace=span.traceparent)
            found = await parts.ladder.decide(event, parts.exchange, traced)
            about = facts(found.decision)
            span.facts |= about
            log_facts(logger, "answered", about, span.traceparent, seconds=round(found.seconds, 4))
        return found

    @routes.post(
        "/v1/decide",
        openapi_extra=body_description(INTENT),
        responses=answers_description(DECISION, "The decision"),
    )
    async def decide(request: Request) -> Response:
        """Decide on one event before its command runs.

        The answer arrives within the deadline and names the rung of the ladder.
        """
        context = context_of(request.headers, parts.settings, caller_of(request))
        found = await answer(await read_value(request, INTENT, parts.settings), context)
        headers = {
            "X-Misfire-Rung": found.decision.rung.value,
            "X-Misfire-Elapsed-Ms": f"{1000 * found.seconds:.1f}",
        }
        decision = found.decision
        return respond(request, DECISION, DECISION.encode(decision), decision.decision_id, headers)

    @routes.post(
        "/v1/decide/batch",
        openapi_extra=body_description(INTENT, batch=True),
        responses=answers_description(
            DECISION, "The decisions, in the order of the events", batch=True
        ),
    )
    async def decide_batch(request: Request) -> Response:
        """Decide on up to 100 events at once, within one deadline.

        The response is an array in the order of the events. Each entry is a decision, or a problem
        (RFC 9457) if that event was refused; an error in one event does not affect the others.
        """
        caller = caller_of(request)
        context = context_of(request.headers, parts.settings, caller)

        async def one(raw: bytes) -> bytes:
            try:
                return DECISION.encode(
                    (await answer(decode(raw, INTENT, parts.settings, request), context)).decision
                )
            except RecordError as error:
                return to_json(problem(error))

        entries = await asyncio.gather(*(one(raw) for raw in await read_batch(request)))
        return Response(b"[" + b",".join(entries) + b"]", media_type="application/json")

    return routes


def _outcomes(parts: _Parts) -> APIRouter:
    routes = APIRouter()

    @routes.post(
        "/v1/outcomes", openapi_extra=body_description(OUTCOME), responses=applied_description()
    )
    async def outcomes(request: Request) -> JSONResponse:
        """Report what happened to a command.

        200: the outcome was applied. 202: it was sent to the worker. 409: it has no effect, and the
        detail says why.
        """
        context = context_of(request.headers, parts.settings, caller_of(request))
        outcome = await read_value(request, OUTCOME, parts.settings)
        caller_of(request).check_source(outcome.source)
        exchange = parts.exchange
        with parts.tracer.span("report", context.trace, awaited=True) as span:
            headers = OUTCOME.headers(
                outcome.event_id, outcome.time, source="misfire/gateway", trace=span.traceparent
            )
            pending = exchange.request(
                OUTCOMES, outcome.household_id, OUTCOME.encode(outcome), headers
            )
            try:
                reply = await asyncio.wait_for(pending.reply, context.wait)
            except TimeoutError:
                exchange.abandon(pending.correlation)
                return JSONResponse({"applied": False}, 202)
        if reply.type == REFUSAL.type:
            refusal = REFUSAL.decode(reply.value)
            raise RecordError(refusal.code, refusal.detail)
        applied = reply.type == OUTCOME_APPLIED
        return JSONResponse({"applied": applied}, 200 if applied else 202)

    return routes


async def _last_heard(last_event_id: Annotated[str, Header()] = "") -> int | None:
    return event_number(last_event_id)


def _late(late_answers: LateAnswers) -> APIRouter:
    routes = APIRouter()

    async def place(request: Request) -> AsyncIterator[None]:
        with late_answers.place(
            caller_of(request).tenant or (request.client.host if request.client else "")
        ):
            yield

    @routes.get("/v1/late", response_class=EventSourceResponse, dependencies=[Depends(place)])
    async def late(
        request: Request, after: Annotated[int | None, Depends(_last_heard)]
    ) -> AsyncIterable[ServerSentEvent]:
        """Stream late answers as server-sent events.

        A late answer is a worker's verdict that came after the hook's answer and disagrees with it.
        """
        caller = caller_of(request)
        async for number, late_answer in late_answers.listen(
            after, caller.owns, caller.is_still_valid
        ):
            yield ServerSentEvent(
                raw_data=LATE.encode(late_answer).decode(), event="late", id=str(number)
            )

    return routes


def _operation(parts: _Parts) -> APIRouter:
    routes, scrapes = APIRouter(), ScrapeCache()

    @routes.get("/healthz", response_model=dict[str, bool])
    async def healthz() -> JSONResponse:
        """Report liveness: 503 means that the background work has stopped; restart the process."""
        alive = parts.exchange.running
        return JSONResponse({"alive": alive}, 200 if alive else 503)

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        """Report readiness: whether the first rung of the ladder is available, and what is missing.

        Workers are available if each partition's worker answered an event or a probe within 15
        seconds.
        """
        without = await parts.exchange.partitions_without_worker()
        missing = [] if parts.exchange.connected else ["kafka"]
        if without and not missing:
            missing.append(f"workers for partitions {', '.join(map(str, without))}")
        missing += [] if parts.ladder.bundle else ["bundle"]
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @routes.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        body, content_type = await scrapes.answer(request.headers.get("accept"))
        return Response(body, headers={"content-type": content_type})

    return routes
