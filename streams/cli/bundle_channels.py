"""``misfire bundle promote``, ``rollback`` and ``channels``."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Broker, Config, Json
from streams.cli.output import note, progress_report, table, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.decision.carrying import Meaning
    from streams.lifecycle.channel_changes import Reason
    from streams.wire.announcements import Announcement

__all__ = ["channels", "promote", "rollback", "show_meaning"]

#: How many names a sentence lists.
_NAMED = 10

Channel = Annotated[
    str, typer.Option(help="active, or shadow- and a name: a bundle that only compares.")
]
Why = Annotated[str, typer.Option(help="The reason, which is kept with the announcement.")]
By = Annotated[str | None, typer.Option(help="Who announces it; default: the user's name.")]


def promote(
    directory: Annotated[
        Path, typer.Argument(help="Directory of the bundle.", metavar="DIR", show_default=False)
    ],
    channel: Channel = "active",
    canary: Annotated[
        str, typer.Option(help="Share of households that it decides for, such as 5%.")
    ] = "100%",
    force: Annotated[
        bool, typer.Option("--force", help="Promote it although a gate fails; needs --why.")
    ] = False,
    why: Why = "",
    by: By = None,
    location: Annotated[
        Path | None,
        typer.Option(help="The directory as workers and gateways see it; default: DIR."),
    ] = None,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Announce a bundle to all workers and gateways, which take it without a restart.

    Exit code 1 if a gate refuses it: data, calibration, cost, budget, drift, golden or workers.
    """
    from streams.lifecycle.promotion import promote as announced
    from streams.settings import load

    settings = load(config, broker=broker).settings
    with progress_report() as report:
        found = announced(
            settings,
            directory,
            _reason(by, why),
            channel=channel,
            canary=_share(canary),
            force=force,
            location=location,
            progress=report,
        )
    for gate in found.gates:
        said = {True: "passed", False: "FAILED", None: "not checked"}[gate.passed]
        note(f"gate {gate.name} {said}: {gate.text}")
    done = found.announcement
    if done is None:
        names = ", ".join(each.name for each in found.failed)
        note(f"not promoted: {names}; --force --why REASON overrides and is recorded")
    else:
        note(f"promoted on {channel}: {_described(done)}")
    write_json(json, {"promoted": done is not None, "gates": found.gates, "announcement": done})
    if done is None:
        raise typer.Exit(1)


def rollback(
    why: Why = "",
    channel: Channel = "active",
    by: By = None,
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Return to the bundle before, within seconds; withdraw a shadow channel. Needs --why."""
    from streams.lifecycle.rollback import roll_back
    from streams.settings import load

    done = roll_back(load(config, broker=broker).settings, _reason(by, why), channel=channel)
    note(f"withdrew {channel}" if done is None else f"rolled back on {channel}: {_described(done)}")
    write_json(json, {"channel": channel, "announcement": done})


def channels(config: Config = None, broker: Broker = None, json: Json = None) -> None:
    """List the channels with their announcements: bundle, canary, who, why and since when."""
    from streams.lifecycle.promotion import channels as listed
    from streams.settings import load

    found = listed(load(config, broker=broker).settings)
    rows = [
        [
            channel.channel if each is channel.latest else "",
            str(each.number),
            _version(each),
            f"{each.canary:.4g}" if each.canary < 1.0 else "all",
            each.who,
            each.why + (f" (forced: {', '.join(each.forced)})" if each.forced else ""),
            each.time.isoformat() + ("" if each.since is not None else ", unfinished"),
        ]
        for channel in found
        for each in reversed(channel.announcements)
    ]
    columns = ["channel", "number", "bundle", "households", "by", "why", "since"]
    table("channels of misfire.bundles; the first line of each holds", columns, rows)
    write_json(json, {"channels": found})


def show_meaning(meaning: Meaning) -> None:
    """Print what becomes of the households' states when a bundle replaces another."""
    note("habits, outcomes and open questions are kept")
    if meaning.kept:
        note("open conversations are kept: both bundles have the same sequence model")
    else:
        note("open conversations are rebuilt from their stored turns, in the new bundle's terms")
    for text, names in (
        ("no longer known", [", ".join(each) for each in meaning.lost]),
        ("newly known", [", ".join(each) for each in meaning.learned]),
        ("in another risk class", list(meaning.reclassified)),
    ):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            note(f"{len(names)} {text}: {'; '.join(names[:_NAMED])}{more}")


def _reason(by: str | None, why: str) -> Reason:
    from streams.lifecycle.channel_changes import Reason

    return Reason(by or getpass.getuser(), why)


def _share(text: str) -> float:
    number = text.strip().removesuffix("%")
    try:
        share = float(number)
    except ValueError:
        raise UsageError(f"--canary {text}: write a share such as 5% or 0.05") from None
    return share / 100.0 if text.strip().endswith("%") else share


def _version(each: Announcement) -> str:
    return "each process's own" if each.bundle is None else each.bundle.version


def _described(done: Announcement) -> str:
    covered = "all households" if done.canary >= 1.0 else f"{done.canary:.4g} of the households"
    return f"announcement {done.number}, bundle {_version(done)}, for {covered}"
