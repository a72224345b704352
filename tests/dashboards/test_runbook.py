from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dashboards.alerts import ALERTS, Alert
from dashboards.panels import BOARDS
from streams.cli import app
from tests.dashboards.runbook import COMMANDS, HEADINGS, LOOK, SECTIONS, SURE, TEXT, commands
from tests.tools import promtool

ROOT = Path(__file__).parents[2]
QUERIES = sorted(set(re.findall(r"'query=([^']*)'", TEXT)))


def services() -> set[str]:
    return set(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"])


def misfire_commands() -> list[str]:
    """What is given to misfire, as it stands or through the service that is there for it; also what panels say to type."""
    given = re.compile(r"^(?:misfire|docker compose run --rm doctor)( .*)?$")
    typed = {(found[1] or " doctor").strip() for found in map(given.match, COMMANDS) if found}
    told = " ".join(panel.do for board in BOARDS for row in board.rows for panel in row.panels)
    return sorted(typed.union(re.findall(r"'misfire ([^']*)'", told)))


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert list(SECTIONS) == [alert.title for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_section_has_the_five_headings_and_something_below_each(alert: Alert) -> None:
    parts = re.split(r"^### (.*)\n", SECTIONS[alert.title], flags=re.MULTILINE)

    assert parts[1::2] == HEADINGS
    assert all(part.strip() for part in parts[2::2])
    assert commands(alert.title, LOOK)
    assert commands(alert.title, SURE)


@pytest.mark.parametrize("given", misfire_commands())
def test_a_command_of_misfire_can_be_typed(given: str) -> None:
    command: Any = typer.main.get_command(app)
    arguments = shlex.split(given)
    while hasattr(command, "commands"):
        context = command.make_context(command.name, arguments)
        rest = [*context._protected_args, *context.args]
        if not rest:  # a group that is a command as well
            return
        _, command, arguments = command.resolve_command(context, rest)
    command.make_context(command.name, arguments)


def test_services_are_those_of_the_compose_file() -> None:
    known = services()
    for line in COMMANDS:
        found = re.match(r"docker compose (\w+) (.*)", line)
        if found:
            words = [word for word in re.sub(r"--(?:tail|scale) \S+|--\S+", "", found[2]).split() if word]
            named = words if found[1] in ("ps", "logs", "up", "restart", "top") else words[:1]
            assert named, line
            assert set(named) <= known, line


def test_queries_are_ones_that_prometheus_takes(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]}))

    promtool("check", "rules", str(tmp_path / "rules.yaml"))
