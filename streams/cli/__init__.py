"""The command line: one module per command; this one runs them and turns errors into exit codes.

Exit codes: 0 success, 1 success with a bad result, 2 usage error, 3 a dependency is missing or
unreachable, 130 interrupted, 143 terminated.
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
    help="Stops voice-assistant commands that were not meant.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line and exit with its code, without a traceback."""
    # Both signals raise SystemExit, so that a command stops everything that it started.
    signal.signal(signal.SIGINT, _exit_on_signal)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    open_streams()
    unset_if_empty()
    try:
        _run()
    except TyperException as error:
        _end_of_usage_error(error)
    except (DependencyUnavailable, BundleError) as error:
        _end(error, 3)
    except (UsageError, MisfireError) as error:
        _end(error, 2)


def _run() -> NoReturn:
    """Run the command and flush its output."""
    try:
        # Typer formats usage errors for terminals; elsewhere they are one line, like other errors.
        sys.exit(app(without_unset(app, sys.argv[1:]), standalone_mode=sys.stderr.isatty()))
    finally:
        finish_output()


def _end(error: Exception, code: int) -> NoReturn:
    from streams.telemetry.logs import log_exit

    log_exit(str(error))
    sys.exit(code)


def _end_of_usage_error(error: TyperException) -> NoReturn:
    """Log a usage error as a line of JSON: Typer found it before a command configured the logs."""
    from streams.telemetry.logs import log_exit

    context = getattr(error, "ctx", None)
    command = context.command_path if context else "misfire"
    message = " ".join(error.format_message().split()).rstrip(".")
    if context and error.format_message() == context.get_help():
        message = "a command is missing"  # Typer's message is the help page in this case
    log_exit(f"{command}: {message}; see '{command} --help'", as_json=True)
    sys.exit(error.exit_code)


def _exit_on_signal(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    sys.exit(128 + number)
