"""Why an embedded hook could not decide: a reason code, and a sentence for people."""

from __future__ import annotations

from pathlib import Path

from streams.embedded.household_file import FileError
from streams.embedded.rules import NoBundleError
from streams.embedded.serial_thread import ThreadUnavailable
from streams.errors import RecordError
from streams.files.household_secrets import SecretUnavailable
from streams.hook.rejecting import RejectedEvent

__all__ = ["cause_of"]


def cause_of(error: Exception, path: Path, deadline_ms: int) -> tuple[str, str]:
    """Return the reason code of an error, and its sentence without a full stop.

    Args:
        error: the error of a call.
        path: the household file.
        deadline_ms: the deadline of a decision, in milliseconds.

    Raises:
        RejectedEvent: the caller's value is the cause.
    """
    if isinstance(error, RejectedEvent):
        raise error
    if isinstance(error, RecordError):
        raise RejectedEvent(str(error)) from None
    if isinstance(error, FileError):
        return error.code, str(error)
    if isinstance(error, NoBundleError):
        return error.code, f"No bundle can be used: {error}"
    if isinstance(error, SecretUnavailable):
        return "secret_unavailable", f"The household's tokens are not available: {error}"
    if isinstance(error, TimeoutError):
        return "file_timeout", f"The disk of {path} did not respond within {deadline_ms} ms"
    if isinstance(error, ThreadUnavailable):
        return "file_timeout", f"The disk of {path} does not respond: {error}"
    return "client_error", f"The embedded hook failed ({type(error).__name__})"
