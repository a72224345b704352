"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Broker", "Bundle", "Config", "Json", "Seed", "Stream"]

Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings; ./misfire.toml where it is there.")
]
Broker = Annotated[
    str | None, typer.Option("--broker", help="Kafka brokers, HOST:PORT[,HOST:PORT…].", metavar="HOST:PORT")
]
Bundle = Annotated[Path | None, typer.Option("--bundle", help="Directory of the bundle that decides.")]
Json = Annotated[
    str | None,
    typer.Option("--json", help="Write the result as JSON to FILE; - is standard output.", metavar="FILE"),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result.", min=0)]
Stream = Annotated[
    Path, typer.Argument(help="Events as JSON lines, plain or .gz.", metavar="STREAM", show_default=False)
]
