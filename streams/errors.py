"""Errors of the shell. Each message is one sentence that names the thing, what was wrong, and what to do."""

from __future__ import annotations

__all__ = ["DEAD_LETTER_CODES", "DependencyUnavailable", "RecordError", "UsageError"]

#: Every ``code`` for which the worker sends a record to dead letters; a metric counts them, beginning at zero.
DEAD_LETTER_CODES = (
    "ambiguous_json",
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
    """Something that has to be there is missing or cannot be reached: exit code 3."""


class UsageError(Exception):
    """The command was given something that it cannot work with: exit code 2."""


class RecordError(ValueError):
    """A record cannot be read. ``code`` is the reason as a word; the message never repeats what the record holds."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
