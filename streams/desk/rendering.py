"""Renders pages and fragments."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from streams.desk.evidence import short
from streams.pages.environment import page_environment, shared_style

__all__ = ["PAGES", "message", "moment", "page", "static"]

#: The pages: path, name, and the key that opens it after ``g``.
PAGES: tuple[tuple[str, str, str], ...] = (
    ("/desk/", "Queue", "q"),
    ("/desk/household", "Household", "h"),
    ("/desk/rules", "Rules", "r"),
    ("/desk/bundles", "Bundles", "b"),
    ("/desk/policy", "Policy", "p"),
)


@cache
def _environment() -> Environment:
    found = page_environment(PackageLoader("streams.desk"))
    found.globals |= {"short": short, "moment": moment, "pages": PAGES}
    return found


def moment(seconds: float) -> datetime:
    """Return a log time as a date in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page or a fragment; every value is escaped."""
    visit = getattr(request.state, "visit", None)
    values = {"visit": visit, "here": request.url.path} | values
    return HTMLResponse(_environment().get_template(template).render(**values), status)


def message(
    request: Request, heading: str, text: str, *, status: int = 200, back: str = "/desk/"
) -> Response:
    """Return a sentence as a page, or as plain text to the page's script."""
    if "x-desk" in request.headers:
        return Response(text, status, media_type="text/plain")
    return page(request, "message.html", status, heading=heading, text=text, back=back)


@cache
def _text(name: str) -> str:
    return files("streams.desk").joinpath("static", name).read_text("utf-8")


def static(name: str, media_type: str) -> Response:
    """Return the style or the script of the pages."""
    before = shared_style() if name.endswith(".css") else ""
    return Response(before + _text(name), media_type=media_type)
