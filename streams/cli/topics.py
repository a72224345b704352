"""``misfire topics create`` and ``misfire topics check``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json
from streams.cli.output import note, table, write_json

app = typer.Typer(help="Create or check the topics.", no_args_is_help=True)

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
