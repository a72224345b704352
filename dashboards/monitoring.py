"""The files that Prometheus, Alertmanager and Grafana start with, written from code by ``misfire dashboards build``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dashboards.alertmanager import alertmanager
from dashboards.config import Config
from dashboards.grafana import dashboard_providers, data_sources
from dashboards.prometheus import prometheus
from dashboards.rules import rules
from streams.files.atomic import write_whole

__all__ = ["GENERATED", "monitoring_files", "write_monitoring"]

GENERATED = Path(__file__).parent / "generated"
_HEAD = (
    "# Written by 'misfire dashboards build' from the code in dashboards/; do not edit it here.\n"
)


def monitoring_files(config: Config) -> dict[str, str]:
    """Return each file's name and text."""
    contents = {
        "rules.yaml": rules(config),
        "prometheus.yaml": prometheus(config),
        "alertmanager.yaml": alertmanager(config),
        "grafana/datasources/misfire.yaml": data_sources(),
        "grafana/dashboards/misfire.yaml": dashboard_providers(),
    }
    return {name: _HEAD + _text(content) for name, content in contents.items()}


def write_monitoring(folder: Path = GENERATED, config: Config | None = None) -> None:
    """Write the files."""
    for name, text in monitoring_files(config or Config()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())


class _Dumper(yaml.SafeDumper):
    """Writes an expression of several lines as it stands."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _string)


def _text(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)
