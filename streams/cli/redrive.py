"""``misfire redrive``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json, reached
from streams.cli.output import note, table, write_json


def redrive(
    config: Config = None,
    broker: Broker = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(
            help="Reason of letters to send again; may be repeated. Those that pass by themselves otherwise."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Say what would be sent, and send nothing.")
    ] = False,
    json: Json = None,
) -> None:
    """Send dead letters to their topics again: those that would be read today, each once."""
    from datetime import UTC, datetime

    from streams.kafka.reading import read_topic
    from streams.kafka.topics import DEAD_LETTERS
    from streams.operations.redrive import DEFAULT_REASONS, send_again, sort_letters

    brokers = reached(config, broker)
    reasons = reason or list(DEFAULT_REASONS)
    found = sort_letters(read_topic(brokers, DEAD_LETTERS), reasons, datetime.now(UTC))
    sent = 0 if dry_run else send_again(brokers, found.again)
    by_topic: dict[str, int] = {}
    for record in found.again:
        by_topic[record.topic] = by_topic.get(record.topic, 0) + 1
    rows = [
        [f"would be sent to {topic}" if dry_run else f"sent to {topic}", str(n)]
        for topic, n in by_topic.items()
    ]
    rows += [[f"left: {why}", str(count)] for why, count in sorted(found.left.items())]
    table(f"dead letters of reason {', '.join(reasons)}", ["what", "letters"], rows)
    note(f"{sent} sent again.")
    write_json(json, {"reasons": reasons, "ready": by_topic, "sent": sent, "left": found.left})
