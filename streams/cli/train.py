"""``misfire train``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Jobs, Json, Misfires, Seed, Severity, Stream, mixture_of
from streams.cli.output import note, progress_report, table, write_json

if TYPE_CHECKING:
    from detector.training.readiness import Readiness

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
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Train a bundle (model, judge, calibration and policy) on a stream of meant events."""
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
            progress=report,
            each=each,
        )
    seconds = perf_counter() - begun
    bundle, readiness = trained.bundle, trained.readiness()
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
    budgets = {risk: costs.budget for risk, costs in rules.classes.items()}
    thin = [str(each) for each in bundle.calibration.thin(budgets)]
    for line in thin:
        note(f"thin calibration: {line}")
    _show_costs(readiness)
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
            "rare": {"intents": rare.intents, "slots": rare.slots},
        },
    )


def _show_costs(readiness: Readiness) -> None:
    """Print what the decisions would cost, and whether the bundle may enforce them."""
    rows = [
        [name, *(f"{costs[way]:.1f}" for way in readiness.overall)]
        for name, costs in [("all", readiness.overall), *readiness.by_class.items()]
    ]
    table(
        "cost per 1,000 commands at the base rate, in the policy's units,\n"
        "on simulated misfires in households that the judge has not seen",
        ["risk class", *readiness.overall],
        rows,
    )
    if not readiness.may_enforce:
        note(
            "this bundle is not ready to enforce: a rule without a model costs less; set "
            'enforcement = "shadow" in its policy, or train on more households'
        )
