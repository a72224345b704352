"""The files that make ovos-core load the plugin: its configuration and its entry points."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.files.keyring import new_keyring, write_keyring
from streams.local.processes import free_port

__all__ = ["configure"]

ROOT = Path(__file__).parents[4]


def configure(folder: Path, gateway_port: int, **settings: Any) -> None:
    """Write the files to a folder, which is ``XDG_CONFIG_HOME`` and a place of modules.

    Args:
        folder: an existing folder.
        gateway_port: the port on loopback of the gateway that the plugin asks.
        settings: more settings of the plugin.
    """
    keyring = folder / "home.keys.json"
    write_keyring(keyring, new_keyring("home", datetime.now(UTC)))
    configuration = {
        "lang": "en-US",
        "websocket": {"host": "127.0.0.1", "port": free_port(), "route": "/core", "ssl": False},
        "intents": {
            "pipeline": [
                "ovos-converse-pipeline-plugin",
                "ovos-padacioso-pipeline-plugin-high",
                "ovos-padacioso-pipeline-plugin-medium",
            ]
        },
        "metadata_transformers": {"misfire-source": {}},
        "intent_transformers": {
            "misfire-guard": {
                "url": f"http://127.0.0.1:{gateway_port}",
                "keyring": str(keyring),
                "deadline_ms": 10_000,
            }
            | settings
        },
    }
    file = folder / "mycroft" / "mycroft.conf"
    file.parent.mkdir()
    file.write_text(json.dumps(configuration))
    _write_entry_points(folder)


def _write_entry_points(folder: Path) -> None:
    """Write the metadata of an installed distribution: ovos-core finds plugins in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / "misfire_detector-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: misfire-detector\nVersion: 0\n")
    lines = []
    for group, names in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in names.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
