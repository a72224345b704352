"""``misfire train``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import (
    Broker,
    Config,
    Jobs,
    Json,
    Misfires,
    Seed,
    Severity,
    mixture_of,
    reachable_brokers,
)
from streams.cli.output import note, progress_report, write_json
from streams.cli.training_report import show_costs, show_log
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.contracts.events import IntentEvent
    from detector.decision.training_report import FromLog
    from detector.progress import Progress

_NOT_STATED = "not stated"
#: How many unclassified intents the output names.
_MAX_NAMED = 10


def train(
    out: Annotated[
        Path,
        typer.Option(help="Directory for the bundle; an existing bundle is replaced."),
    ],
    stream: Annotated[
        Path | None,
        typer.Argument(
            help="Events as JSON lines, plain or .gz.", metavar="[STREAM]", show_default=False
        ),
    ] = None,
    from_topic: Annotated[
        bool,
        typer.Option(
            "--from-topic",
            help="Read the events from assistant.intents instead. Conversations with misfires, by "
            "outcome or label, or with stopped commands, and erased households are left out.",
        ),
    ] = False,
    as_of: Annotated[
        Path | None,
        typer.Option(
            help="With --from-topic, read the same offsets as the training of this bundle.",
            metavar="BUNDLE",
            show_default=False,
        ),
    ] = None,
    most_households: Annotated[
        int,
        typer.Option(
            help="With --from-topic, households to learn from; a hash of the id selects them.",
            min=6,
        ),
    ] = 5_000,
    most_events: Annotated[
        int,
        typer.Option(
            help="With --from-topic, events to learn from, which bounds memory: whole households "
            "are left out.",
            min=100,
        ),
    ] = 200_000,
    policy: Annotated[
        Path | None, typer.Option(help="Policy file; default: the packaged one.")
    ] = None,
    kind: Misfires = None,
    severity: Severity = 0.5,
    fewest_households: Annotated[
        int,
        typer.Option(
            help="Do not learn names of intents and slots that fewer households use; use 5 for "
            "thousands of households.",
            min=1,
        ),
    ] = 2,
    source: Annotated[
        str, typer.Option(help="Where the stream is from, for the report in the bundle.")
    ] = _NOT_STATED,
    config: Config = None,
    broker: Broker = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Train a bundle (model, judge, calibration and policy) on a stream of meant events.

    The same stream, or the same offsets of the log, and the same seed give the same files.
    """
    from detector.training.rare_names import common_names
    from detector.training.train import train as fit
    from streams.cli.parallel import processes
    from streams.files.bundles import refuse_occupied, write_bundle
    from streams.files.events import read_events
    from streams.files.policy import read_policy

    refuse_occupied(out)
    mixture = mixture_of(kind, severity)
    rules = read_policy(policy)
    if (stream is None) != from_topic:
        raise UsageError("give either a STREAM or --from-topic")
    begun = perf_counter()
    with progress_report() as report, processes(jobs) as each:
        events, log = (
            (read_events(stream), None)
            if stream is not None
            else _from_topic(
                config, broker, as_of, most_households, most_events, seed=seed, progress=report
            )
        )
        trained = fit(
            events,
            rules,
            mixture=mixture,
            fewest=fewest_households,
            seed=seed,
            source="assistant.intents" if log and source == _NOT_STATED else source,
            log=log,
            progress=report,
            each=each,
        )
    seconds = perf_counter() - begun
    bundle, readiness = trained.bundle, trained.bundle.report.readiness
    write_bundle(bundle, out)
    scores = {
        f"{risk}, {'new' if new else 'known'} household": len(found)
        for (risk, new), found in bundle.calibration.scores.items()
    }
    note(
        f"trained bundle {bundle.version} on {len(events):,} events in {seconds:.1f} s, "
        f"written to {out}"
    )
    if log is not None:
        show_log(log)
    rare = common_names(events, fewest_households)
    if rare.intents or rare.slots:
        note(
            f"not learned, because fewer than {fewest_households} households use them: "
            f"{rare.intents} intents, which will be unknown, and {rare.slots} slots"
        )
    thin = [str(each) for each in bundle.report.thin]
    for line in thin:
        note(f"thin calibration: {line}")
    show_costs(readiness)
    if not readiness.may_enforce:
        note(
            "this bundle is not ready to enforce, and worker, gateway and embedded hook refuse it: "
            "a rule without a model costs less; use it as --shadow-bundle, set "
            'enforcement = "shadow" in its policy, or train on more households'
        )
    if bundle.unclassified:
        note(
            f"no rule of the policy names {', '.join(bundle.unclassified[:_MAX_NAMED])}"
            f"{' and others' if len(bundle.unclassified) > _MAX_NAMED else ''}: each of their "
            "commands needs a confirmation; add them to a policy file and give it with --policy"
        )
    write_json(
        json,
        {
            "bundle": bundle.version,
            "events": len(events),
            "seconds": round(seconds, 2),
            "calibration": scores,
            "thin": thin,
            "cost_per_thousand": dict(readiness.overall),
            "may_enforce": readiness.may_enforce,
            "figures": dict(bundle.report.figures),
            "rare": {"intents": rare.intents, "slots": rare.slots},
            "log": log,
        },
    )


def _from_topic(
    config: Path | None,
    broker: str | None,
    as_of: Path | None,
    most_households: int,
    most_events: int,
    *,
    seed: int,
    progress: Progress,
) -> tuple[list[IntentEvent], FromLog]:
    """Read the training data from the log."""
    from streams.files.bundles import read_bundle
    from streams.lifecycle.training_log import read_training_log

    earlier = None if as_of is None else read_bundle(as_of).report.data.log
    if as_of is not None and earlier is None:
        raise UsageError(f"the bundle in {as_of} was not trained from the log")
    found = read_training_log(
        reachable_brokers(config, broker),
        most_households=most_households,
        most_events=most_events,
        seed=seed,
        as_of=None if earlier is None else earlier.offsets,
        progress=progress,
    )
    return found.events, found.log
