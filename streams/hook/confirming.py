"""Sends the answer to a confirmation question, and repeats it if the result was lost."""

from __future__ import annotations

import time
from dataclasses import replace

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal
from detector.contracts.refusals import refused
from streams.files.household_secrets import SecretUnavailable
from streams.hook.calls import warn
from streams.hook.protocol import NO_QUESTION, Said
from streams.hook.rejecting import RejectedEvent
from streams.hook.requests import Requests
from streams.wire.records import ANSWER

__all__ = ["CONFIRM_SECONDS", "confirmed"]

#: Attempts at a confirmation, and seconds for each. The user has just confirmed and expects to
#: wait, so this is longer than a decision's deadline.
_ATTEMPTS, _ATTEMPT_SECONDS = 2, 2.0
#: Seconds for all attempts.
CONFIRM_SECONDS = _ATTEMPTS * _ATTEMPT_SECONDS


async def confirmed(
    requests: Requests, given: ConfirmationAnswer, reply: Said, until: float
) -> ConfirmationResult:
    """Send an answer and return its result; any failure is a refusal.

    Args:
        requests: the connection to the gateway.
        given: the answer without what the user replied.
        reply: what the user replied.
        until: the deadline on ``time.monotonic``.

    Raises:
        RejectedEvent: the answer is invalid.
    """
    asking, result = requests.asking, refused(given, Refusal.UNCHECKED)
    if given.confirmation_id == NO_QUESTION:
        return result
    try:
        given = await requests.with_tokens(lambda: asking.answer(given, reply), until)
    except SecretUnavailable as error:
        return replace(result, text=f"The answer was not sent because {error}.")
    path, content = f"/v1/confirmations/{given.confirmation_id}", ANSWER.encode(given)
    # Sending the same answer again is safe: the gateway returns the result of the first one.
    for _ in range(_ATTEMPTS):
        try:
            attempt = min(until, time.monotonic() + _ATTEMPT_SECONDS)
            result = asking.result(given, await requests.send(path, content, attempt))
        except RejectedEvent:
            raise
        except Exception as error:  # noqa: BLE001 - a fault never confirms
            warn("a confirmation could not be checked (%s)", type(error).__name__)
            continue
        if result.reason is not Refusal.UNCHECKED:
            break
    return result
