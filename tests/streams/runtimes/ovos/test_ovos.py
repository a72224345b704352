"""Run the tests of the OVOS plugin inside a real OVOS, in an environment of its own."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.files.keyring import new_keyring, write_keyring
from streams.local.processes import free_port
from tests.environments import ROOT, environment, run_tests

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(600)  # the first run installs OVOS
def test_the_plugin_keeps_its_promises_inside_ovos(tmp_path: Path) -> None:
    python = environment("ovos", HERE / "requirements.lock")
    keyring, port = tmp_path / "home.keys.json", free_port()
    write_keyring(keyring, new_keyring("home", datetime.now(UTC)))
    settings = {
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
                "url": f"http://127.0.0.1:{port}",
                "keyring": str(keyring),
                "deadline_ms": 10_000,
            }
        },
    }
    configuration = tmp_path / "mycroft" / "mycroft.conf"
    configuration.parent.mkdir()
    configuration.write_text(json.dumps(settings))
    _write_entry_points(tmp_path)

    run_tests(python, HERE / "inside_ovos.py", tmp_path, GATEWAY_PORT=str(port))


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
