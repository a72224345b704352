"""Refused requests as HTTP responses with problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from detector.contracts.outcome_table import OutcomeRefused
from streams.errors import RecordError
from streams.serving import problems
from streams.serving.access.guard import REFUSALS
from streams.wire.strict_json import AMBIGUOUS
from streams.wire.token_format import NOT_TOKENS

__all__ = ["problem", "refuse"]


_STATUS = {
    "not_json": 400,
    AMBIGUOUS: 400,
    "cut_off": 400,
    "bad_deadline": 400,
    "bad_callback": 400,
    "bad_event_id": 400,
    "id_mismatch": 422,
    "id_reused": 409,
    **dict.fromkeys(OutcomeRefused, 409),
    "too_large": 413,
    "media_type": 415,
    "schema": 422,
    "unknown_type": 422,
    NOT_TOKENS: 422,
    "too_many_listeners": 503,
    # Of the operator API and the desk.
    "foreign_form": 403,
    "bad_recipient": 422,
    "foreign_record": 409,
    "unknown_event": 404,
    "ambiguous_event": 409,
    "unknown_rule": 404,
    "too_many_rules": 409,
    "unavailable": 503,
    "busy": 503,
    **REFUSALS,
}


#: Headers that HTTP requires with a refusal (RFC 9110, RFC 6585).
_REFUSED_HEADERS = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}}


def problem(error: RecordError) -> dict[str, Any]:
    """Return an error as problem details (RFC 9457)."""
    return problems.problem(error.code, _STATUS.get(error.code, 400), str(error))


async def refuse(_: Request, error: RecordError) -> JSONResponse:
    """Return the response to a refused request; this is a FastAPI exception handler."""
    found = problem(error)
    headers = _REFUSED_HEADERS.get(found["status"])
    return JSONResponse(found, found["status"], headers, media_type=problems.PROBLEM)
