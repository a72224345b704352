"""``misfire redrive``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json, reachable_brokers
from streams.cli.output import note, table, write_json


def redrive(
    config: Config = None,
    broker: Broker = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(
            help="Reason code of the letters to send again; can be repeated. Default: "
            "internal_error and time_in_future, which may no longer apply."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Show what would be sent without sending it.")
    ] = False,
    json: Json = None,
) -> None:
    """Send dead letters to their topics again, once each, if the worker would accept them now."""
    from datetime import UTC, datetime

    from streams.kafka.reading import read_topic
    from streams.kafka.topics import DEAD_LETTERS
    from streams.operations.redrive import DEFAULT_REASONS, send_again, sort_letters

    brokers = reachable_brokers(config, broker)
    reasons = reason or list(DEFAULT_REASONS)
    found = sort_letters(read_topic(brokers, DEAD_LETTERS), reasons, datetime.now(UTC))
    sent = 0 if dry_run else send_again(brokers, found.again)
    by_topic: dict[str, int] = {}
    for record in found.again:
        by_topic[record.topic] = by_topic.get(record.topic, 0) + 1
    rows = [
        [f"{'would be sent' if dry_run else 'sent'} to {topic}", str(n)]
        for topic, n in by_topic.items()
    ]
    rows += [[f"not sent: {reason}", str(count)] for reason, count in sorted(found.left.items())]
    table(f"dead letters with reason {', '.join(reasons)}", ["result", "letters"], rows)
    note(f"{sent} letters sent again.")
    write_json(json, {"reasons": reasons, "ready": by_topic, "sent": sent, "left": found.left})
