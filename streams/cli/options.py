"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import UsageError

if TYPE_CHECKING:
    from streams.kafka.connection import Brokers

if TYPE_CHECKING:
    from detector.simulation.misfires import Mixture

__all__ = [
    "Broker",
    "Bundle",
    "Config",
    "Jobs",
    "Json",
    "Misfires",
    "Plot",
    "Seed",
    "Severity",
    "Stream",
    "mixture_of",
    "reached",
]

Config = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file with settings; ./misfire.toml where it is there."),
]
Broker = Annotated[
    str | None,
    typer.Option("--broker", help="Kafka brokers, HOST:PORT[,HOST:PORT…].", metavar="HOST:PORT"),
]
Bundle = Annotated[
    Path | None, typer.Option("--bundle", help="Directory of the bundle that decides.")
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        help="Processes that share the work; the result is the same whatever their number.",
        min=1,
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", help="Write the result as JSON to FILE; - is standard output.", metavar="FILE"
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot", help="Draw pictures into this directory, as PNG and SVG.", metavar="DIR"
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result.", min=0)]
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
        help="A kind of misfire to simulate, and how often beside the others; can be repeated. 'all' is each; the usual ones if left out.",
    ),
]
Severity = Annotated[
    float,
    typer.Option(
        "--severity",
        help="How far simulated misfires are from what is meant: at 0 they are heard as clearly, 0.5 is usual.",
        min=0.0,
        max=1.0,
    ),
]


def mixture_of(kinds: list[str] | None, severity: float) -> Mixture:
    """Return the mixture that ``--kind`` and ``--severity`` ask for.

    Raises:
        UsageError: a share is no number.
        InvalidValue: a kind is not known, or all shares are zero.
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
                f"--kind {kind}: the share {share!r} is no number; give --kind {name}=2"
            ) from None
    return Mixture(shares, severity)


def reached(config: Path | None, broker: str | None) -> Brokers:
    """Return the brokers, once one has answered.

    Raises:
        UsageError: the settings cannot be used.
        DependencyUnavailable: no broker answers, or none lets us in.
    """
    from streams.kafka.connection import brokers_of
    from streams.kafka.topics import admin
    from streams.settings import load

    brokers = brokers_of(load(config, broker=broker).settings)
    admin(brokers).close()
    return brokers
