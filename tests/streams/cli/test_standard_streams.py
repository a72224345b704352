"""Commands whose output is closed, full, or a pipe without a reader."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

MISFIRE = f"{shlex.quote(sys.executable)} -m streams.cli"
#: Commands that write to standard output, and their exit code if the output is read.
COMMANDS = {
    "config show --json -": 0,
    "config limits --json -": 0,
    "schema --json -": 0,
    "--help": 0,
    "simulate --help": 0,
}


def run(line: str) -> tuple[int, str]:
    """Run a line of bash; return its exit code and standard error."""
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=110, check=False
    )
    return done.returncode, done.stderr


def assert_one_sentence(ended: tuple[int, str]) -> None:
    code, said = ended
    assert code == 3, said
    assert said.count("standard output could not be written completely") == 1, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_an_unwritable_output_is_an_error(command: str, where: str) -> None:
    assert_one_sentence(run(f"{MISFIRE} {command} {where}"))


def test_a_reader_that_closes_the_pipe_is_an_error() -> None:
    assert_one_sentence(run(f"set -o pipefail; {MISFIRE} schema --json - | head -c 1 >/dev/null"))


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "2>&1 >/dev/null | true", "0<&- 2>&-"])
def test_messages_for_people_may_be_lost(where: str) -> None:
    code, said = run(f"set -o pipefail; {MISFIRE} config show {where}")
    assert (code, said) == (0, "")


def test_an_error_keeps_its_code_if_the_message_is_lost() -> None:
    for where in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        assert run(f"{MISFIRE} scan /nowhere {where}") == (3, "")
        assert run(f"{MISFIRE} config show --grop {where}") == (2, "")


def test_no_file_reuses_the_descriptor_of_a_closed_stream(tmp_path: object) -> None:
    """A closed descriptor's number would go to the next file that is opened, and be written to."""
    out = f"{tmp_path}/limits.json"
    assert run(f"{MISFIRE} config limits --json {out} 0<&- >&- 2>&-")[0] == 0
    import json
    from pathlib import Path

    assert isinstance(json.loads(Path(out).read_text()), list)


@pytest.mark.parametrize("options", ['--config ""', "--config=", '--config "" --json ""'])
def test_an_empty_option_is_ignored(options: str) -> None:
    path = shlex.quote(sys.path[0])
    code, said = run(f"cd /; PYTHONPATH={path} {MISFIRE} config show {options} --json - >/dev/null")
    assert code == 0, said
