"""Refusals in the form of RFC 9457, which every server here answers with."""

from __future__ import annotations

from typing import Any

__all__ = ["PROBLEM", "problem"]

PROBLEM = "application/problem+json"


def problem(code: str, status: int, detail: str) -> dict[str, Any]:
    """Return a refusal: its code as a word, the status, and a sentence that says what to do."""
    return {
        "type": f"urn:misfire:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
