from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from streams.errors import UsageError
from streams.runtimes.home_assistant.install import INTEGRATION, install, pack

#: Decides with the installed copy, and prints which packages it came from and what was loaded.
_DECIDE = """
import sys
from datetime import UTC, datetime
from streams.hook import Act, EmbeddedHook, IntentEvent
from streams.runtimes import Gate, Heard
import streams
with EmbeddedHook(sys.argv[1], deadline_ms=20_000) as hook:
    ruling = Gate(hook).check(Heard(intent="light.HassTurnOn"))
print(streams.__file__)
print(ruling.action, ruling.decision.rung)
unwanted = ("aiohttp", "fastapi", "faust", "hmmlearn", "kafka", "prometheus_client",
            "scipy", "sklearn", "typer")
print([name for name in unwanted if name in sys.modules])
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "configuration.yaml").touch()
    return tmp_path


def test_the_installed_copy_decides_without_the_packages_of_services(config: Path) -> None:
    target = install(config)

    done = subprocess.run(
        [sys.executable, "-c", _DECIDE, str(config / "home.sqlite")],
        cwd=target / "packages",
        capture_output=True,
        text=True,
        check=True,
    )

    where, decided, unwanted = done.stdout.splitlines()
    assert Path(where) == target / "packages" / "streams" / "__init__.py"
    assert decided == "run worker"
    assert unwanted == "[]"


def test_an_upgrade_leaves_no_file_of_the_old_version(config: Path) -> None:
    stale = install(config) / "stale.py"
    stale.touch()

    install(config)

    assert not stale.exists()
    assert [each.name for each in (config / "custom_components").iterdir()] == ["misfire"]


def test_the_blueprint_is_installed(config: Path) -> None:
    install(config)

    assert (config / "blueprints" / "automation" / "misfire" / "ask_on_phone.yaml").is_file()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no configuration\.yaml"):
        install(tmp_path)


def test_the_archive_names_the_repository_that_publishes_it(tmp_path: Path) -> None:
    pack(tmp_path / "misfire.zip", "https://github.com/anna/misfire")

    with zipfile.ZipFile(tmp_path / "misfire.zip") as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest == json.loads((INTEGRATION / "manifest.json").read_text()) | {
        "documentation": "https://github.com/anna/misfire",
        "issue_tracker": "https://github.com/anna/misfire/issues",
        "codeowners": ["@anna"],
    }
    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]
    assert "packages/streams/hook/__init__.py" in names


@pytest.mark.parametrize("address", ["", "https://misfire.example/misfire", "github.com/a/b"])
def test_another_address_is_no_repository(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match=r"write https://github\.com/OWNER/NAME"):
        pack(tmp_path / "misfire.zip", address)
