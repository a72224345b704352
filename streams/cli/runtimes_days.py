"""``misfire runtimes month`` and ``days``: thirty simulated days inside a runtime."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Bundle, Json, Seed
from streams.cli.output import note, progress_report, table, write_json

if TYPE_CHECKING:
    from detector.evaluation.daily import Period
    from streams.runtimes.days import Asked

__all__ = ["days", "month"]

#: The goal for a home of twenty commands a day: questions about meant commands in a week.
_WEEK = 7.0


class Dialect(StrEnum):
    """The names under which a runtime reports commands."""

    HOME_ASSISTANT = "home_assistant_by_device_class"
    OVOS = "packaged"


def month(
    out: Annotated[Path, typer.Option(help="File to write the commands to, as a stream.")],
    labels: Annotated[Path, typer.Option(help="File for the labels of the phantoms.")],
    dialect: Annotated[
        Dialect, typer.Option(help="Names under which the runtime reports commands.")
    ] = Dialect.HOME_ASSISTANT,
    homes: Annotated[int, typer.Option(help="Number of homes.", min=1)] = 5,
    seed: Seed = 0,
) -> None:
    """Write thirty days of homes that give about twenty commands a day, with risky phantoms.

    A runtime plays them, and 'misfire runtimes days' reads what it decided.
    """
    from detector.evaluation.scenarios.month import month as simulated
    from streams.files.events import write_events, write_labels
    from streams.files.policy import read_policy

    is_risky = read_policy(None).is_harmful
    with progress_report() as report:
        found = simulated(dialect.value, homes=homes, seed=seed, is_risky=is_risky, progress=report)
    write_events(out, found.events)
    write_labels(labels, ((event, kind, event) for event, kind in found.phantoms.items()))
    note(
        f"wrote {len(found.events):,} commands of {homes} homes, including "
        f"{len(found.phantoms)} phantoms, to {out}"
    )


def days(
    played: Annotated[
        Path, typer.Argument(help="What a runtime decided, as JSON lines.", show_default=False)
    ],
    bundle: Bundle = None,
    json: Json = None,
) -> None:
    """Count what a runtime asked about and stopped, day by day.

    Also decide on the same events as 'misfire evaluate daily' does, and list the differences and
    the meant commands that were asked about.
    """
    from detector.evaluation.daily import summed
    from streams.files.starter import read_deciding
    from streams.runtimes import days as runtime

    found = runtime.read_played(played)
    judged = runtime.judged(found)
    homes = len({each.event.household_id for each in found})
    periods = summed(judged, range(1, max((each.day for each in judged), default=0) + 1)).periods
    decisions = runtime.evaluated(found, read_deciding(bundle))
    different = runtime.differences(found, decisions)
    interrupted = runtime.asked(found, decisions)
    table(
        f"{played.name}: {homes} homes that are new on day 1",
        ["days", "meant", "asked about", "a home and week", "risky phantoms", "stopped"],
        [_row(each, homes) for each in periods],
    )
    _show_asked(interrupted)
    note(
        f"'misfire evaluate daily' decides {len(different)} of {len(found):,} commands differently"
    )
    if different:
        pairs = Counter((each.in_runtime.value, each.evaluated.value) for each in different)
        table(
            "decided differently",
            ["in the runtime", "evaluated", "commands"],
            [[ran, evaluated, str(count)] for (ran, evaluated), count in sorted(pairs.items())],
        )
    write_json(
        json,
        {
            "homes": homes,
            "periods": [asdict(each) for each in periods],
            "different": len(different),
            "asked": [
                {
                    "intent": each.event.intent,
                    "day": each.day,
                    "hour": each.event.time.hour,
                    "given_before": each.given,
                    "reasons": list(each.reasons),
                }
                for each in interrupted
            ],
        },
    )


def _row(period: Period, homes: int) -> list[str]:
    meant, risky = period.meant, period.physical
    return [
        period.name,
        f"{meant.commands:,}",
        str(meant.interrupted),
        _weekly(period, homes),
        str(risky.commands),
        str(risky.interrupted),
    ]


def _weekly(period: Period, homes: int) -> str:
    """Return the questions of a home in one week of the period."""
    return f"{_WEEK * period.meant.interrupted / homes / period.days:.2f}" if period.days else "-"


def _show_asked(found: list[Asked]) -> None:
    """Print which meant commands were asked about, and why."""
    intents = Counter(each.event.intent for each in found)
    first = Counter(each.event.intent for each in found if each.given == 0)
    codes = {
        name: Counter(
            each.reasons[0] for each in found if each.event.intent == name and each.reasons
        )
        for name in intents
    }
    table(
        "meant commands that were asked about",
        ["intent", "asked", "of them the first", "strongest reasons"],
        [
            [
                name,
                str(count),
                str(first[name]),
                ", ".join(f"{code} {often}" for code, often in codes[name].most_common(3)),
            ]
            for name, count in intents.most_common()
        ],
    )
