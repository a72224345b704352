"""The policy as a form: a dry run on recent decisions, and the file that a person would write."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import PolicyError
from streams.desk.dry_run import dry_run
from streams.desk.index import Index
from streams.desk.policy_text import changed_policy, fields_of
from streams.desk.queries import Queries
from streams.desk.queue_pages import decision_path
from streams.desk.rendering import page
from streams.desk.requests import visit_of
from streams.errors import RecordError
from streams.files.policy import read_policy

__all__ = ["PolicyPages"]

#: Recent decisions that a dry run decides again.
_MOST = 10_000


class PolicyPages:
    """The page of the policy. It never writes a file of the server.

    Args:
        index: the index of decisions.
        file: the policy file; ``None`` is the packaged one.
    """

    def __init__(self, index: Index, file: Path | None) -> None:
        self._index = index
        self._file = file

    def policy(self, request: Request) -> Response:
        """Show the form with the values of the policy."""
        return self._page(request, {})

    async def try_out(self, request: Request, form: dict[str, str]) -> Response:
        """Show what recent decisions would be with the values of the form."""
        return await run_in_threadpool(self._page, request, form)

    async def file(self, _: Request, form: dict[str, str]) -> Response:
        """Return the policy file with the values of the form."""
        try:
            text = changed_policy(read_policy(self._file), form).text
        except PolicyError as error:
            raise RecordError("schema", str(error)) from None
        named = {"content-disposition": 'attachment; filename="policy.toml"'}
        return Response(text, media_type="application/toml", headers=named)

    def _page(self, request: Request, form: dict[str, str]) -> Response:
        policy = read_policy(self._file)
        problem, tried = "", None
        if form:
            try:
                after = changed_policy(policy, form)
                key = visit_of(request).caller.household_key
                tried = dry_run(Queries(self._index, key).recent(_MOST), policy, after)
            except PolicyError as error:
                problem = str(error)
        values = {field.name: form.get(field.name, field.value) for field in fields_of(policy)}
        return page(
            request,
            "policy.html",
            422 if problem else 200,
            version=policy.version,
            source=str(self._file or "the packaged policy"),
            values=values,
            changed={
                field.name for field in fields_of(policy) if values[field.name] != field.value
            },
            risks=list(RiskClass),
            verdicts=list(Verdict),
            methods=sorted(policy.methods),
            problem=problem,
            tried=tried,
            link=decision_path,
        )
