"""Tries a gateway before an entry is made. It blocks on the network."""

from __future__ import annotations

from datetime import UTC, datetime

from . import library  # noqa: F401 - makes misfire's packages importable

__all__ = ["why_unusable"]

_SECONDS = 3.0


def why_unusable(url: str, token: str | None) -> str | None:
    """Return the error to show for a gateway: ``wrong_url``, ``no_gateway`` or ``refused``."""
    from streams.hook import Act, Hook, IntentEvent, InvalidValue

    try:
        hook = Hook(url, token=token or None, deadline_ms=int(_SECONDS * 1000))
    except InvalidValue:
        return "wrong_url"
    with hook:
        # A turn that commits nothing; the gateway answers it without a worker, too.
        decision = hook.decide(
            IntentEvent(
                event_id=f"trial-{datetime.now(UTC).timestamp()}",
                time=datetime.now(UTC),
                household_id="trial",
                device_id="home-assistant",
                intent="conversation.Trial",
                act=Act.END,
                commits=False,
            )
        )
    codes = {reason.code for reason in decision.reasons}
    if "gateway_refused" in codes:
        return "refused"
    return (
        "no_gateway"
        if any(code.startswith("gateway_") for code in codes) and (decision.rung.value == "policy")
        else None
    )
