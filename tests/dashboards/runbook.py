"""Parse the runbook for tests: its sections, and the commands under each heading."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["COMMANDS", "HEADINGS", "LOOK", "RECOVERY", "SECTIONS", "TEXT", "commands"]

LOOK, RECOVERY = "What to look at", "How to confirm recovery"
HEADINGS = [
    "What it means",
    "Who is affected",
    LOOK,
    "What to do",
    "When to escalate",
    RECOVERY,
]
TEXT = (Path(__file__).parents[2] / "dashboards" / "runbook.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))


def _commands_in(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


COMMANDS = _commands_in(TEXT)


def commands(alert: str, heading: str) -> list[str]:
    """Return the commands under one heading of an alert's section."""
    parts = re.split(r"^### (.*)\n", SECTIONS[alert], flags=re.MULTILINE)
    return _commands_in(parts[parts.index(heading) + 1])
