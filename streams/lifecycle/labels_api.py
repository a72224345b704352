"""The part of the operator API about labels."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_jsonable_python

from detector.contracts.labels import LabelKind
from detector.contracts.notes import MAX_NOTE
from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.lifecycle.labels import label_event, labels_of
from streams.lifecycle.requests import body_of, name_of, schema_of
from streams.serving.access.guard import caller_of

__all__ = ["label_routes"]

logger = logging.getLogger(__name__)

_ID = r"^[!-~]{1,128}$"
#: Longest time in seconds to wait for a worker.
_LONGEST_WAIT = 30.0


def _named(label: object) -> object:
    """Return the name of a label in the log; ``misfire label`` and the desk say ``withdraw``."""
    return LabelKind.WITHDRAWN.value if label == "withdraw" else label


class LabelRequest(BaseModel):
    """A label of one event. The token's id is recorded as the person's name."""

    model_config = ConfigDict(extra="forbid")

    household_id: str = Field(pattern=_ID)
    event_id: str = Field(pattern=_ID)
    label: Annotated[LabelKind, BeforeValidator(_named)]
    why: str = Field(min_length=1, max_length=MAX_NOTE)
    label_id: str | None = Field(default=None, pattern=_ID, description="The idempotency key.")


async def _label_request(request: Request) -> LabelRequest:
    return await body_of(request, LabelRequest)


def label_routes(brokers: Brokers) -> APIRouter:
    """Return the routes. They are plain functions, because Kafka's clients block."""
    routes = APIRouter(prefix="/v1/labels")

    @routes.post("", openapi_extra=schema_of(LabelRequest))
    def label(
        asked: Annotated[LabelRequest, Depends(_label_request)],
        request: Request,
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT)] = 10.0,
    ) -> JSONResponse:
        """Label an event. 200: a worker has applied the label; 202: it is in the log."""
        caller = caller_of(request)
        caller.check_household(asked.household_id)
        by = name_of(caller)
        logger.info(
            "label",
            extra={
                "fields": {
                    "household_id": asked.household_id,
                    "event_id": asked.event_id,
                    "label": asked.label.value,
                    "token": by,
                }
            },
        )
        try:
            found = label_event(
                brokers,
                asked.event_id,
                asked.label,
                why=asked.why,
                by=by,
                household_id=asked.household_id,
                label_id=asked.label_id,
                wait=wait,
            )
        except DependencyUnavailable as error:
            raise RecordError("unavailable", str(error)) from None
        said = {"label": to_jsonable_python(found.label), "applied": found.applied}
        return JSONResponse(said, 200 if found.applied else 202)

    @routes.get("")
    def labels(
        household_id: Annotated[str, Query(pattern=_ID)], request: Request
    ) -> dict[str, Any]:
        """Return the labels of a household's events, the oldest first, withdrawn ones too."""
        caller_of(request).check_household(household_id)
        try:
            found = labels_of(brokers, household_id)
        except DependencyUnavailable as error:
            raise RecordError("unavailable", str(error)) from None
        return {"household_id": household_id, "labels": to_jsonable_python(found)}

    return routes
