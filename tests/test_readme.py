"""Run the examples of README.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from streams.cli import app
from streams.wire.records import INTENT

README = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_the_integration_answers_without_a_gateway() -> None:
    (code,) = blocks("python")

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.startswith("confirm: ")


def test_the_event_is_one() -> None:
    (text,) = blocks("json")

    assert INTENT.decode(text.encode()).intent == "lights.TurnOn"


def test_every_command_in_it_exists() -> None:
    named = set(re.findall(r"(?:`|^)misfire ([a-z]+)", README, flags=re.MULTILINE))

    assert named - {"watches"} <= set(app.list_commands(None))
