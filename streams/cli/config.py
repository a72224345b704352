"""``misfire config``: shows settings and limits."""

from __future__ import annotations

import typer

from streams.cli.options import Config, Json
from streams.cli.output import table, write_json

app = typer.Typer(help="Show settings and limits.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show settings and limits."""


@app.command()
def limits(json: Json = None) -> None:
    """Show every limit on input, and what happens beyond it."""
    from streams.operations.limits_table import LIMITS

    rows = [[limit.what, f"{limit.most:,}", limit.unit, limit.beyond] for limit in LIMITS]
    table("limits", ["limit on", "at most", "unit", "beyond it"], rows)
    write_json(json, LIMITS)


@app.command()
def show(config: Config = None, json: Json = None) -> None:
    """Show every setting, its value, the source of the value, and its meaning."""
    from streams.settings import Settings, load
    from streams.wire.redaction import redacted

    loaded = load(config)
    values = {
        name: redacted(value) if isinstance(value, str) else value
        for name, value in loaded.settings.model_dump(mode="json").items()
    }
    rows = [
        [name, str(values[name]), loaded.sources[name], field.description or ""]
        for name, field in Settings.model_fields.items()
    ]
    table(
        "settings by TOML name (environment variable: MISFIRE_ and the name in capitals)",
        ["setting", "value", "from", "meaning"],
        rows,
    )
    write_json(
        json, {name: {"value": values[name], "from": loaded.sources[name]} for name in values}
    )
