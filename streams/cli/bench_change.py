"""``misfire bench change``: measures households that change, and attacks on what is learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Jobs, Json, Plot, Seed, TrainedBundle
from streams.cli.output import note, progress_report, table, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.contracts.events import IntentEvent
    from detector.decision.bundle import Bundle as Judge
    from detector.evaluation.scenarios.adaptation import Adaptation
    from detector.evaluation.scenarios.poisoning import Flood
    from detector.policy.policy import Policy
    from detector.progress import Progress
    from detector.training.train import Trained

__all__ = ["change"]

#: Households and days of the simulated streams, if none is given: to train on, and to change.
_TRAINED_ON, _CHANGED = (90, 30), (60, 40)


def change(
    stream: Annotated[
        Path | None,
        typer.Argument(help="Stream of households; default: simulated ones.", metavar="[STREAM]"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labels of its misfires, which are left out.")
    ] = None,
    bundle: TrainedBundle = None,
    plot: Plot = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Count the sessions until a changed household is back within budget, and try to poison it.

    Half-way through its sessions, every household changes in a meant way: a new device with new
    commands, a guest for a week, or a baby with its night hours. Then every household is attacked
    after each session with a command that is unusual for it, and denies it. Finally it is flooded
    with such a command that is accepted each time, as a third-party skill could do. Without
    --bundle, a bundle is trained on other households: simulated ones, or every second one of the
    stream.

    Exit code 1 if a change stays out of budget or the attack is learned.
    """
    from detector.evaluation.scenarios.adaptation import adaptation
    from detector.evaluation.scenarios.poisoning import floods
    from detector.training.train import train
    from streams.cli.parallel import processes
    from streams.cli.plots import draw_adaptation, open_canvas

    if labels is not None and stream is None:
        raise UsageError("--labels needs a STREAM; give both or neither")
    canvas = open_canvas(plot) if plot else None
    with progress_report() as report, processes(jobs) as each:
        trained, events = _material(
            stream,
            labels,
            bundle,
            partial(train, seed=seed, progress=report, each=each),
            seed=seed,
            report=report,
        )
        found = adaptation(events, trained, seed=seed, progress=report)
        flooded = floods(events, trained, seed=seed, progress=report)
    _show(found)
    _show_floods(flooded)
    if canvas:
        draw_adaptation(canvas, found)
        note(f"wrote {len(canvas.written) // 2} plots as PNG and SVG to {canvas.directory}")
    write_json(
        json,
        {
            "bundle": trained.version,
            **asdict(found),
            "floods": [asdict(flood) for flood in flooded],
        },
    )
    if found.learned or any(recovery.sessions is None for recovery in found.recoveries):
        raise typer.Exit(1)


def _material(
    stream: Path | None,
    labels: Path | None,
    bundle: Path | None,
    train: Callable[[list[IntentEvent], Policy], Trained],
    *,
    seed: int,
    report: Progress,
) -> tuple[Judge, list[IntentEvent]]:
    """Return a bundle, and events of households that it was not trained on."""
    from detector.simulation.households import simulate
    from streams.files.bundles import read_bundle
    from streams.files.events import read_meant
    from streams.files.policy import read_policy

    if stream is None:
        households, days = _CHANGED
        events = simulate(households, days, seed=seed, first=_TRAINED_ON[0], progress=report).events
        others = [] if bundle else simulate(*_TRAINED_ON, seed=seed).events
    else:
        events = read_meant(stream, labels)
        second = set(list(dict.fromkeys(event.household_id for event in events))[1::2])
        others = [event for event in events if event.household_id in second]
        events = (
            events if bundle else [event for event in events if event.household_id not in second]
        )
    chosen = read_bundle(bundle) if bundle else train(others, read_policy(None)).bundle
    return chosen, events


def _show(found: Adaptation) -> None:
    table(
        f"{found.households} households change; the budget is {found.budget:.2%} of meant commands",
        [
            "change",
            "back within budget",
            "sessions since the change",
            "commands",
            "interrupted",
            "within budget",
        ],
        [
            [
                recovery.change if place == 0 else "",
                _back(recovery.sessions) if place == 0 else "",
                f"{window.first} to {window.last}",
                f"{window.commands:,}",
                f"{window.interrupted:.2%}",
                "yes" if window.holds else "no",
            ]
            for recovery in found.recoveries
            for place, window in enumerate(recovery.windows)
        ],
    )
    table(
        f"an attack that is denied each time was {'LEARNED' if found.learned else 'not learned'}",
        [
            "attempt",
            "households",
            "stopped",
            "misfire probability",
            "stopped if confirmed",
            "misfire probability if confirmed",
        ],
        [
            [
                str(attempt.number),
                str(attempt.households),
                f"{attempt.stopped:.1%}",
                f"{attempt.probability:.2%}",
                f"{attempt.stopped_if_confirmed:.1%}",
                f"{attempt.probability_if_confirmed:.2%}",
            ]
            for attempt in found.attempts
        ],
    )


def _show_floods(floods: Sequence[Flood]) -> None:
    if not floods:
        note("no household was flooded: none has ten sessions and a domain that only others use")
        return
    table(
        "two days after a flood of one unusual command, accepted each time",
        ["accepted", "households", "stopped", "misfire probability", "own commands", "interrupted"],
        [
            [
                str(flood.accepted),
                str(flood.households),
                f"{flood.stopped:.1%}",
                f"{flood.probability:.2%}",
                f"{flood.commands:,}",
                f"{flood.interrupted:.2%}",
            ]
            for flood in floods
        ],
    )


def _back(sessions: int | None) -> str:
    if sessions is None:
        return "not within the stream"
    return f"after {sessions} sessions" if sessions else "never exceeded"
