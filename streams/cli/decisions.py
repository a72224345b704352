"""``misfire decisions tail``, ``misfire decisions late`` and ``misfire decisions show``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streams.cli.options import Broker, Config, Json, reached
from streams.cli.output import note, table, write_json

if TYPE_CHECKING:
    from detector.contracts.decisions import Decision
    from streams.wire.records import Kind

V = TypeVar("V")

app = typer.Typer(help="Watch the decisions as they are made.", no_args_is_help=True)

FromBeginning = Annotated[bool, typer.Option(help="Begin with the oldest that is kept.")]
Lines = Annotated[
    bool, typer.Option("--json", help="Print each as it is in the log, one JSON object per line.")
]
Limit = Annotated[int | None, typer.Option(help="Stop after so many.", min=1)]

#: What a person looks at first.
_SHOWN = (
    "verdict",
    "effective_verdict",
    "enforcement",
    "rung",
    "intent",
    "risk_class",
    "misfire_probability",
    "p_value",
    "surprisal_bits",
    "abstained",
    "bundle",
    "event_id",
    "household_id",
)


@app.command()
def tail(
    config: Config = None,
    broker: Broker = None,
    from_beginning: FromBeginning = False,
    lines: Lines = False,
    limit: Limit = None,
) -> None:
    """Print decisions as they are made, until interrupted."""
    from streams.kafka.topics import DECISIONS
    from streams.wire.records import DECISION

    records = _records(
        DECISIONS, config, broker, from_beginning=from_beginning, lines=lines, limit=limit
    )
    for decision in _readable(DECISION, records):
        probability = (
            ""
            if decision.misfire_probability is None
            else f" misfire {decision.misfire_probability:.4f}"
        )
        why = f": {decision.reasons[0].text}" if decision.reasons else ""
        print(
            f"{decision.verdict:8} {decision.risk_class:17} {decision.intent:32} {decision.surprisal_bits:6.1f} bits{probability}{why}",
            flush=True,
        )


@app.command()
def late(
    config: Config = None,
    broker: Broker = None,
    from_beginning: FromBeginning = False,
    lines: Lines = False,
    limit: Limit = None,
) -> None:
    """Print incidents, until interrupted: a worker's verdict that came after the hook's answer, and disagrees with it."""
    from streams.kafka.topics import INCIDENTS
    from streams.wire.late_answer import LATE

    records = _records(
        INCIDENTS, config, broker, from_beginning=from_beginning, lines=lines, limit=limit
    )
    for told in _readable(LATE, records):
        print(
            f"{told.answered} was answered ({told.rung}, {told.reason}), {told.decided} decided {told.late_ms:,} ms later: "
            f"{told.risk_class} {told.intent} of event {told.event_id}, household {told.household_id}",
            flush=True,
        )


@app.command()
def show(
    decision_id: Annotated[
        str, typer.Argument(help="As a dashboard's exemplar, a log line or a reply names it.")
    ],
    household: Annotated[
        str | None,
        typer.Option(
            help="The household's id; ids of events are its runtime's own.", show_default=False
        ),
    ] = None,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Print one decision: the verdict, its reasons in bits, and what was expected instead. Reads the whole audit log for it."""
    from streams.kafka.reading import read_topic
    from streams.kafka.topics import DECISIONS
    from streams.wire.records import DECISION

    brokers = reached(config, broker)
    marked = decision_id.encode()
    marked_so = (
        held for held in read_topic(brokers, DECISIONS) if held.value and marked in held.value
    )
    values = ((str(held.place), held.value) for held in marked_so)
    # An id is made of the event's id and the bundle: two households whose runtimes chose one event_id have one decision id.
    found = {
        each.household_id: each
        for each in _readable(DECISION, values)
        if each.decision_id == decision_id
    }
    if household is not None:
        found = {name: each for name, each in found.items() if name == household}
    if not found:
        note(
            f"No decision {decision_id} is in {DECISIONS}: only workers' decisions are, and none older than the topic keeps."
        )
        raise typer.Exit(1)
    for each in found.values():
        _print(each)
    if len(found) > 1:
        note(
            f"{len(found)} households have a decision of that id; --household shows the one of a household."
        )
    shown = list(found.values())
    write_json(json, shown[0] if len(shown) == 1 else shown)


def _print(found: Decision) -> None:
    told = [(name, getattr(found, name)) for name in _SHOWN]
    table(
        f"Decision {found.decision_id}",
        ["", ""],
        [[name, "-" if value is None else str(value)] for name, value in told],
    )
    table(
        "Why",
        ["bits", "reason"],
        [[f"{reason.bits:+.2f}", reason.text] for reason in found.reasons],
    )
    likely = [[each.intent, each.act, f"{each.probability:.1%}"] for each in found.expected]
    table("Expected instead", ["intent", "act", "probability"], likely)


def _readable(kind: Kind[V], records: Iterable[tuple[str, bytes | None]]) -> Iterator[V]:
    """Yield what records hold. What is none of its kind is told by its place and passed over: the log goes on."""
    from streams.errors import RecordError

    for place, value in records:
        try:
            yield kind.decode(value)
        except RecordError as error:
            note(f"{place}: passed over, {error}")


def _records(
    topic: str,
    config: Path | None,
    broker: str | None,
    *,
    from_beginning: bool,
    lines: bool,
    limit: int | None,
) -> Iterator[tuple[str, bytes | None]]:
    """Yield a topic's values with their places as they come; with ``lines`` print them instead."""
    from kafka import KafkaConsumer

    from streams.kafka.reading import Place

    brokers = reached(config, broker)
    consumer = KafkaConsumer(
        topic,
        **brokers.options,
        group_id=None,
        auto_offset_reset="earliest" if from_beginning else "latest",
    )
    if not lines:
        note(f"{topic} on {brokers}; stop with Ctrl-C")
    for number, record in enumerate(consumer, 1):
        if lines:
            sys.stdout.write((record.value or b"").decode("utf-8", "replace") + "\n")
            sys.stdout.flush()
        else:
            yield str(Place(topic, record.partition, record.offset)), record.value
        if number == limit:
            break
    consumer.close()
