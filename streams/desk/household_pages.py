"""A household: its week, its habits and its data, with export and erasure."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.household.state import is_open
from streams.desk.household_state import read_state
from streams.desk.household_summary import summarize
from streams.desk.index import Index
from streams.desk.queries import Queries
from streams.desk.rendering import message, page
from streams.desk.requests import visit_of
from streams.errors import RecordError
from streams.pages.week import week_rows
from streams.privacy.archive import recipient
from streams.privacy.commands import sealed, send_command, wait_until_erased
from streams.privacy.holdings import collected
from streams.privacy.operator_api import Admission
from streams.privacy.remaining import remains
from streams.serving.access.token_file import Scope
from streams.wire.records import Command

__all__ = ["HouseholdPages"]

#: Seconds that a page waits for an erasure.
_WAIT = 20.0
#: Intents that the page of a state lists.
_MOST_INTENTS = 15


class HouseholdPages:
    """Pages about one household of the caller's tenant.

    Args:
        index: the index of decisions.
        admission: admits requests that read whole topics.
    """

    def __init__(self, index: Index, admission: Admission) -> None:
        self._index = index
        self._admission = admission

    def household(self, request: Request) -> Response:
        """Show a household, or a form that asks for one."""
        household_id = request.query_params.get("id", "").strip()
        if not household_id:
            return page(request, "households.html", problem="")
        visit = visit_of(request)
        visit.caller.check_household(household_id)
        turns = Queries(self._index, visit.caller.household_key).household(household_id)
        summary = summarize(turns)
        return page(
            request,
            "household.html",
            household_id=household_id,
            query=urlencode({"id": household_id}),
            rules_query=urlencode({"household": household_id}),
            queue_query=urlencode({"household": household_id, "state": "all"}),
            summary=summary,
            week=week_rows(summary.week),
            may_export=Scope.EXPORT in visit.session.token.scopes,
            ending=_ending(household_id),
        )

    def state(self, request: Request) -> Response:
        """Show what a household's state contains, as a fragment."""
        household_id = request.query_params.get("id", "")
        with self._admission.serve(request, household_id, "state"):
            stored = read_state(self._admission.brokers, household_id)
        state, now = (stored.state if stored else None), time.time()
        usages = sorted(state.intents.items(), key=lambda each: -each[1].count) if state else []
        return page(
            request,
            "state.html",
            stored=stored,
            usages=usages[:_MOST_INTENTS],
            questions=[each for each in state.questions if is_open(each, now)] if state else [],
        )

    def remaining(self, request: Request) -> Response:
        """Read all topics and show what is left of a household."""
        household_id = request.query_params.get("id", "")
        with self._admission.serve(request, household_id, "verify-erased"):
            marked, left = remains(collected(self._admission.brokers, household_id))
        return page(
            request,
            "remaining.html",
            household_id=household_id,
            query=urlencode({"id": household_id}),
            marked=marked,
            left=left,
        )

    async def export(self, request: Request, form: dict[str, str]) -> Response:
        """Return the encrypted archive of a household."""
        if Scope.EXPORT not in visit_of(request).session.token.scopes:
            raise RecordError("missing_scope", "the token may not export")
        household_id, keys = form.get("id", ""), form.get("recipients", "").splitlines()

        def export() -> bytes:
            with self._admission.serve(request, household_id, "export"):
                recipients = [recipient(key.strip()) for key in keys if key.strip()]
                if not recipients:
                    raise RecordError("bad_recipient", "give at least one public key")
                brokers = self._admission.brokers
                holdings = collected(brokers, household_id)
                return sealed(brokers, household_id, holdings, datetime.now(UTC), recipients)

        archive = await run_in_threadpool(export)
        named = {"content-disposition": 'attachment; filename="household.age"'}
        return Response(archive, media_type="application/octet-stream", headers=named)

    async def erase(self, request: Request, form: dict[str, str]) -> Response:
        """Erase a household's state, if the form repeats the end of its id."""
        household_id = form.get("id", "")
        back = f"/desk/household?{urlencode({'id': household_id})}"
        if not household_id or form.get("ending", "").strip() != _ending(household_id):
            text = f"Type {_ending(household_id)}, the end of the household's id, to erase it."
            return message(request, "Not erased", text, status=422, back=back)

        def erase() -> bool:
            with self._admission.serve(request, household_id, "erase"):
                brokers = self._admission.brokers
                place = send_command(brokers, household_id, Command.ERASE)
                return wait_until_erased(brokers, household_id, place, _WAIT)

        if await run_in_threadpool(erase):
            text = (
                "A worker has erased the state. Records in the topics expire; the check lists them."
            )
            return message(request, "Erased", text, back=back)
        text = "The command is in the log. The state will be erased when a worker reads it."
        return message(request, "Will be erased", text, status=202, back=back)


def _ending(household_id: str) -> str:
    """Return what a person has to type: enough to notice the wrong household."""
    return household_id[-6:]
