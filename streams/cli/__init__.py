"""The command line: one file per command, one table of them, one place where errors become exit codes.

Exit codes: 0 done, 1 done and the answer is bad, 2 wrong use, 3 a part is missing or unreachable, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import signal
import sys
from importlib.metadata import entry_points
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from detector.contracts.errors import BundleError, MisfireError
from streams.cli import (
    bench,
    broker,
    config,
    decide,
    decisions,
    demo,
    doctor,
    evaluate,
    gateway,
    household,
    keys,
    operator,
    redrive,
    replay,
    scan,
    schema,
    simulate,
    token,
    topics,
    train,
    worker,
)
from streams.cli.standard_streams import finish_output, open_streams
from streams.cli.unset import without_unset
from streams.errors import DependencyUnavailable, UsageError
from streams.telemetry.metrics_folder import unset_if_empty

__all__ = ["app", "main"]

app = typer.Typer(
    name="misfire",
    help="Stops voice-assistant commands that nobody meant.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    demo.demo,
    broker.broker,
    worker.worker,
    gateway.gateway,
    operator.operator,
    decide.decide,
    simulate.simulate,
    train.train,
    scan.scan,
    schema.schema,
    replay.replay,
    redrive.redrive,
    doctor.doctor,
):
    app.command()(command)
app.add_typer(topics.app, name="topics")
app.add_typer(decisions.app, name="decisions")
app.add_typer(config.app, name="config")
app.add_typer(household.app, name="household")
app.add_typer(keys.app, name="keys")
app.add_typer(token.app, name="token")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(bench.app, name="bench")
# Commands of packages that know this one and not the other way round, such as dashboards.
for found in entry_points(group="misfire.commands"):
    app.add_typer(found.load(), name=found.name)


def main() -> None:
    """Run the command line and exit with its code; users never see a traceback."""
    # Both unwind what runs, so that everything a command started is gone when it is.
    signal.signal(signal.SIGINT, _ended_by)
    signal.signal(signal.SIGTERM, _ended_by)
    open_streams()
    unset_if_empty()
    try:
        _run()
    except TyperException as error:
        _end_of_wrong_use(error)
    except (DependencyUnavailable, BundleError) as error:
        _end(error, 3)
    except (UsageError, MisfireError) as error:
        _end(error, 2)


def _run() -> NoReturn:
    """Run what was asked for and write all that it said."""
    command = typer.main.get_command(app)
    try:
        # Typer shows wrong options to people; off terminals they are one line, like every other end.
        sys.exit(command(without_unset(command, sys.argv[1:]), standalone_mode=sys.stderr.isatty()))
    finally:
        finish_output()


def _end(error: Exception, code: int) -> NoReturn:
    from streams.telemetry.logs import log_exit

    log_exit(str(error))
    sys.exit(code)


def _end_of_wrong_use(error: TyperException) -> NoReturn:
    """End as one line of JSON: what Typer refused was refused before any command could say how it logs."""
    from streams.telemetry.logs import log_exit

    context = getattr(error, "ctx", None)
    command = context.command_path if context else "misfire"
    said = " ".join(error.format_message().split()).rstrip(".") or "a command is missing"
    log_exit(f"{command}: {said}; '{command} --help' says what it takes", as_json=True)
    sys.exit(error.exit_code)


def _ended_by(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    sys.exit(128 + number)
