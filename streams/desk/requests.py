"""Who asks for a page, and what a form says."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from streams.desk.sessions import Session
from streams.errors import RecordError
from streams.serving.access.guard import Caller
from streams.serving.hosts import FORM_TYPE

__all__ = ["Visit", "read_form", "visit_of"]

#: Bytes and fields of a form; the policy's form, the largest, has about sixty fields.
_MOST_BYTES, _MOST_FIELDS = 32_768, 200


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a person who is logged in."""

    caller: Caller
    session: Session

    @property
    def by(self) -> str:
        """The subject of the access token, for the audit."""
        return self.session.token.id


def visit_of(request: Request) -> Visit:
    """Return who makes a request; ``access.Doorkeeper`` has found it out."""
    visit: Visit = request.state.visit
    return visit


async def read_form(request: Request) -> dict[str, str]:
    """Read a form; of a repeated field the last value counts.

    Raises:
        RecordError: with code ``media_type``, ``too_large``, ``cut_off`` or ``schema``.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != FORM_TYPE:
        raise RecordError("media_type", f"the body must be {FORM_TYPE}")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BYTES:
                raise RecordError("too_large", f"the form has more than {_MOST_BYTES} bytes")
    except ClientDisconnect:
        raise RecordError("cut_off", "the connection closed before the form was complete") from None
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise RecordError("schema", "the form cannot be read") from None
    return dict(pairs)
