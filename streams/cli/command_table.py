"""The table of commands, and the group that imports a command only when it runs.

Importing and building all commands takes four times the CPU of Typer itself, which `misfire --help`
and every other command would pay.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, distribution
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = ["COMMANDS", "CommandTable"]

#: Each command's name, its location, and its line in ``misfire --help``.
COMMANDS = {
    "demo": ("streams.cli.demo:demo", "Run the whole system and play five stories."),
    "broker": ("streams.cli.broker:broker", "Run the embedded broker, in memory."),
    "worker": ("streams.cli.worker:worker", "Decide the events of assistant.intents."),
    "gateway": ("streams.cli.gateway:gateway", "Serve the blocking hook over HTTP."),
    "operator": ("streams.cli.operator:operator", "Serve the operator API over HTTP."),
    "decide": ("streams.cli.decide:decide", "Ask whether a command may run."),
    "simulate": ("streams.cli.simulate:simulate", "Write a stream of simulated households."),
    "import": ("streams.cli.import_logs:app", "Make a stream from another system's log."),
    "train": ("streams.cli.train:train", "Train a bundle on a stream of meant events."),
    "bundle": (
        "streams.cli.bundle:app",
        "Show, check, sign, compare and promote bundles.",
    ),
    "backtest": ("streams.cli.backtest:backtest", "Try a candidate bundle on the log."),
    "drift": ("streams.cli.drift:drift", "Compare the latest commands with the training data."),
    "starter": ("streams.cli.starter:app", "Show or train the packaged starter bundle."),
    "scan": ("streams.cli.scan:scan", "List the chains that are most likely misfires."),
    "schema": ("streams.cli.schema:schema", "Write OpenAPI, AsyncAPI and JSON Schema."),
    "replay": ("streams.cli.replay:replay", "Send a stream through a broker and a worker."),
    "redrive": ("streams.cli.redrive:redrive", "Send dead letters to their topics again."),
    "doctor": ("streams.cli.doctor:doctor", "Check each part of a running installation."),
    "plan": ("streams.cli.plan:plan", "Plan what a number of households needs."),
    "topics": ("streams.cli.topics:app", "Create, check and grow the topics."),
    "decisions": ("streams.cli.decisions:app", "Print decisions and late verdicts."),
    "label": ("streams.cli.label:label", "Say whether a command was meant or a misfire."),
    "rules": ("streams.cli.rules:app", "Allow, confirm, block or classify commands by rules."),
    "config": ("streams.cli.config:app", "Show settings and limits."),
    "household": ("streams.cli.household:app", "Show, export or erase a household's data."),
    "embedded": ("streams.cli.embedded:app", "Use an embedded hook's household file elsewhere."),
    "keys": ("streams.cli.keys:app", "Create and rotate the keys for tokens."),
    "runtimes": ("streams.cli.runtimes:app", "Connect an assistant runtime, and check it."),
    "token": ("streams.cli.token:app", "Create, list and revoke tokens for the gateway."),
    "evaluate": ("streams.cli.evaluate:app", "Measure decisions against a stream's labels."),
    "bench": ("streams.cli.bench:app", "Measure speed and quality against alternatives."),
}


class CommandTable(TyperGroup):
    """The root command: the commands of ``COMMANDS``, and those of other packages.

    A package of this distribution that depends on ``streams``, such as dashboards, adds its
    commands as a ``typer.Typer`` under the entry point group ``misfire.commands``.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return the names in the order of the help."""
        return [*COMMANDS, *(found.name for found in _of_other_packages())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's signature
        """Import and build one command; ``None`` if there is no such command."""
        if cmd_name in COMMANDS:
            loaded = EntryPoint(cmd_name, COMMANDS[cmd_name][0], "").load()
        else:
            named = [found for found in _of_other_packages() if found.name == cmd_name]
            if not named:
                return None
            loaded = named[0].load()
        # Plain help: rich's takes twice the CPU of everything else that --help does.
        parent = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(loaded, typer.Typer):
            parent.add_typer(loaded, name=cmd_name)
        else:
            parent.command(cmd_name)(loaded)
        return typer.main.get_group(parent).commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's signature
        """Write the list of commands without importing those of ``COMMANDS``."""
        rows = [(name, line) for name, (_, line) in COMMANDS.items()]
        rows += [(found.name, found.load().info.help) for found in _of_other_packages()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _of_other_packages() -> tuple[EntryPoint, ...]:
    # Reading every installed distribution would double the cost of the lookup.
    return tuple(distribution("misfire-detector").entry_points.select(group="misfire.commands"))
