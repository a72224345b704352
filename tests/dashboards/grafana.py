"""Validate dashboards with Grafana's own JSON Schema.

The npm packages of ``tests/grafana`` generate the schema from Grafana's types. The user's cache
keeps it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.tools import needed

__all__ = ["complaints"]

_PACKAGES = Path(__file__).parents[1] / "grafana"
_TYPES = "node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen.d.ts"
#: Fields of Prometheus annotations. Grafana's types lack them: they describe only the fields that
#: all data sources share, as a TODO there says.
_OF_PROMETHEUS = ("expr", "step", "titleFormat", "textFormat")


def complaints(dashboard: dict[str, Any]) -> list[str]:
    """Return the violations of Grafana's schema in a dashboard."""
    marks = [
        {name: value for name, value in mark.items() if name not in _OF_PROMETHEUS}
        for mark in dashboard["annotations"]["list"]
    ]
    known = dashboard | {"annotations": {"list": marks}}
    return [
        f"{list(error.instance_path)}: {error.message}" for error in _validator().iter_errors(known)
    ]


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(json.loads(_schema().read_text("utf-8")))


def _schema() -> Path:
    lock = hashlib.sha256((_PACKAGES / "package-lock.json").read_bytes()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME")
    kept = (
        (Path(base) if base else Path.home() / ".cache") / "misfire" / f"grafana-schema-{lock}.json"
    )
    if not kept.is_file():
        npm = needed("npm", "apt-get install nodejs npm")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="grafana.", dir=kept.parent) as draft:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(_PACKAGES / name, draft)
            _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], draft)
            generator = "node_modules/.bin/ts-json-schema-generator"
            _run(
                [
                    generator,
                    "--no-type-check",
                    "-p",
                    _TYPES,
                    "-t",
                    "Dashboard",
                    "-o",
                    "schema.json",
                ],
                draft,
            )
            with suppress(FileExistsError):  # another process was faster; the files are the same
                Path(draft, "schema.json").rename(kept)
    return kept


def _run(command: list[str], folder: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
