"""The operator API: what ``misfire household`` does, over HTTP, for those whose token may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from streams.brokers import Brokers
from streams.errors import BadRecord, MissingPart, WrongUse
from streams.hook.access import Guard, caller_of
from streams.hook.requests import refuse
from streams.records import Command
from streams.rights.archive import ForeignRecord, recipient
from streams.rights.commands import send_command, wait_until_erased
from streams.rights.exercise import collected, counts, sealed
from streams.rights.remaining import remains

__all__ = ["build_operator"]

logger = logging.getLogger(__name__)

#: Households that are read at a time: each reads every topic from its beginning.
_AT_A_TIME = 2
#: Seconds that an erasure may be waited for.
_LONGEST_WAIT = 120.0

Household = Annotated[
    str, Path(pattern=r"^[!-~]{1,128}$", description="The household's id as it is in Kafka: its token.")
]


class ExportRequest(BaseModel):
    """Whom an export is encrypted to."""

    model_config = ConfigDict(extra="forbid")

    recipients: list[str] = Field(
        min_length=1, max_length=8, description="public keys of the requester: age1… or ssh-ed25519 …"
    )


@dataclass(frozen=True, slots=True)
class _Desk:
    """Lets a few requests in at a time, for households of the caller's tenant; says on record who asked for what."""

    brokers: Brokers
    places: threading.BoundedSemaphore

    @contextmanager
    def serve(self, request: Request, household_id: str, what: str) -> Iterator[None]:
        """Do one thing for one household.

        Raises:
            BadRecord: with code ``other_tenant``, ``busy``, ``bad_recipient``, ``foreign_record`` or ``unavailable``.
        """
        caller = caller_of(request)
        caller.check_household(household_id)
        if not self.places.acquire(blocking=False):
            raise BadRecord("busy", f"{_AT_A_TIME} households are being read; ask again in a minute")
        asked_by = caller.token.id if caller.token else "anybody"
        logger.info(what, extra={"fields": {"household_id": household_id, "token": asked_by}})
        try:
            yield
        except WrongUse as error:
            raise BadRecord("bad_recipient", str(error)) from None
        except ForeignRecord as error:
            raise BadRecord("foreign_record", f"{error}. There is no archive; the worker counts it") from None
        except MissingPart as error:
            raise BadRecord("unavailable", str(error)) from None
        finally:
            self.places.release()


def build_operator(brokers: Brokers, guard: Guard) -> FastAPI:
    """Build the HTTP application."""
    app = FastAPI(
        title="misfire operator",
        summary="What is held on one household, for itself alone, and until it wants it gone.",
        version="1",
        dependencies=[Depends(guard), *([Depends(HTTPBearer(auto_error=False))] if guard.closed else [])],
    )

    app.exception_handler(BadRecord)(refuse)

    @app.exception_handler(RequestValidationError)
    async def misread(request: Request, error: RequestValidationError) -> JSONResponse:
        places = {".".join(map(str, each["loc"])) for each in error.errors()}
        said = f"cannot be used: {', '.join(sorted(places))}; /docs says what belongs there"
        return await refuse(request, BadRecord("schema", said))

    app.include_router(_households(_Desk(brokers, threading.BoundedSemaphore(_AT_A_TIME))))

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """Whether the process answers at all."""
        return {"alive": True}

    return app


def _households(desk: _Desk) -> APIRouter:
    # Reading Kafka blocks, so these are functions that FastAPI runs in threads.
    routes = APIRouter(prefix="/v1/households/{household_id}")

    @routes.get("")
    def show(household_id: Household, request: Request) -> dict[str, Any]:
        """Count what every topic and the state store hold, without showing it."""
        with desk.serve(request, household_id, "show"):
            sources = [counts(each) for each in collected(desk.brokers, household_id)]
        return {"household_id": household_id, "sources": sources}

    @routes.post("/export", response_class=Response)
    def export(household_id: Household, asked: ExportRequest, request: Request) -> Response:
        """The archive, encrypted to the requester; 409 and no archive when one record is not the household's alone."""
        with desk.serve(request, household_id, "export"):
            recipients = [recipient(key) for key in asked.recipients]
            holdings = collected(desk.brokers, household_id)
            archive = sealed(desk.brokers, household_id, holdings, datetime.now(UTC), recipients)
        named = {"content-disposition": 'attachment; filename="household.age"'}
        return Response(archive, media_type="application/octet-stream", headers=named)

    @routes.post("/erasure")
    def erase(
        household_id: Household,
        request: Request,
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT)] = 30.0,
    ) -> JSONResponse:
        """Erase the state, in the order of the log. 200: a worker did it; 202: one will."""
        with desk.serve(request, household_id, "erase"):
            place = send_command(desk.brokers, household_id, Command.ERASE)
            applied = wait_until_erased(desk.brokers, household_id, place, wait)
        found = {"household_id": household_id, "applied": applied, "command": str(place)}
        return JSONResponse(found, 200 if applied else 202)

    @routes.get("/erasure")
    def verify_erased(household_id: Household, request: Request) -> dict[str, Any]:
        """Read everything and say what is still there, and until when."""
        with desk.serve(request, household_id, "verify-erased"):
            marked, left = remains(collected(desk.brokers, household_id))
        return {
            "household_id": household_id,
            "state_erased": marked,
            "remains": [asdict(each) | {"places": [str(place) for place in each.places]} for each in left],
        }

    return routes
