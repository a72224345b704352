"""Reads the bodies of requests to the operator API, after the caller is authenticated."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from streams.errors import RecordError
from streams.serving.access.guard import Caller
from streams.serving.bodies import read_body
from streams.wire.strict_json import check_unambiguous

__all__ = ["body_of", "name_of", "schema_of"]

M = TypeVar("M", bound=BaseModel)


async def body_of(request: Request, model: type[M]) -> M:
    """Read a body. FastAPI would read a body parameter before the caller is authenticated.

    Raises:
        RecordError: with the codes of ``read_body``, ``ambiguous_json`` or ``schema``.
    """
    body = await read_body(request)
    check_unambiguous(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        places = sorted({".".join(("body", *map(str, each["loc"]))) for each in problems})
        raise RecordError("schema", f"invalid: {', '.join(places)}; see /docs") from None


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that ``body_of`` reads."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": model.model_json_schema()}},
        }
    }


def name_of(caller: Caller) -> str:
    """Return the name under which the caller's actions are recorded: the id of the token."""
    return caller.token.id if caller.token else "anonymous"
