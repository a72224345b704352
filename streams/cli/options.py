"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import UsageError
from streams.wire.periods import seconds_of

if TYPE_CHECKING:
    from detector.simulation.misfires import Mixture
    from streams.kafka.connection import Brokers

__all__ = [
    "AllowUnready",
    "Broker",
    "Bundle",
    "By",
    "Config",
    "Embedded",
    "Jobs",
    "Json",
    "Misfires",
    "Plot",
    "Seed",
    "Severity",
    "Stream",
    "TrainedBundle",
    "mixture_of",
    "reachable_brokers",
    "seconds_of",
]

Config = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file with settings; default: ./misfire.toml if it exists."),
]
Broker = Annotated[
    str | None,
    typer.Option("--broker", help="Kafka brokers, HOST:PORT[,HOST:PORT…].", metavar="HOST:PORT"),
]
Embedded = Annotated[
    Path | None,
    typer.Option(
        "--embedded",
        help="Household file of an embedded hook, instead of a broker.",
        metavar="FILE",
        show_default=False,
    ),
]
By = Annotated[
    str | None,
    typer.Option("--by", help="Your name in the audit log; default: the login name."),
]
Bundle = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        help="Directory of the bundle; default: ./bundle if it exists, else the packaged starter "
        "bundle.",
    ),
]
AllowUnready = Annotated[
    bool | None,
    typer.Option(
        "--allow-unready",
        help="Let a bundle decide although its decisions cost more than a rule without a model.",
    ),
]
TrainedBundle = Annotated[
    Path | None, typer.Option("--bundle", help="Directory of the bundle; default: train one.")
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        help="Processes to use; their number does not change the result.",
        min=1,
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", help="Write the result as JSON to FILE, or - for standard output.", metavar="FILE"
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Write plots to this directory, as PNG and SVG.", metavar="DIR"),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Random seed; the same seed gives the same result.", min=0)
]
Stream = Annotated[
    Path,
    typer.Argument(
        help="Events as JSON lines, plain or .gz.", metavar="STREAM", show_default=False
    ),
]
Misfires = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND[=SHARE]",
        help="Kind of misfire to simulate, and its share relative to the others; can be repeated. "
        "'all' means every kind; default: the usual ones.",
    ),
]
Severity = Annotated[
    float,
    typer.Option(
        "--severity",
        help="How clearly simulated misfires differ from meant commands: at 0 they are heard as "
        "clearly.",
        min=0.0,
        max=1.0,
    ),
]


def mixture_of(kinds: list[str] | None, severity: float) -> Mixture:
    """Return the mixture of misfires for ``--kind`` and ``--severity``.

    Raises:
        UsageError: a share is not a number.
        InvalidValue: a kind is unknown, or all shares are zero.
    """
    from detector.simulation.misfires import ALL_KINDS, Mixture

    if not kinds:
        return Mixture(severity=severity)
    shares: dict[str, float] = {}
    for kind in kinds:
        name, _, share = kind.partition("=")
        try:
            shares |= dict.fromkeys(ALL_KINDS if name == "all" else [name], float(share or 1.0))
        except ValueError:
            raise UsageError(
                f"--kind {kind}: the share {share!r} is not a number; write for example "
                f"--kind {name}=2"
            ) from None
    return Mixture(shares, severity)


def reachable_brokers(config: Path | None, broker: str | None) -> Brokers:
    """Return the brokers after checking that one answers.

    Raises:
        UsageError: the settings are invalid.
        DependencyUnavailable: no broker answers, or it rejects the credentials.
    """
    from streams.kafka.connection import brokers_of
    from streams.kafka.topics import admin
    from streams.settings import load

    brokers = brokers_of(load(config, broker=broker).settings)
    admin(brokers).close()
    return brokers
