"""``misfire dashboards build`` and ``misfire dashboards preview``.

``streams`` does not import this package. The command line finds it through the entry point group
``misfire.commands``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.addresses import check_address
from streams.cli.options import Json
from streams.cli.output import note, write_json
from streams.errors import DependencyUnavailable
from streams.files.atomic import write_whole
from streams.wire.addresses import HTTP

__all__ = ["app"]

app = typer.Typer(help="Write and preview Grafana's dashboards.", no_args_is_help=True)


@app.command()
def build(
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the files; by default dashboards/generated."),
    ] = None,
    runbook: Annotated[
        str | None,
        typer.Option(help="URL of the published runbook.md, for the links of alerts and panels."),
    ] = None,
    json: Json = None,
) -> None:
    """Write the files of Prometheus, Alertmanager and Grafana; without --out also metrics.md."""
    from dashboards.config import Config

    try:
        from dashboards.build import dashboard_files
        from dashboards.monitoring import GENERATED, monitoring_files
    except ModuleNotFoundError as error:
        raise DependencyUnavailable(
            f"{error.name} is not installed; run 'make lint' to install it into .venv"
        ) from error
    from dashboards.document import metrics_page

    config = Config(runbook=runbook) if runbook else Config()
    folder = out or GENERATED
    files = {
        folder / name: text
        for name, text in (monitoring_files(config) | dashboard_files(config)).items()
    }
    if out is None:
        files[GENERATED.parent / "metrics.md"] = metrics_page()
    for path, text in files.items():
        _write(path, text)
    note(f"Wrote {len(files)} files to {folder}.")
    write_json(json, {"folder": str(folder), "files": sorted(str(path) for path in files)})


@app.command()
def preview(
    prometheus: Annotated[
        str, typer.Option(help="Address of Prometheus.")
    ] = "http://127.0.0.1:9090",
    out: Annotated[Path, typer.Option(help="File for the page.")] = Path("dashboards.html"),
    minutes: Annotated[float, typer.Option(help="How far to look back.", min=0.5)] = 60.0,
    json: Json = None,
) -> None:
    """Draw every panel as one HTML page from Prometheus, without Grafana."""
    check_address("--prometheus", prometheus, HTTP)
    from dashboards.ask import Prometheus
    from dashboards.preview import draw

    page, empty = draw(Prometheus(prometheus), seconds=60 * minutes)
    _write(out, page)
    note(
        f"Wrote {out}; {len(empty)} panels have no data." + "".join(f"\n  {name}" for name in empty)
    )
    write_json(json, {"page": str(out), "empty": empty})


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise DependencyUnavailable(f"cannot write {path}: {error.strerror or error}") from error
