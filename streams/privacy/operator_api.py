"""The operator API: ``misfire household`` over HTTP, for callers with an access token."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp

from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.kafka.connection import Brokers
from streams.lifecycle.bundles_api import bundle_routes
from streams.lifecycle.labels_api import label_routes
from streams.lifecycle.requests import body_of, schema_of
from streams.lifecycle.rules_api import rule_routes
from streams.privacy.archive import ForeignRecordError, recipient
from streams.privacy.commands import sealed, send_command, wait_until_erased
from streams.privacy.holdings import collected, counts
from streams.privacy.remaining import remains
from streams.serving.access.guard import Guard, caller_of
from streams.serving.error_responses import refuse
from streams.serving.hosts import HostCheck
from streams.settings import Settings
from streams.wire.host_names import Named
from streams.wire.records import Command

__all__ = ["Admission", "Places", "build_operator"]

logger = logging.getLogger(__name__)

#: Concurrent requests: each reads every topic from its beginning.
_AT_A_TIME = 2
#: Longest time in seconds to wait for an erasure.
_LONGEST_WAIT = 120.0

Household = Annotated[
    str,
    Path(pattern=r"^[!-~]{1,128}$", description="The household's id as it is in Kafka: its token."),
]


class ExportRequest(BaseModel):
    """The keys that an export is encrypted to."""

    model_config = ConfigDict(extra="forbid")

    recipients: list[str] = Field(
        min_length=1,
        max_length=8,
        description="public keys of the requester: age1… or ssh-ed25519 …",
    )


async def _export_request(request: Request) -> ExportRequest:
    return await body_of(request, ExportRequest)


class Places:
    """Limits concurrent requests; a tenant (by its household key) never occupies all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: Counter[str | None] = Counter()

    def take(self, tenant: str | None) -> bool:
        """Take a place; return whether one was free."""
        with self._lock:
            most = _AT_A_TIME if tenant is None else _AT_A_TIME - 1
            free = self._served.total() < _AT_A_TIME and self._served[tenant] < most
            self._served[tenant] += free
            return free

    def leave(self, tenant: str | None) -> None:
        """Release a place."""
        with self._lock:
            self._served[tenant] -= 1


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits requests for households of the caller's tenant, a few at a time, and logs each."""

    brokers: Brokers
    places: Places

    @contextmanager
    def serve(self, request: Request, household_id: str, what: str) -> Iterator[None]:
        """Admit one request about one household.

        Raises:
            RecordError: with code ``other_tenant``, ``busy``, ``bad_recipient``,
                ``foreign_record`` or ``unavailable``.
        """
        caller = caller_of(request)
        caller.check_household(household_id)
        if not self.places.take(caller.household_key):
            raise RecordError(
                "busy",
                "too many households are being read at the moment; try again in a minute",
            )
        asked_by = {"token": caller.token.id} if caller.token else {}
        logger.info(what, extra={"fields": {"household_id": household_id, **asked_by}})
        try:
            yield
        except UsageError as error:
            raise RecordError("bad_recipient", str(error)) from None
        except ForeignRecordError as error:
            raise RecordError(
                "foreign_record", f"{error}. No archive was created; the worker counts the refusal"
            ) from None
        except DependencyUnavailable as error:
            raise RecordError("unavailable", str(error)) from None
        finally:
            self.places.leave(caller.household_key)


def build_operator(
    brokers: Brokers,
    guard: Guard,
    hosts: frozenset[Named] = frozenset(),
    host: str = "localhost",
    *,
    places: Places | None = None,
    pages: tuple[str, ASGIApp] | None = None,
    settings: Settings | None = None,
) -> FastAPI:
    """Build the HTTP application.

    Args:
        brokers: the Kafka brokers.
        guard: checks access tokens. It is required on loopback too, where any program or web page
            on the machine can connect.
        hosts: further names that the ``Host`` header may contain.
        host: the address that the API listens on.
        places: limits concurrent requests, together with those of the pages.
        pages: a path, and the application of the pages below it. They authenticate people
            themselves, and only they may send HTML forms.
        settings: the settings with which bundles are promoted; by default those of the brokers.

    Raises:
        ValueError: the guard does not require a token.
    """
    if not guard.requires_token:
        raise ValueError("the operator API always requires a token")
    app = FastAPI(
        title="misfire operator",
        summary="Show, export and erase one household; label its events; rules; promote bundles.",
        version="1",
        dependencies=[Depends(guard), Depends(HTTPBearer(auto_error=False))],
    )
    forms = f"{pages[0]}/" if pages else None
    app.add_middleware(HostCheck, hosts=hosts, host=host, forms=forms)
    app.exception_handler(RecordError)(refuse)

    @app.exception_handler(RequestValidationError)
    async def misread(request: Request, error: RequestValidationError) -> JSONResponse:
        places = {".".join(map(str, each["loc"])) for each in error.errors()}
        said = f"invalid: {', '.join(sorted(places))}; see /docs"
        return await refuse(request, RecordError("schema", said))

    app.include_router(_households(Admission(brokers, places or Places())))
    app.include_router(bundle_routes(settings or Settings(broker=brokers.addresses)))
    app.include_router(label_routes(brokers))
    app.include_router(rule_routes(brokers, (settings or Settings()).policy))

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """Return whether the process is alive."""
        return {"alive": True}

    if pages:
        app.mount(*pages)
        app.add_route("/", lambda _: RedirectResponse(f"{pages[0]}/", 303))
    return app


def _households(admission: Admission) -> APIRouter:
    # Plain functions: reading Kafka blocks, so FastAPI runs them in threads.
    routes = APIRouter(prefix="/v1/households/{household_id}")

    @routes.get("")
    def show(household_id: Household, request: Request) -> dict[str, Any]:
        """Count the household's records in every topic, without showing them."""
        with admission.serve(request, household_id, "show"):
            sources = [counts(each) for each in collected(admission.brokers, household_id)]
        return {"household_id": household_id, "sources": sources}

    @routes.post("/export", response_class=Response, openapi_extra=schema_of(ExportRequest))
    def export(
        household_id: Household,
        asked: Annotated[ExportRequest, Depends(_export_request)],
        request: Request,
    ) -> Response:
        """Return the encrypted archive; 409 if a record also contains another household's data."""
        with admission.serve(request, household_id, "export"):
            recipients = [recipient(key) for key in asked.recipients]
            holdings = collected(admission.brokers, household_id)
            archive = sealed(
                admission.brokers, household_id, holdings, datetime.now(UTC), recipients
            )
        named = {"content-disposition": 'attachment; filename="household.age"'}
        return Response(archive, media_type="application/octet-stream", headers=named)

    @routes.post("/erasure")
    def erase(
        household_id: Household,
        request: Request,
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT)] = 30.0,
    ) -> JSONResponse:
        """Erase the state, in log order. 200: a worker has applied it; 202: it is in the log."""
        with admission.serve(request, household_id, "erase"):
            place = send_command(admission.brokers, household_id, Command.ERASE)
            applied = wait_until_erased(admission.brokers, household_id, place, wait)
        found = {"household_id": household_id, "applied": applied, "command": str(place)}
        return JSONResponse(found, 200 if applied else 202)

    @routes.get("/erasure")
    def verify_erased(household_id: Household, request: Request) -> dict[str, Any]:
        """Read all topics; return what is left of the household, and until when."""
        with admission.serve(request, household_id, "verify-erased"):
            holdings = collected(admission.brokers, household_id)
            marked, left = remains(holdings)
        return {
            "household_id": household_id,
            "state_erased": marked,
            "remains": [
                asdict(each) | {"places": [str(place) for place in each.places]} for each in left
            ],
            "missing": [each.source for each in holdings if each.missing],
        }

    return routes
