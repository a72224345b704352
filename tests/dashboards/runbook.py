"""The runbook as tests read it: its sections, and the commands below each heading."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["COMMANDS", "HEADINGS", "LOOK", "SECTIONS", "SURE", "TEXT", "commands"]

LOOK, SURE = "Look here", "How to be sure it is over"
HEADINGS = ["What it means", "Who feels it", LOOK, "Do this", SURE]
TEXT = (Path(__file__).parents[2] / "dashboards" / "runbook.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))


def _typed(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


COMMANDS = _typed(TEXT)


def commands(alert: str, heading: str) -> list[str]:
    """What is typed below a heading of an alert's section."""
    parts = re.split(r"^### (.*)\n", SECTIONS[alert], flags=re.MULTILINE)
    return _typed(parts[parts.index(heading) + 1])
