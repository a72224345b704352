"""What the doctor says about one part, and how it asks."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

__all__ = ["Finding", "asked"]

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is well, and one sentence."""

    part: str
    ok: bool
    text: str


def asked(url: str, **parameters: str) -> httpx.Response | None:
    """What answers there; ``None`` where nothing does."""
    try:
        return httpx.get(url, params=parameters, timeout=_SECONDS)
    except httpx.HTTPError:
        return None
