"""``misfire backtest``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.backtest_tables import show_backtest
from streams.cli.options import Broker, Bundle, Config, Json, Seed, reachable_brokers, seconds_of
from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.decision.rule_timeline import RuleTimeline
    from detector.progress import Progress
    from streams.kafka.connection import Brokers
    from streams.lifecycle.backtest import Player


def backtest(
    candidate: Annotated[
        Path, typer.Option(help="Directory of the bundle to try.", show_default=False)
    ],
    stream: Annotated[
        Path | None,
        typer.Argument(
            help="Events as JSON lines, plain or .gz; default: the log of the broker.",
            metavar="[STREAM]",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(help="Commands to count: the last 30d, 12h or 90m. Older ones only teach."),
    ] = "30d",
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels of the STREAM's misfires; default: every command was meant."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="File to keep the progress in. The same command continues from it, also with "
            "what has been logged since; default: a temporary file.",
            show_default=False,
        ),
    ] = None,
    examples: Annotated[int, typer.Option(help="Disagreements to list.", min=0)] = 10,
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Let a candidate decide on what the active bundle decided, and compare their costs.

    The log of intents is replayed under both bundles, from its oldest record on. The rules of each
    event's time apply to both; a STREAM has no rules. Labels and outcomes say which commands were
    meant. What became of a stopped command is often never seen; its cost is therefore bounded from
    both sides. The intervals are 95 % bootstrap intervals over households. Reads the log and
    changes nothing.
    """
    from detector.evaluation.backtest import summarise
    from streams.files.bundles import read_bundle
    from streams.files.starter import read_deciding
    from streams.lifecycle.backtest import Player
    from streams.lifecycle.backtest_file import BacktestFile
    from streams.lifecycle.promotion import active_bundle
    from streams.settings import load

    if labels is not None and stream is None:
        raise UsageError("--labels belongs to a STREAM; the broker's log has its own labels")
    seconds = seconds_of("--since", since)
    settings = load(config, broker=broker, bundle=bundle).settings
    active = (
        active_bundle(settings)
        if bundle is None and stream is None
        else read_deciding(settings.bundle)
    )
    tried = read_bundle(candidate)
    identity = {
        "active bundle": active.version,
        "candidate": tried.version,
        "log": str(stream) if stream else "the broker's",
        "rules": "none" if stream else "those of each event's time",
    }
    rules = None if stream else _rules(reachable_brokers(config, broker))
    with progress_report() as report, _checkpoint(checkpoint) as path:
        file = BacktestFile(path, identity)
        player = Player(file, active, tried, rules)
        until = (
            _play_log(player, config, broker, report)
            if stream is None
            else _play_file(player, stream, labels, report)
        )
        found = summarise(
            file.outcomes(until - seconds),
            (active.version, tried.version),
            examples=examples,
            seed=seed,
        )
        unpublished = 0 if stream else file.unpublished(until - seconds)
        offsets = file.positions()
        file.close()
    counts = {**player.counts, "commands without a published decision": unpublished}
    show_backtest(found, counts, since)
    write_json(
        json,
        asdict(found)
        | {"verdict": found.verdict, "since": since, "counts": counts, "offsets": offsets},
    )


def _rules(brokers: Brokers) -> RuleTimeline:
    """Return which rules applied when; without their topic, none ever did."""
    from streams.kafka.topics import RULES
    from streams.lifecycle.rule_log import RuleLog, rules_at_start

    found = rules_at_start(brokers)
    if found is None:
        note(f"no rule applies: topic {RULES} is missing, or this client has no right to read it")
    return (found or RuleLog()).timeline


def _play_log(player: Player, config: Path | None, broker: str | None, progress: Progress) -> float:
    """Play the broker's log; return the time until which commands count."""
    from streams.kafka.topics import INTENTS
    from streams.lifecycle.log_items import items, sources_of

    brokers = reachable_brokers(config, broker)
    sources, now = sources_of(brokers), time.time()
    begins = {
        (topic, number): max(first, player.begin(f"{topic}/{number}"))
        for topic, offsets in sources.items()
        for number, (first, _) in offsets.items()
    }
    total = sum(
        max(end - begins[topic, number], 0)
        for topic, offsets in sources.items()
        for number, (_, end) in offsets.items()
    )
    done = 0
    for number in sorted(sources.get(INTENTS, {})):
        begin = {topic: at for (topic, place), at in begins.items() if place == number}
        done = player.play(
            items(brokers, sources, number, begin), done=done, total=total, progress=progress
        )
    return now


def _play_file(player: Player, stream: Path, labels: Path | None, progress: Progress) -> float:
    """Play a recorded stream; return the time of its last event."""
    from streams.files.events import read_events, read_labels
    from streams.lifecycle.file_items import file_items

    events = read_events(stream)
    misfires = set() if labels is None else set(read_labels(labels))
    begin = player.begin(f"{stream}/0")
    commands = sum(event.commits for event in events)
    player.play(
        file_items(str(stream), events, misfires, begin),
        total=len(events) + commands,
        progress=progress,
    )
    return max(event.seconds for event in events)


@contextmanager
def _checkpoint(path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="misfire-backtest-") as folder:
        yield Path(folder) / "backtest.sqlite"
