"""``misfire decisions``: prints decisions, late verdicts and those of shadows from the log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streams.cli.options import Broker, Config, Json, reachable_brokers
from streams.cli.output import note, table, write_json

if TYPE_CHECKING:
    from detector.contracts.decisions import Decision
    from streams.wire.records import Kind

V = TypeVar("V")

app = typer.Typer(
    help="Print decisions, late verdicts and those of shadow bundles from the log.",
    no_args_is_help=True,
)

FromBeginning = Annotated[bool, typer.Option(help="Start with the oldest record in the log.")]
Lines = Annotated[
    bool, typer.Option("--json", help="Print records as they are in the log, one JSON per line.")
]
Limit = Annotated[int | None, typer.Option(help="Stop after this many records.", min=1)]

#: The fields that ``show`` prints, the most important first.
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
        reason = f": {decision.reasons[0].text}" if decision.reasons else ""
        print(
            f"{decision.verdict:8} {decision.risk_class:17} {decision.intent:32} "
            f"{decision.surprisal_bits:6.1f} bits{probability}{reason}",
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
    """Print workers' verdicts that came after the hook's answer and differ from it.

    Runs until interrupted.
    """
    from streams.kafka.topics import INCIDENTS
    from streams.wire.late_answer import LATE

    records = _records(
        INCIDENTS, config, broker, from_beginning=from_beginning, lines=lines, limit=limit
    )
    for incident in _readable(LATE, records):
        print(
            f"answered {incident.answered} ({incident.rung}, {incident.reason}), "
            f"the worker decided {incident.decided} {incident.late_ms:,} ms later: "
            f"{incident.risk_class} {incident.intent} of event {incident.event_id}, "
            f"household {incident.household_id}",
            flush=True,
        )


@app.command()
def shadows(
    config: Config = None,
    broker: Broker = None,
    from_beginning: FromBeginning = False,
    lines: Lines = False,
    limit: Limit = None,
) -> None:
    """Print verdicts of shadow bundles that differ from the decision, until interrupted."""
    from streams.kafka.topics import SHADOWS
    from streams.wire.shadow_verdict import SHADOW_VERDICT

    records = _records(
        SHADOWS, config, broker, from_beginning=from_beginning, lines=lines, limit=limit
    )
    for verdict in _readable(SHADOW_VERDICT, records):
        reason = f": {verdict.reasons[0].text}" if verdict.reasons else ""
        print(
            f"decided {verdict.active}, {verdict.channel or 'the shadow'} (bundle "
            f"{verdict.bundle}) would {verdict.verdict}: {verdict.risk_class} {verdict.intent} of "
            f"event {verdict.event_id}, household {verdict.household_id}{reason}",
            flush=True,
        )


@app.command()
def show(
    decision_id: Annotated[
        str, typer.Argument(help="Id from a dashboard's exemplar, a log line or a reply.")
    ],
    household: Annotated[
        str | None,
        typer.Option(
            help="Id of the household; event ids are unique within a household only.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Print one decision: the verdict, the reasons in bits, and what was expected instead.

    This reads the whole audit log.
    """
    from streams.kafka.reading import read_topic
    from streams.kafka.topics import DECISIONS
    from streams.wire.records import DECISION

    brokers = reachable_brokers(config, broker)
    needle = decision_id.encode()
    candidates = (
        held for held in read_topic(brokers, DECISIONS) if held.value and needle in held.value
    )
    values = ((str(held.place), held.value) for held in candidates)
    # A decision's id is derived from the event's id and the bundle, so two households with the
    # same event id have the same decision id.
    found = {
        each.household_id: each
        for each in _readable(DECISION, values)
        if each.decision_id == decision_id
    }
    if household is not None:
        found = {name: each for name, each in found.items() if name == household}
    if not found:
        note(
            f"{DECISIONS} has no decision {decision_id}: it contains workers' decisions only, "
            "within the topic's retention."
        )
        raise typer.Exit(1)
    for each in found.values():
        _print(each)
    if len(found) > 1:
        note(f"{len(found)} households have a decision with that id; choose one with --household.")
    shown = list(found.values())
    write_json(json, shown[0] if len(shown) == 1 else shown)


def _print(found: Decision) -> None:
    values = [(name, getattr(found, name)) for name in _SHOWN]
    table(
        f"Decision {found.decision_id}",
        ["", ""],
        [[name, "-" if value is None else str(value)] for name, value in values],
    )
    table(
        "Reasons",
        ["bits", "reason"],
        [[f"{reason.bits:+.2f}", reason.text] for reason in found.reasons],
    )
    likely = [[each.intent, each.act, f"{each.probability:.1%}"] for each in found.expected]
    table("Expected instead", ["intent", "act", "probability"], likely)


def _readable(kind: Kind[V], records: Iterable[tuple[str, bytes | None]]) -> Iterator[V]:
    """Yield the decoded values. Print the position of an unreadable record and skip it."""
    from streams.errors import RecordError

    for place, value in records:
        try:
            yield kind.decode(value)
        except RecordError as error:
            note(f"{place}: skipped, {error}")


def _records(
    topic: str,
    config: Path | None,
    broker: str | None,
    *,
    from_beginning: bool,
    lines: bool,
    limit: int | None,
) -> Iterator[tuple[str, bytes | None]]:
    """Yield a topic's values with their positions as they arrive, or print them (``lines``)."""
    from kafka import KafkaConsumer

    from streams.kafka.fetching import arriving
    from streams.kafka.reading import Place

    brokers = reachable_brokers(config, broker)
    consumer = KafkaConsumer(
        topic,
        **brokers.options,
        group_id=None,
        auto_offset_reset="earliest" if from_beginning else "latest",
    )
    if not lines:
        note(f"{topic} on {brokers}; stop with Ctrl-C")
    for number, record in enumerate(arriving(consumer), 1):
        if lines:
            sys.stdout.write((record.value or b"").decode("utf-8", "replace") + "\n")
            sys.stdout.flush()
        else:
            yield str(Place(topic, record.partition, record.offset)), record.value
        if number == limit:
            break
    consumer.close()
