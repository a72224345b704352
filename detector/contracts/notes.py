"""The reasons that persons give for what they do, which are kept in audit logs."""

from __future__ import annotations

from detector.contracts.errors import InvalidValue

__all__ = ["MAX_NOTE", "check_note"]

#: Characters of a reason: two sentences.
MAX_NOTE = 200


def check_note(name: str, text: str) -> None:
    """Raise ``InvalidValue`` if the reason ``text`` of the field ``name`` is missing or too long.

    >>> check_note("why", "the radio was on")
    """
    if not text.strip() or len(text) > MAX_NOTE or not text.isprintable():
        raise InvalidValue(f"{name} must be 1 to {MAX_NOTE} printable characters on one line")
