"""``misfire replay``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Broker, Config, Json, reachable_brokers
from streams.cli.output import note, progress_report, table, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from streams.operations.decision_replay import Replayed


def replay(
    bundle: Annotated[
        list[Path],
        typer.Option(
            help="Directory of the bundle; with --decision, repeat it for each bundle that decided "
            "for the household."
        ),
    ],
    stream: Annotated[
        Path | None,
        typer.Argument(
            help="Events as JSON lines, plain or .gz.", metavar="[STREAM]", show_default=False
        ),
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option(
            help="Make this published decision again from the log, and compare the bytes.",
            metavar="ID",
            show_default=False,
        ),
    ] = None,
    household: Annotated[
        str | None,
        typer.Option(
            help="With --decision, the household; event ids are unique within a household only.",
            metavar="ID",
            show_default=False,
        ),
    ] = None,
    snapshot: Annotated[
        bool,
        typer.Option(
            "--snapshot",
            help="With --decision, begin with the latest state before it in misfire.households, "
            "rather than with the household's first record.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the decisions, one JSON object per line in stream order."),
    ] = None,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Replay a stream through broker and worker, or one published decision from the log.

    A STREAM is sent from a file through broker and worker, and the decisions are collected. Without
    --broker, it starts the embedded broker. Exit code 1 if an event was lost or decided twice.

    --decision ID reads the log of the running installation and changes nothing. It prints whether
    the replayed decision has the same bytes, and otherwise the first term that differs. Exit code 1
    if it differs or cannot be made again.
    """
    if (stream is None) == (decision is None):
        raise UsageError("give either a STREAM or --decision ID")
    if decision is not None:
        _decision(decision, household, bundle, config, broker, json, snapshot=snapshot)
        return
    if stream is None or len(bundle) != 1:
        raise UsageError("a STREAM is replayed with one --bundle")
    _stream(stream, bundle[0], out, broker, json)


def _decision(
    decision_id: str,
    household: str | None,
    directories: list[Path],
    config: Path | None,
    broker: str | None,
    json: str | None,
    *,
    snapshot: bool,
) -> None:
    from streams.files.bundles import read_bundle
    from streams.kafka.topic_ids import look_up
    from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES, admin
    from streams.operations.decision_replay import find_published, replay_decision
    from streams.settings import load, read_key

    bundles = {found.version: found for found in map(read_bundle, directories)}
    key = read_key(load(config, broker=broker).settings.confirmation_key_file)
    brokers = reachable_brokers(config, broker)
    published = find_published(brokers, decision_id, household)
    if not published:
        note(
            f"{DECISIONS} has no decision {decision_id} within its retention. It contains workers' "
            "decisions only: a gateway's own decision is not in the log and cannot be made again."
        )
        raise typer.Exit(1)
    if len(published) > 1:
        raise UsageError(
            f"{len(published)} households have a decision with that id; choose one with --household"
        )
    client = admin(brokers)
    topics = look_up(client, (INTENTS, OUTCOMES, HOUSEHOLDS))
    client.close()
    (wanted,) = published.values()
    with progress_report() as report:
        found = replay_decision(
            brokers, topics, wanted, bundles, key=key, snapshot=snapshot, progress=report
        )
    _show(found)
    write_json(json, _as_json(found))
    if not found.same:
        raise typer.Exit(1)


def _show(found: Replayed) -> None:
    published = found.published
    note(
        f"decision {published.decision.decision_id} of event {published.decision.event_id}, at "
        f"{published.place}"
    )
    if found.step is not None:
        note(
            f"replayed with bundle {found.step.bundle.version} from {found.step.place}, after "
            f"{found.earlier:,} earlier decisions; the state begins with {found.start}"
        )
        _show_evidence(found)
    if found.same:
        note("the replayed decision has the same bytes as the published one")
    elif found.differing:
        note(f"the first differing term (published, replayed): {found.differing[0]}")
        table(
            "all differing terms",
            ["part", "term", "published", "replayed"],
            [[each.layer, each.term, each.first, each.second] for each in found.differing],
        )
    elif found.step is not None:
        note("both decisions have the same values, but other bytes: another version wrote them")
    if found.first_difference is not None:
        step, term = found.first_difference
        note(f"already the decision on {step.decision.event_id} at {step.place} differs: {term}")
    for each in found.notes:
        note(each)


def _show_evidence(found: Replayed) -> None:
    if found.step is None or found.step.judgement is None:
        return
    judge, values = found.step.bundle.judge, found.step.judgement.values
    bits = judge.contributions(values)
    order = sorted(range(len(bits)), key=lambda term: -abs(bits[term]))
    table(
        f"evidence in bits, {judge.offset_bits:+.2f} before any; "
        f"together {found.step.judgement.ratio_bits:+.2f}",
        ["term", "value", "bits"],
        [
            [judge.names[term], f"{values[term]:g}", f"{bits[term]:+.2f}"]
            for term in order
            if abs(bits[term]) >= _LEAST_BITS
        ],
    )


#: Smallest contribution to print, in bits.
_LEAST_BITS = 0.05


def _as_json(found: Replayed) -> dict[str, object]:
    step = found.step
    return {
        "decision_id": found.published.decision.decision_id,
        "published_at": str(found.published.place),
        "event_at": None if step is None else str(step.place),
        "bundle": None if step is None else step.bundle.version,
        "same": found.same,
        "published": found.published.decision,
        "replayed": None if step is None else step.decision,
        "differences": found.differing,
        "earlier_decisions": found.earlier,
        "first_earlier_difference": None
        if found.first_difference is None
        else {
            "event_at": str(found.first_difference[0].place),
            "event_id": found.first_difference[0].decision.event_id,
            "difference": found.first_difference[1],
        },
        "start": found.start,
        "notes": found.notes,
    }


def _stream(
    stream: Path, bundle: Path, out: Path | None, broker: str | None, json: str | None
) -> None:
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
