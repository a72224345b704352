"""Problem details (RFC 9457), the error format of every server in this project."""

from __future__ import annotations

from typing import Any

__all__ = ["PROBLEM", "problem"]

PROBLEM = "application/problem+json"


def problem(code: str, status: int, detail: str) -> dict[str, Any]:
    """Return problem details: a code, the HTTP status, and a sentence that says what to do."""
    return {
        "type": f"urn:misfire:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
