"""Drops options with an empty value, as in ``--policy "$POLICY"`` if the variable is not set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["without_unset"]


def without_unset(command: Any, arguments: Sequence[str]) -> list[str]:
    """Return the arguments without optional options whose value is empty.

    Args:
        command: Click's command, with its subcommands.
        arguments: the command line.
    """
    names, left = set(_optional(command, arguments)), list(arguments)
    kept: list[str] = []
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            return [*kept, word, *left]
        if name in names and not (value if equals else left[0] if left else "given").strip():
            left = left if equals else left[1:]
        else:
            kept.append(word)
    return kept


def _optional(command: Any, words: Sequence[str]) -> Iterator[str]:
    """Yield the names of optional options with a value, of the command that ``words`` name."""
    for word in (None, *words):
        if word is not None:
            command = getattr(command, "get_command", lambda *_: None)(None, word)
        if command is None:
            return
        for parameter in command.params:
            if (
                parameter.param_type_name == "option"
                and not parameter.is_flag
                and not parameter.required
            ):
                yield from (name for name in parameter.opts if name.startswith("--"))
