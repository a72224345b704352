from __future__ import annotations

import io
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from detector.decision.decide import decide
from detector.household.state import HouseholdState
from streams.telemetry.logs import configure_logs, log_decision
from streams.telemetry.spans import ForwardingTracer
from tests.detector.builders import hand_bundle
from tests.integration.stream import a_town

SLOT = "call-my-doctor"
LOGGER = logging.getLogger("streams.test")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    sys.excepthook = sys.__excepthook__
    logging.captureWarnings(capture=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_decision_is_one_line_with_its_ids() -> None:
    out = io.StringIO()
    configure_logs(out)
    event = replace(a_town(1, 2)[0], slots={"contact": SLOT})
    decision, _ = decide(
        HouseholdState.new(event.household_id), event, hand_bundle(), at=event.seconds
    )
    with ForwardingTracer().span(
        "decide", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", awaited=False
    ) as span:
        log_decision(LOGGER, "decided", decision, span.traceparent, seconds=0.004)

    (line,) = out.getvalue().splitlines()
    found = json.loads(line)
    assert {
        key: found[key]
        for key in ("level", "logger", "event", "decision_id", "bundle", "trace_id", "seconds")
    } == {
        "level": "info",
        "logger": "streams.test",
        "event": "decided",
        "decision_id": decision.decision_id,
        "bundle": decision.bundle,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "seconds": 0.004,
    }
    assert found["time"].endswith("+00:00")
    assert SLOT not in line
    assert event.household_id not in line


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_an_exception_is_logged_as_type_and_location_without_its_message(
    stream: type[io.StringIO],
) -> None:
    out = stream()
    configure_logs(out)
    try:
        int(f"{SLOT}\n")  # the message quotes the value
    except ValueError:
        LOGGER.exception("the core failed on a record at offset %d", 7)

    (line,) = out.getvalue().splitlines()
    assert SLOT not in line
    assert "ValueError" in line
    assert "test_logs.py" in line
    assert "at offset 7" in line


def test_logs_on_a_terminal_are_plain_text() -> None:
    out = Terminal()
    configure_logs(out)
    LOGGER.warning("two\nlines", extra={"fields": {"rung": "worker"}})

    assert out.getvalue().endswith(" WARNING two lines rung=worker\n")


@pytest.mark.parametrize("command", ["worker", "gateway"])
@pytest.mark.slow
def test_the_reason_for_an_exit_is_a_line_of_json(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "streams.cli", command, "--config", str(tmp_path / "none.toml")],
        capture_output=True,
        text=True,
        check=False,
    )

    last = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == 3
    assert last["level"] == "critical"
    assert "none.toml cannot be read" in last["event"]
    assert [json.loads(line)["time"] for line in ended.stderr.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["worker", "--nope"], "No such option: --nope"),
        (["worker", "--port", "many"], "Invalid value for '--port'"),
        (["scan"], "Missing argument 'STREAM'"),
        (["topics", "turn"], "No such command 'turn'"),
        (["topics"], "a command is missing"),
    ],
)
def test_wrong_options_are_a_line_of_json(arguments: list[str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert json.loads(line)["level"] == "critical"
    assert f"{arguments[0]}: {said}" in json.loads(line)["event"]
    assert f"{arguments[0]} --help'" in json.loads(line)["event"]


def test_wrong_options_are_plain_text_on_a_terminal() -> None:
    shown, theirs = pty.openpty()
    command = [sys.executable, "-m", "streams.cli", "worker", "--nope"]
    ended = subprocess.run(
        command, stderr=theirs, env=os.environ | {"NO_COLOR": "1", "TERM": "dumb"}, check=False
    )
    os.close(theirs)
    said = _all_of(shown).decode()

    assert ended.returncode == 2
    assert "No such option: --nope" in said
    assert "Usage:" in said
    assert '"level"' not in said


def _all_of(terminal: int) -> bytes:
    """Return the output to a terminal whose other end is closed."""
    said = b""
    with suppress(OSError):  # the end of a terminal
        while more := os.read(terminal, 10_000):
            said += more
    os.close(terminal)
    return said


def test_an_uncaught_error_is_a_line_of_json_and_not_a_traceback() -> None:
    code = f"import streams.telemetry.logs as l; l.configure_logs(); int({SLOT!r})"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert json.loads(line)["exception"] == "ValueError"
    assert SLOT not in line


def test_verbose_libraries_are_silenced() -> None:
    out = io.StringIO()
    configure_logs(out)
    logging.getLogger("httpx").info("HTTP Request: POST http://127.0.0.1/")
    LOGGER.debug("nothing")

    assert not out.getvalue()
