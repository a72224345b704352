from __future__ import annotations

import re
import shlex
from argparse import REMAINDER, ArgumentParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alerts import ALERTS, Alert
from dashboards.boards import BOARDS
from streams.cli import app
from streams.kafka.topics import TOPICS
from tests.dashboards.runbook import COMMANDS, HEADINGS, LOOK, RECOVERY, SECTIONS, TEXT, commands
from tests.tools import promtool

ROOT = Path(__file__).parents[2]
QUERIES = sorted(set(re.findall(r"'query=([^']*)'", TEXT)))


def services() -> set[str]:
    return set(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"])


def misfire_commands() -> list[str]:
    """Return the misfire commands in the runbook and in the panels.

    The runbook calls misfire directly or through the service ``doctor``.
    """
    given = re.compile(r"^(?:misfire|docker compose run --rm doctor)( .*)?$")
    typed = {(found[1] or " doctor").strip() for found in map(given.match, COMMANDS) if found}
    advice = " ".join(panel.do for board in BOARDS for row in board.rows for panel in row.panels)
    return sorted(typed.union(re.findall(r"'misfire ([^']*)'", advice)))


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert list(SECTIONS) == [alert.title for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_section_has_every_heading_and_text_below_each(alert: Alert) -> None:
    parts = re.split(r"^### (.*)\n", SECTIONS[alert.title], flags=re.MULTILINE)

    assert parts[1::2] == HEADINGS
    assert all(part.strip() for part in parts[2::2])
    assert commands(alert.title, LOOK)
    assert commands(alert.title, RECOVERY)


@pytest.mark.parametrize("given", misfire_commands())
def test_a_misfire_command_is_valid(given: str) -> None:
    command: Any = app
    arguments = shlex.split(given)
    while hasattr(command, "commands"):
        context = command.make_context(command.name, arguments)
        rest = [*context._protected_args, *context.args]
        if not rest:  # the group is itself a command
            return
        _, command, arguments = command.resolve_command(context, rest)
    command.make_context(command.name, arguments)


def compose_parser() -> ArgumentParser:
    """Parse the part of Compose's command line that is used here.

    Source: https://docs.docker.com/reference/cli/docker/compose.
    """
    parser = ArgumentParser(prog="docker compose", allow_abbrev=False)
    parser.add_argument("--profile")
    known = parser.add_subparsers(required=True)
    in_one = {"exec": [], "run": ["--rm"]}
    in_many = {
        "down": [],
        "logs": [],
        "ps": ["--all"],
        "pull": [],
        "restart": [],
        "top": [],
        "up": ["--build", "--detach", "--force-recreate"],
    }
    for name, flags in {**in_one, **in_many}.items():
        command = known.add_parser(name, allow_abbrev=False)
        for flag in flags:
            command.add_argument(flag, action="store_true")
        command.add_argument("services", nargs=1 if name in in_one else "*", type=service)
        if name in in_one:
            command.add_argument("inside", nargs=REMAINDER)
    known.choices["logs"].add_argument("--tail", type=int)
    known.choices["up"].add_argument("--scale", type=scaled)
    return parser


def service(name: str) -> str:
    """Return the name if the Compose file has such a service."""
    if name not in services():
        raise ValueError(name)
    return name


def scaled(given: str) -> str:
    """Parse ``SERVICE=NUMBER``."""
    name, _, number = given.partition("=")
    return f"{service(name)}={int(number)}"


def compose_commands() -> list[str]:
    """Return the Compose commands of the runbook, the README and the Compose file."""
    pages = "\n".join(
        (ROOT / name).read_text("utf-8")
        for name in ("README.md", "streams/operations/guide.md", "docker-compose.yml")
    )
    given = re.compile(r"docker compose ([^`'\n;()]+)")
    return sorted({found.strip() for text in (*COMMANDS, pages) for found in given.findall(text)})


@pytest.mark.parametrize("given", compose_commands())
def test_a_compose_command_is_valid(given: str) -> None:
    compose_parser().parse_args(shlex.split(given))


@pytest.mark.parametrize(
    "given",
    [
        "up --detach workers",
        "up --scale workers=4 worker",
        "run --remove doctor",
        "start worker",
        "exec",
    ],
)
def test_an_invalid_compose_command_is_found(given: str) -> None:
    with pytest.raises(SystemExit):
        compose_parser().parse_args(shlex.split(given))


def test_every_command_is_of_a_known_kind() -> None:
    kinds = ("curl -s http://", "date -u", "docker compose ", "docker stats ", "misfire ")
    assert not [
        command
        for line in COMMANDS
        for command in line.split("; ")
        if not command.startswith(kinds)
    ]


def test_the_topics_in_commands_exist() -> None:
    named = {
        topic
        for line in COMMANDS
        for topic in re.findall(r"\b(?:assistant|misfire)\.[a-z-]+\b", line)
    }
    assert named
    assert named <= {topic.name for topic in TOPICS}


def test_prometheus_accepts_the_queries(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]})
    )

    promtool("check", "rules", str(tmp_path / "rules.yaml"))
