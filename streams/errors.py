"""Errors of the shell. A message is one sentence: the thing, what is wrong, and what to do."""

from __future__ import annotations

__all__ = [
    "DEAD_LETTER_CODES",
    "DependencyUnavailable",
    "RecordError",
    "TopicMissing",
    "UsageError",
]

#: The codes of dead letters. A metric counts each, starting at zero.
DEAD_LETTER_CODES = (
    "ambiguous_json",
    "household_known",
    "id_reused",
    "internal_error",
    "key_mismatch",
    "not_json",
    "not_tokens",
    "schema",
    "too_large",
    "unknown_type",
)


class DependencyUnavailable(Exception):
    """A required file or service is missing or unreachable (exit code 3)."""


class TopicMissing(DependencyUnavailable):
    """A topic does not exist (exit code 3)."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} is missing; create it with 'misfire topics create'")


class UsageError(Exception):
    """The input of a command is invalid (exit code 2)."""


class RecordError(ValueError):
    """A record cannot be read. ``code`` is the reason; the message never repeats the contents."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
