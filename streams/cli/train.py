"""``misfire train``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from streams.cli.options import Jobs, Json, Misfires, Seed, Severity, Stream, mixture_of
from streams.cli.output import note, progress_report, write_json

#: Unclassified intents that are named.
_MOST_NAMED = 10


def train(
    stream: Stream,
    out: Annotated[
        Path,
        typer.Option(help="Directory to write the bundle to; a bundle that is there is replaced."),
    ],
    policy: Annotated[
        Path | None, typer.Option(help="Policy file; the packaged one where it is left out.")
    ] = None,
    kind: Misfires = None,
    severity: Severity = 0.5,
    fewest_households: Annotated[
        int,
        typer.Option(
            help="Names of intents and slots that fewer households use are not learned; 5 where there are thousands of them.",
            min=1,
        ),
    ] = 2,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Make a bundle from a stream of meant events: model, judge, calibration and policy."""
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
        bundle = fit(
            events,
            rules,
            mixture=mixture,
            fewest=fewest_households,
            seed=seed,
            progress=report,
            each=each,
        )
    seconds = perf_counter() - begun
    write_bundle(bundle, out)
    scores = {
        f"{risk}, {'new' if new else 'known'} household": len(found)
        for (risk, new), found in bundle.calibration.scores.items()
    }
    note(
        f"bundle {bundle.version} from {len(events):,} events in {seconds:.1f} s, written to {out}"
    )
    rare = common_names(events, fewest_households)
    if rare.intents or rare.slots:
        note(
            f"not learned, since fewer than {fewest_households} households use them: {rare.intents} intents, which will be unknown, "
            f"and {rare.slots} slots"
        )
    if bundle.unclassified:
        note(
            f"no rule of the policy names {', '.join(bundle.unclassified[:_MOST_NAMED])}"
            f"{' and others' if len(bundle.unclassified) > _MOST_NAMED else ''}: each is asked about whenever it is to be carried out; "
            "name them in a policy file, and give it with --policy"
        )
    write_json(
        json,
        {
            "bundle": bundle.version,
            "events": len(events),
            "seconds": round(seconds, 2),
            "calibration": scores,
            "rare": {"intents": rare.intents, "slots": rare.slots},
        },
    )
