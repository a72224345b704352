"""The error that a hook raises for invalid arguments, and the checks that raise it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detector.contracts.errors import InvalidValue
from streams.errors import RecordError

__all__ = ["RejectedEvent", "check_is", "rejecting"]


class RejectedEvent(InvalidValue):
    """A value is invalid or may not leave the runtime; no fallback hides it. Names the fields."""


def check_is(value: object, wanted: type) -> None:
    """Check the type of a value.

    Raises:
        RejectedEvent: the value has another type.
    """
    if not isinstance(value, wanted):
        raise RejectedEvent(
            f"expected a value of type {wanted.__name__}, not {type(value).__name__}"
        )


@contextmanager
def rejecting(what: str) -> Iterator[None]:
    """Convert errors that an invalid value causes, such as a numeric slot, without its value.

    Raises:
        RejectedEvent: in place of a ``ValueError``, ``TypeError`` or ``AttributeError``.
    """
    try:
        yield
    except RejectedEvent:
        raise
    except (RecordError, InvalidValue) as error:
        raise RejectedEvent(str(error)) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise RejectedEvent(
            f"{what} contains a value of the wrong type ({type(error).__name__});"
            " see IntentEvent and Outcome"
        ) from None
