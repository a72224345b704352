"""Tries a gateway, and finds out why it refuses this client. A trial blocks on the network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import library  # noqa: F401 - makes misfire's packages importable
from .const import CONF_KEYRING, HOUSEHOLD

if TYPE_CHECKING:
    from detector.contracts.decisions import Decision

__all__ = ["refusal_of", "why_unusable"]

_SECONDS = 3.0


def why_unusable(data: Mapping[str, Any], own_keyring: Path) -> str | None:
    """Return the error to show for a gateway, or ``None`` if it decides.

    The errors are ``wrong_url``, ``no_gateway``, ``refused`` and ``wrong_keyring``.

    Args:
        data: the fields of an entry: ``url``, ``token`` and ``keyring``.
        own_keyring: the file of keys that an entry without ``keyring`` has, or would make.
    """
    from streams.errors import DependencyUnavailable, UsageError
    from streams.files.keyring import new_keyring, read_keyring
    from streams.hook import Act, Hook, IntentEvent, InvalidValue, Tokens

    now = datetime.now(UTC)
    given = data.get(CONF_KEYRING)
    try:
        file = Path(given) if given else own_keyring
        keyring = read_keyring(file) if given or file.exists() else new_keyring("home", now)
    except (DependencyUnavailable, UsageError):
        return "wrong_keyring"
    try:
        hook = Hook(
            data["url"],
            token=data.get("token") or None,
            tokens=Tokens(keyring),
            deadline_ms=int(_SECONDS * 1000),
        )
    except InvalidValue:
        return "wrong_url"
    with hook:
        # A turn that commits nothing; the gateway answers it without a worker, too.
        decision = hook.decide(
            IntentEvent(
                event_id=f"trial-{now.timestamp()}",
                time=now,
                household_id=HOUSEHOLD,
                device_id="home-assistant",
                intent="conversation.Trial",
                act=Act.END,
                commits=False,
            )
        )
    if (refusal := refusal_of(decision)) is not None:
        return refusal
    codes = {reason.code for reason in decision.reasons} - {"gateway_refused"}
    return "no_gateway" if any(code.startswith("gateway_") for code in codes) else None


def refusal_of(decision: Decision) -> str | None:
    """Return why a gateway refused a client: ``refused``, ``wrong_keyring``, or not at all.

    A client that only exceeds its rate needs no other token.
    """
    for reason in decision.reasons:
        if reason.code == "gateway_refused":
            if "household_id" in reason.text:
                return "wrong_keyring"
            return None if "limit" in reason.text else "refused"
    return None
