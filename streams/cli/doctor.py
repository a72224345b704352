"""``misfire doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Bundle, Config, Json
from streams.cli.output import table, write_json


def doctor(
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    page: Annotated[
        bool, typer.Option("--page", help="Send a test page and check that it arrives.")
    ] = False,
    json: Json = None,
) -> None:
    """Check each part of a running installation and say how to fix problems.

    Exit code 1 if something is wrong, 3 without a broker.
    """
    from streams.operations.doctor import examine
    from streams.settings import load

    findings = list(examine(load(config, broker=broker, bundle=bundle).settings, page=page))
    rows = [[finding.part, "ok" if finding.ok else "wrong", finding.text] for finding in findings]
    table("installation", ["part", "", "finding"], rows)
    ok = all(finding.ok for finding in findings)
    write_json(json, {"ok": ok, "findings": findings})
    if not ok:
        raise typer.Exit(1)
