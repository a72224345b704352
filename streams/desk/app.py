"""The desk as an ASGI application, mounted in the operator API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.desk.access import Door
from streams.desk.bundle_pages import BundlePages
from streams.desk.household_pages import HouseholdPages
from streams.desk.index import Index
from streams.desk.label_pages import LabelPages
from streams.desk.new_rule_pages import NewRulePages
from streams.desk.policy_pages import PolicyPages
from streams.desk.queue_pages import QueuePages
from streams.desk.rendering import message, page, static
from streams.desk.requests import read_form, visit_of
from streams.desk.rule_list_pages import RuleListPages
from streams.desk.rule_pages import RulePages
from streams.desk.sessions import Sessions
from streams.desk.tail import Tail
from streams.errors import RecordError
from streams.privacy.operator_api import Admission
from streams.serving.access.guard import Guard
from streams.serving.error_responses import problem
from streams.settings import Settings

__all__ = ["build_desk"]


async def _refused(request: Request, error: Exception) -> Response:
    """Show a refused action as a page."""
    assert isinstance(error, RecordError)  # noqa: S101 - Starlette calls this for RecordError only
    return message(request, "Not done", str(error), status=problem(error)["status"])


def build_desk(
    guard: Guard,
    index: Index,
    tail: Tail,
    admission: Admission,
    *,
    settings: Settings,
    sessions: Sessions | None = None,
) -> Door:
    """Build the application.

    Args:
        guard: checks access tokens.
        index: the index of decisions.
        tail: fills the index.
        admission: admits requests that read whole topics.
        settings: the policy file, and how bundles are announced.
        sessions: the sessions of people who are logged in.
    """
    queue, households = QueuePages(index, tail), HouseholdPages(index, admission)
    labels, rules = LabelPages(admission.brokers), RulePages(index, admission.brokers)
    listed = RuleListPages(index, admission.brokers, settings.policy)
    new = NewRulePages(admission.brokers, settings.policy)
    policies, bundles = PolicyPages(index, settings.policy), BundlePages(index, settings)

    async def login_page(request: Request) -> Response:
        return page(request, "login.html", problem="")

    async def log_in(request: Request) -> Response:
        form = await read_form(request)
        try:
            return door.log_in(request, form.get("token", ""))
        except RecordError as error:
            status = problem(error)["status"]
            return page(request, "login.html", status, problem=f"Not accepted: {error}.")

    async def log_out(request: Request, _: dict[str, str]) -> Response:
        return door.log_out(request, visit_of(request).session.token)

    async def style(_: Request) -> Response:
        return static("desk.css", "text/css")

    async def script(_: Request) -> Response:
        return static("desk.js", "text/javascript")

    pages = Starlette(
        routes=[
            Route("/login", login_page),
            Route("/login", log_in, methods=["POST"]),
            Route("/logout", _form(log_out), methods=["POST"]),
            Route("/desk.css", style),
            Route("/desk.js", script),
            Route("/", queue.queue),
            Route("/changes", queue.changes),
            Route("/decision", queue.decision),
            Route("/label", _form(labels.label), methods=["POST"]),
            Route("/snooze", _form(rules.snooze), methods=["POST"]),
            Route("/classify", _form(rules.classify), methods=["POST"]),
            Route("/household", households.household),
            Route("/household/state", households.state),
            Route("/household/remaining", households.remaining),
            Route("/household/export", _form(households.export), methods=["POST"]),
            Route("/household/erase", _form(households.erase), methods=["POST"]),
            Route("/rules", listed.rules),
            Route("/rules/remove", _form(listed.remove), methods=["POST"]),
            Route("/rules/new", new.form),
            Route("/rules/dry-run", _form(new.try_out), methods=["POST"]),
            Route("/rules/add", _form(new.add), methods=["POST"]),
            Route("/bundles", bundles.bundles),
            Route("/bundles/gates", _form(bundles.gates), methods=["POST"]),
            Route("/bundles/promote", _form(bundles.promote), methods=["POST"]),
            Route("/bundles/rollback", _form(bundles.roll_back), methods=["POST"]),
            Route("/policy", policies.policy),
            Route("/policy", _form(policies.try_out), methods=["POST"]),
            Route("/policy/file", _form(policies.file), methods=["POST"]),
        ],
        exception_handlers={RecordError: _refused},
    )
    door = Door(pages, guard, sessions or Sessions())
    return door


def _form(
    act: Callable[[Request, dict[str, str]], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that acts only on a form of a page of the same session."""

    async def checked(request: Request) -> Response:
        form = await read_form(request)
        if not visit_of(request).session.permits(form.pop("csrf", "")):
            raise RecordError(
                "foreign_form", "the form is not of this session; load the page again"
            )
        return await act(request, form)

    return checked
