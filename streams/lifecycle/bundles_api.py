"""The part of the operator API about bundles.

A bundle decides for every tenant, so the token of one tenant may only look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from detector.contracts.errors import BundleError
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.promotion import channels, promote
from streams.lifecycle.requests import body_of, name_of, schema_of
from streams.lifecycle.rollback import roll_back
from streams.serving.access.guard import caller_of
from streams.settings import Settings
from streams.wire.announcements import ACTIVE, LONGEST_CHANNEL

__all__ = ["bundle_routes"]

_LONGEST_PATH, _LONGEST_WHY = 1_024, 500


class RollbackRequest(BaseModel):
    """A rollback. The token's id is recorded as the person's name."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(default=ACTIVE, max_length=LONGEST_CHANNEL)
    why: str = Field(min_length=1, max_length=_LONGEST_WHY)


class PromotionRequest(RollbackRequest):
    """A promotion."""

    directory: str = Field(
        min_length=1,
        max_length=_LONGEST_PATH,
        description="The bundle's directory, as this process sees it.",
    )
    location: str | None = Field(
        default=None,
        max_length=_LONGEST_PATH,
        description="The directory as workers and gateways see it; default: the same.",
    )
    canary: float = Field(default=1.0, gt=0.0, le=1.0, description="Share of households.")
    force: bool = Field(default=False, description="Promote it although a gate fails.")


async def _promotion(request: Request) -> PromotionRequest:
    return await body_of(request, PromotionRequest)


async def _rollback(request: Request) -> RollbackRequest:
    return await body_of(request, RollbackRequest)


def bundle_routes(settings: Settings) -> APIRouter:
    """Return the routes. They are plain functions, because Kafka's clients block."""
    routes, changing = APIRouter(prefix="/v1/bundles"), threading.Lock()

    @contextmanager
    def change(request: Request) -> Iterator[str]:
        """Admit one change at a time, and yield the caller's name."""
        caller = caller_of(request)
        if caller.household_key is not None:
            raise RecordError(
                "other_tenant", "a bundle decides for every tenant; this token is of one tenant"
            )
        if not changing.acquire(blocking=False):
            raise RecordError("busy", "another announcement is being made; try again in a minute")
        try:
            with _explained():
                yield name_of(caller)
        finally:
            changing.release()

    @routes.get("")
    def bundles() -> dict[str, Any]:
        """List the channels with their announcements: bundle, canary, who, why and since when."""
        with _explained():
            return {"channels": to_jsonable_python(channels(settings))}

    @routes.post("/promotion", openapi_extra=schema_of(PromotionRequest))
    def promotion(
        asked: Annotated[PromotionRequest, Depends(_promotion)], request: Request
    ) -> JSONResponse:
        """Announce a bundle. 409: a gate refused it; the response has the result of each gate."""
        with change(request) as who:
            found = promote(
                settings,
                Path(asked.directory),
                Reason(who, asked.why),
                channel=asked.channel,
                canary=asked.canary,
                force=asked.force,
                location=None if asked.location is None else Path(asked.location),
            )
        promoted = found.announcement is not None
        said = {
            "promoted": promoted,
            "gates": to_jsonable_python(found.gates),
            "announcement": to_jsonable_python(found.announcement),
        }
        return JSONResponse(said, 200 if promoted else 409)

    @routes.post("/rollback", openapi_extra=schema_of(RollbackRequest))
    def rollback(
        asked: Annotated[RollbackRequest, Depends(_rollback)], request: Request
    ) -> dict[str, Any]:
        """Return to the bundle before; a shadow channel is withdrawn."""
        with change(request) as who:
            done = roll_back(settings, Reason(who, asked.why), channel=asked.channel)
        return {"channel": asked.channel, "announcement": to_jsonable_python(done)}

    return routes


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (UsageError, BundleError) as error:
        raise RecordError("schema", str(error)) from None
    except DependencyUnavailable as error:
        raise RecordError("unavailable", str(error)) from None
