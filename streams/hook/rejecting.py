"""The one error that a hook raises: what its caller gave is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detector.contracts.errors import InvalidValue
from streams.errors import RecordError

__all__ = ["RejectedEvent", "check_is", "rejecting"]


class RejectedEvent(InvalidValue):
    """What the caller gave is broken, or may not leave the runtime: no fallback hides it. The message names the fields."""


def check_is(value: object, wanted: type) -> None:
    """Refuse a value of another type.

    Raises:
        RejectedEvent: it is one.
    """
    if not isinstance(value, wanted):
        raise RejectedEvent(
            f"a value of type {wanted.__name__} was expected, not {type(value).__name__}"
        )


@contextmanager
def rejecting(what: str) -> Iterator[None]:
    """Turn what a wrong value causes, such as a slot that is a number, into ``RejectedEvent``. The message repeats no value.

    Raises:
        RejectedEvent: instead of another ``ValueError``, ``TypeError`` or ``AttributeError``.
    """
    try:
        yield
    except RejectedEvent:
        raise
    except (RecordError, InvalidValue) as error:
        raise RejectedEvent(str(error)) from None
    except (ValueError, TypeError, AttributeError) as error:
        text = f"{what} holds a value of a type that it may not have ({type(error).__name__}); see IntentEvent and Outcome"
        raise RejectedEvent(text) from None
