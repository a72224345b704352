"""``misfire topics``: creates, checks and grows topics, and lists the rights on them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json
from streams.cli.output import note, progress_report, table, write_json

app = typer.Typer(
    help="Create, check and grow topics, and list which part needs which rights on them.",
    no_args_is_help=True,
)

Partitions = Annotated[
    int | None, typer.Option(help="Partitions of each topic keyed by household.", min=1)
]


@app.command()
def create(
    config: Config = None,
    broker: Broker = None,
    partitions: Partitions = None,
    replication: Annotated[
        int | None,
        typer.Option(
            help="Copies of each partition; with 3 or more, a record counts as stored once two"
            " brokers have it.",
            min=1,
            max=16,
        ),
    ] = None,
    configure: Annotated[
        bool,
        typer.Option(
            "--configure",
            help="Also give existing topics the settings that this version needs.",
        ),
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            help="Wait so many seconds for a broker that is starting.", metavar="SECONDS", min=0.0
        ),
    ] = 0.0,
    json: Json = None,
) -> None:
    """Create the missing topics. Existing topics do not change without --configure."""
    from streams.kafka.connection import brokers_of
    from streams.kafka.topic_settings import configure_topics
    from streams.kafka.topics import TOPICS, admin, create_topics
    from streams.settings import load

    settings = load(config, broker=broker, partitions=partitions, replication=replication).settings
    client = admin(brokers_of(settings), wait=wait)
    created = create_topics(
        client, settings.partitions, settings.replication, producer_time=settings.producer_time
    )
    changes = configure_topics(client, producer_time=settings.producer_time) if configure else []
    client.close()
    rows = [
        [
            topic.name,
            str(topic.partitions or settings.partitions),
            topic.key,
            "created" if topic.name in created else "existed",
        ]
        for topic in TOPICS
    ]
    table(f"topics on {settings.broker}", ["topic", "partitions", "key", ""], rows)
    for change in changes:
        note(f"{change.topic}: {change.setting} was {change.before} and is {change.after}")
    write_json(json, {"created": created, "changed": [asdict(change) for change in changes]})


@app.command()
def check(
    config: Config = None, broker: Broker = None, partitions: Partitions = None, json: Json = None
) -> None:
    """Check the topics' configuration. Exit code 1 if something is wrong."""
    from streams.kafka.connection import brokers_of
    from streams.kafka.topics import admin, check_topics
    from streams.settings import load

    settings = load(config, broker=broker, partitions=partitions).settings
    client = admin(brokers_of(settings))
    problems = check_topics(client, settings.partitions, producer_time=settings.producer_time)
    client.close()
    for problem in problems or ["every topic is set up correctly"]:
        note(problem)
    write_json(json, {"ok": not problems, "problems": problems})
    if problems:
        raise typer.Exit(1)


@app.command()
def grow(
    partitions: Annotated[
        int, typer.Option(help="New number of partitions of each topic keyed by household.", min=1)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done without doing it.")
    ] = False,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Add partitions to an installation's topics, and move households' states to their new ones.

    Stop the producers (gateways, runtimes), let the workers catch up, stop the workers, and run
    this. Then set partitions to the new number everywhere, and start workers and gateways. The
    command refuses to start while workers run or records are unprocessed. After an interruption,
    run it again and it continues; once finished, further runs change nothing.
    """
    from streams.kafka.connection import brokers_of
    from streams.kafka.topics import HOUSEHOLDS, admin
    from streams.operations.grow_topics import check_ready, survey
    from streams.operations.grow_topics import grow as grow_topics
    from streams.settings import load

    settings = load(config, broker=broker).settings
    brokers = brokers_of(settings)
    client = admin(brokers)
    try:
        found = survey(brokers, client, settings.group, partitions)
        rows = [[name, str(count), str(partitions)] for name, count in found.topics.items()]
        table(f"topics on {settings.broker} that get partitions", ["topic", "has", "gets"], rows)
        note(
            f"{len(found.moves)} of {found.states} states in {HOUSEHOLDS} have to move; "
            f"{found.waiting} records are unprocessed; {found.workers} workers are running."
        )
        if found.waiting and found.begun:
            note(
                "The topics already have that many partitions: workers will forward unprocessed "
                "records in a wrong partition to the end of the right one."
            )
        moved = 0
        if not dry_run:
            check_ready(found, settings.group)
            with progress_report() as report:
                moved = len(grow_topics(brokers, client, settings.group, found, report).moves)
            note(
                f"{len(found.topics)} topics grew, {moved} states moved. Set partitions to "
                f"{partitions} for every worker and gateway, then start them."
            )
    finally:
        client.close()
    write_json(
        json,
        {
            "partitions": partitions,
            "topics": dict(found.topics),
            "states": found.states,
            "to_move": len(found.moves),
            "moved": moved,
            "waiting": found.waiting,
            "workers": found.workers,
        },
    )


@app.command()
def acl(
    part: Annotated[
        str | None,
        typer.Option(
            help="Print the commands for this part: worker, gateway, runtime, trainer, operator, "
            "promoter or grower."
        ),
    ] = None,
    principal: Annotated[
        str | None,
        typer.Option(
            help="Kafka principal of the part; for a certificate, its subject.", metavar="User:NAME"
        ),
    ] = None,
    command_config: Annotated[
        str | None,
        typer.Option(help="Properties file for kafka-acls' own connection.", metavar="FILE"),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Print commands that revoke the rights.")
    ] = False,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """List the rights that each part needs on Kafka.

    With --part and --principal, print the kafka-acls commands that grant them. Nothing is changed.
    """
    from streams.errors import UsageError
    from streams.kafka.acls import RIGHTS, Part, acl_commands
    from streams.settings import load

    if (part is None) != (principal is None):
        raise UsageError(
            "--part and --principal belong together: give both to print commands, or neither to "
            "list the rights"
        )
    settings = load(config, broker=broker).settings
    if part is None or principal is None:
        rows = [
            [
                right.part,
                ", ".join(right.operations),
                ", ".join(right.topics) or f"group {settings.group}",
            ]
            for right in RIGHTS
        ]
        table("rights on Kafka", ["part", "operations", "on"], rows)
        write_json(
            json,
            [{"part": a, "operations": b.split(", "), "on": c.split(", ")} for a, b, c in rows],
        )
        return
    if part not in list(Part):
        raise UsageError(f"--part {part} is unknown; choose from {', '.join(Part)}")
    if not principal.startswith("User:") or principal == "User:":
        raise UsageError(f"--principal {principal} is not a Kafka principal; give User:NAME")
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
