"""``misfire replay``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from streams.cli.options import Broker, Json, Stream
from streams.cli.output import note, progress_report, write_json


def replay(
    stream: Stream,
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle.")],
    out: Annotated[
        Path | None,
        typer.Option(help="File for the decisions, one JSON object per line in stream order."),
    ] = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Send a stream from a file through broker and worker and collect the decisions.

    Without --broker, it starts the embedded broker. Exit code 1 if an event was lost or decided
    twice.
    """
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events
    from streams.files.lines import write_lines
    from streams.local.stack import Stack
    from streams.operations.replay import Collector, refuse_used, send_events

    version = read_bundle(bundle).version
    events = read_events(stream)
    with progress_report() as report, Stack(bundle, broker=broker, producer_time=True) as stack:
        refuse_used(stack.brokers)
        stack.start_worker()
        begun = perf_counter()
        send_events(stack.brokers, events, progress=report)
        collector = Collector(stack.brokers)
        collected = collector.wait_for([event.event_id for event in events], progress=report)
        collector.close()
        seconds = perf_counter() - begun
    ordered = [
        collected.decisions[event.event_id]
        for event in events
        if event.event_id in collected.decisions
    ]
    if out is not None:
        write_lines(out, ordered)
    lost = len(events) - len(ordered) - collected.dead_letters
    note(
        f"{len(events):,} events, {len(ordered):,} decisions by bundle {version} in "
        f"{seconds:.1f} s ({len(ordered) / seconds:,.0f}/s); {lost} lost, "
        f"{collected.doubled} doubled, {collected.dead_letters} dead letters"
    )
    counts = {
        "sent": len(events),
        "decided": len(ordered),
        "lost": lost,
        "doubled": collected.doubled,
        "dead_letters": collected.dead_letters,
    }
    write_json(json, {"bundle": version, "seconds": round(seconds, 2), "counts": counts})
    if lost or collected.doubled:
        raise typer.Exit(1)
