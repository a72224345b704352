"""What README.md shows runs as it is, and what the pages name exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli import app
from streams.wire.records import INTENT

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    page
    for folder in (ROOT, ROOT / "detector", ROOT / "streams", ROOT / "dashboards")
    for page in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_the_readme_integration_answers_without_a_gateway() -> None:
    (code,) = blocks("python")

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.startswith("confirm: ")


def test_the_readme_event_is_valid() -> None:
    (text,) = blocks("json")

    assert INTENT.decode(text.encode()).intent == "lights.TurnOn"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_documented_command_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    code = re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`misfire ([a-z]+)", text))
    named |= set(re.findall(r"^misfire ([a-z]+)", "\n".join(code), flags=re.MULTILINE))

    assert named <= set(app.list_commands(None))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_resolves(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert not missing


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
