"""``POST /v1/confirmations/{id}``: sends an answer to the household's worker.

The gateway never confirms anything itself, because another gateway might have done so already. If
no worker answers in time, nothing is confirmed; the client can send the same answer again until the
confirmation expires.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json, to_jsonable_python

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal
from detector.contracts.refusals import refused
from streams.errors import RecordError
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import Reply
from streams.gateway.openapi import answers_description, body_description
from streams.gateway.request_context import RequestContext
from streams.gateway.requests import context_of, read_value, respond
from streams.kafka.topics import OUTCOMES
from streams.serving.access.guard import caller_of
from streams.settings import Settings
from streams.telemetry.recording import observe_answer
from streams.wire.records import ANSWER, REFUSAL, RESULT

__all__ = ["STATUS", "confirmations"]

#: The status of each refusal. 403: this answer does not suffice. 409: too late, or about another
#: command.
STATUS: dict[Refusal, int] = {
    Refusal.UNKNOWN: 404,
    Refusal.OTHER_HOUSEHOLD: 403,
    Refusal.OTHER_SESSION: 409,
    Refusal.OTHER_INTENT: 409,
    Refusal.CHANGED_SLOTS: 409,
    Refusal.EXPIRED: 410,
    Refusal.ALREADY_ANSWERED: 409,
    Refusal.SUPERSEDED: 409,
    Refusal.TOO_MANY_ATTEMPTS: 403,
    Refusal.METHOD_NOT_OFFERED: 403,
    Refusal.PROOF_MISSING: 403,
    Refusal.PROOF_WRONG: 403,
    Refusal.WRONG_WORDS: 403,
    Refusal.NOTHING_HEARD: 403,
    Refusal.UNLIKELY_ANSWER: 403,
    Refusal.UNCHECKED: 504,
}


def confirmations(settings: Settings, exchange: Exchange) -> APIRouter:
    """Return the router of the endpoint."""
    routes = APIRouter()

    @routes.post(
        "/v1/confirmations/{confirmation_id}",
        openapi_extra=body_description(ANSWER),
        responses=_described(),
    )
    async def confirm(confirmation_id: str, request: Request) -> Response:
        """Answer a confirmation.

        200: the command may run (`confirmed`) or may not (`denied`). With any other status it may
        not run.
        """
        context = context_of(request.headers, settings, caller_of(request))
        given = await read_value(request, ANSWER, settings)
        if given.confirmation_id != confirmation_id:
            raise RecordError(
                "id_mismatch",
                "confirmation_id differs from the one in the path; "
                "send the answer to the path of its confirmation",
            )
        result = await _send(given, exchange, context)
        if result.reason is Refusal.UNCHECKED:
            observe_answer(given.method, result, None)
        if result.reason is None:
            return respond(request, RESULT, RESULT.encode(result), result.answer_id)
        return Response(
            to_json(_problem(result, result.reason)),
            STATUS[result.reason],
            media_type="application/problem+json",
        )

    return routes


async def _send(
    given: ConfirmationAnswer, exchange: Exchange, context: RequestContext
) -> ConfirmationResult:
    headers = ANSWER.headers(
        given.answer_id, given.time, source="misfire/gateway", trace=context.trace
    )
    pending = exchange.request(OUTCOMES, given.household_id, ANSWER.encode(given), headers)
    try:
        return _read(await asyncio.wait_for(pending.reply, context.wait), given)
    except TimeoutError:
        exchange.abandon(pending.correlation)
        return refused(given, Refusal.UNCHECKED)


def _read(reply: Reply, given: ConfirmationAnswer) -> ConfirmationResult:
    if reply.type == REFUSAL.type:
        refusal = REFUSAL.decode(reply.value)
        raise RecordError(refusal.code, refusal.detail)
    result = RESULT.decode(reply.value)
    matches = (result.confirmation_id, result.answer_id) == (given.confirmation_id, given.answer_id)
    return result if matches else refused(given, Refusal.UNCHECKED)


def _problem(result: ConfirmationResult, reason: Refusal) -> dict[str, Any]:
    """Return problem details (RFC 9457); ``confirmation`` is the whole result."""
    return {
        "type": f"urn:misfire:{reason}",
        "title": reason.replace("_", " "),
        "status": STATUS[reason],
        "detail": result.text,
        "confirmation": to_jsonable_python(result),
    }


def _described() -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses; each status lists the refusals that it stands for."""
    described = answers_description(RESULT, "The result of the answer")
    problem = {"content": described[422]["content"]}
    for status in sorted(set(STATUS.values())):
        reasons = ", ".join(reason for reason, found in STATUS.items() if found == status)
        described[status] = {"description": f"The answer has no effect: {reasons}.", **problem}
    return described
