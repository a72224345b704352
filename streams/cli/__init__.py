"""The command line: one file per command, one table of them, one place where errors become exit codes.

Exit codes: 0 done, 1 done and the answer is bad, 2 wrong use, 3 a part is missing or unreachable, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from typer.exceptions import TyperException

from detector.contracts.errors import BundleError, MisfireError
from streams.cli.command_table import CommandTable
from streams.cli.standard_streams import finish_output, open_streams
from streams.cli.unset import without_unset
from streams.errors import DependencyUnavailable, UsageError
from streams.telemetry.metrics_folder import unset_if_empty

__all__ = ["app", "main"]

app = CommandTable(
    name="misfire",
    help="Stops voice-assistant commands that nobody meant.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


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
    try:
        # Typer shows wrong options to people; off terminals they are one line, like every other end.
        sys.exit(app(without_unset(app, sys.argv[1:]), standalone_mode=sys.stderr.isatty()))
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
    said = " ".join(error.format_message().split()).rstrip(".")
    if context and error.format_message() == context.get_help():
        said = "a command is missing"  # Typer's message is then the help page itself
    log_exit(f"{command}: {said}; '{command} --help' says what it takes", as_json=True)
    sys.exit(error.exit_code)


def _ended_by(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    sys.exit(128 + number)
