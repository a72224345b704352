"""The table of commands: every entry can be built, and ``--help`` imports none of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from streams.cli import app
from streams.cli.command_table import COMMANDS
from tests.commands import misfire

LOOK = """
import sys
sys.argv = ["misfire", "--help"]
from streams.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("name", app.list_commands(None))
def test_a_command_is_built_under_its_name(name: str) -> None:
    command: Any = app.get_command(None, name)

    assert command.name == name
    assert command.help


def test_an_unknown_command_is_an_error_that_names_it() -> None:
    done = misfire("nope")

    assert done.returncode == 2
    assert "No such command 'nope'" in done.stderr


def test_help_lists_every_command() -> None:
    listed = misfire("--help").stdout.partition("Commands:\n")[2]

    assert [line.split()[0] for line in listed.splitlines()] == app.list_commands(None)


def test_help_imports_no_command_and_no_rich() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, check=True, text=True, timeout=60
    )
    modules = set(done.stderr.split())

    assert not {target.partition(":")[0] for target, _ in COMMANDS.values()} & modules
    assert not {"rich.console", "pydantic_core", "prometheus_client", "numpy"} & modules
