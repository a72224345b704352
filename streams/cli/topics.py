"""``misfire topics create``, ``check`` and ``acl``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json
from streams.cli.output import note, table, write_json

app = typer.Typer(
    help="Create or check the topics, and say who needs which rights on them.", no_args_is_help=True
)

Partitions = Annotated[int | None, typer.Option(help="Partitions of each topic keyed by household.", min=1)]


@app.command()
def create(
    config: Config = None, broker: Broker = None, partitions: Partitions = None, json: Json = None
) -> None:
    """Create the topics that are missing; those that are there stay as they are."""
    from streams.brokers import brokers_of
    from streams.settings import load
    from streams.topics import TOPICS, admin, create_topics

    settings = load(config, broker=broker, partitions=partitions).settings
    client = admin(brokers_of(settings))
    created = create_topics(client, settings.partitions, settings.replication)
    client.close()
    rows = [
        [
            topic.name,
            str(topic.partitions or settings.partitions),
            topic.key,
            "created" if topic.name in created else "was there",
        ]
        for topic in TOPICS
    ]
    table(f"topics on {settings.broker}", ["topic", "partitions", "key", ""], rows)
    write_json(json, {"created": created})


@app.command()
def check(
    config: Config = None, broker: Broker = None, partitions: Partitions = None, json: Json = None
) -> None:
    """Compare the topics with what they should be; exit code 1 if one is not."""
    from streams.brokers import brokers_of
    from streams.settings import load
    from streams.topics import admin, check_topics

    settings = load(config, broker=broker, partitions=partitions).settings
    client = admin(brokers_of(settings))
    problems = check_topics(client, settings.partitions)
    client.close()
    for problem in problems or ["every topic is as it should be"]:
        note(problem)
    write_json(json, {"ok": not problems, "problems": problems})
    if problems:
        raise typer.Exit(1)


@app.command()
def acl(
    part: Annotated[
        str | None,
        typer.Option(help="Print commands for this part: worker, gateway, runtime, trainer or operator."),
    ] = None,
    principal: Annotated[
        str | None,
        typer.Option(help="Who that part is to Kafka; a certificate's is its subject.", metavar="User:NAME"),
    ] = None,
    command_config: Annotated[
        str | None, typer.Option(help="Properties with which kafka-acls itself comes in.", metavar="FILE")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Commands that take the rights away again.")
    ] = False,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Say which part may do what on Kafka; with --part and --principal, print the kafka-acls commands that grant it. Nothing is changed."""
    from streams.acls import RIGHTS, Part, acl_commands
    from streams.errors import WrongUse
    from streams.settings import load

    if (part is None) != (principal is None):
        raise WrongUse(
            "--part and --principal belong together: give both for commands, or neither for the table"
        )
    settings = load(config, broker=broker).settings
    if part is None or principal is None:
        rows = [
            [right.part, ", ".join(right.operations), ", ".join(right.topics) or f"group {settings.group}"]
            for right in RIGHTS
        ]
        table("rights on Kafka", ["part", "operations", "on"], rows)
        write_json(json, [{"part": a, "operations": b.split(", "), "on": c.split(", ")} for a, b, c in rows])
        return
    if part not in list(Part):
        raise WrongUse(f"--part {part} is none of {', '.join(Part)}")
    if not principal.startswith("User:") or principal == "User:":
        raise WrongUse(f"--principal {principal} is no principal; give User:NAME")
    commands = [
        *acl_commands(
            Part(part),
            principal,
            brokers=settings.broker,
            group=settings.group,
            command_config=command_config,
            remove=remove,
        )
    ]
    for command in commands:
        typer.echo(command)
    write_json(json, commands)
