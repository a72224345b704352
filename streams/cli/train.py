"""``misfire train``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from streams.cli.options import Jobs, Json, Misfires, Seed, Severity, Stream, mixture_of
from streams.cli.output import note, progress_report, write_json
from streams.cli.training_report import show_costs

#: How many unclassified intents the output names.
_MAX_NAMED = 10


def train(
    stream: Stream,
    out: Annotated[
        Path,
        typer.Option(help="Directory for the bundle; an existing bundle is replaced."),
    ],
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
    ] = "not stated",
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Train a bundle (model, judge, calibration and policy) on a stream of meant events.

    The same stream and seed give the same files.
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
    events = read_events(stream)
    begun = perf_counter()
    with progress_report() as report, processes(jobs) as each:
        trained = fit(
            events,
            rules,
            mixture=mixture,
            fewest=fewest_households,
            seed=seed,
            source=source,
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
        },
    )
