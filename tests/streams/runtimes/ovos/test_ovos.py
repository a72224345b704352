"""Run the tests of the OVOS plugin inside a real OVOS, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.files.keyring import new_keyring, write_keyring
from streams.local.processes import free_port
from tests.environments import environment

HERE = Path(__file__).parent
ROOT = HERE.parents[3]


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
    xdg = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME")
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-x", "--noconftest", "--import-mode=importlib"),
            *("-c", os.devnull, "--rootdir", ROOT, "-p", "no:cacheprovider", "-W", "ignore"),
            HERE / "inside_ovos.py",
        ],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
            "GATEWAY_PORT": str(port),
            **dict.fromkeys(xdg, str(tmp_path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


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
