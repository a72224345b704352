"""``misfire runtimes``: connect assistant runtimes to misfire, and check the connection."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Connect an assistant runtime to misfire, and check that it obeys decisions.",
    no_args_is_help=True,
)


@app.callback()
def runtimes() -> None:
    """Connect an assistant runtime to misfire, and check that it obeys decisions."""
