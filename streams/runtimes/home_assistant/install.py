"""Copies the integration into a configuration directory, with the packages of misfire it imports.

Home Assistant pins its own dependencies, and so does misfire, in other versions. The copy therefore
contains the pure Python that decides, and its manifest requires only what that imports.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import detector
import streams
from streams.errors import UsageError

__all__ = ["INTEGRATION", "install", "pack"]

#: HACS installs from GitHub only.
_REPOSITORY = re.compile(r"https://github\.com/([A-Za-z0-9-]+)/[A-Za-z0-9._-]+")

INTEGRATION = Path(__file__).parent / "custom_components" / "misfire"
#: What an embedded hook and a gateway's client import.
_DETECTOR = (
    "__init__.py", "contracts", "decision", "evidence", "household", "judge", "policy",
    "population", "progress.py", "sequence",
)  # fmt: skip
_STREAMS = (
    "__init__.py", "embedded", "errors.py", "files", "gc_tuning.py", "hook", "runtimes", "wire",
)  # fmt: skip
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "alexa", "contract", "days", "home_assistant", "ovos", "rasa", "*.md"
)


def install(config: Path) -> Path:
    """Install or upgrade the integration and its blueprint; return the integration's folder.

    Args:
        config: Home Assistant's configuration directory.

    Raises:
        UsageError: it is not a configuration directory.
    """
    if not (config / "configuration.yaml").is_file():
        raise UsageError(
            f"{config} has no configuration.yaml; pass Home Assistant's configuration directory"
        )
    target = config / "custom_components" / "misfire"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".misfire-", dir=target.parent) as draft:
        _assemble(Path(draft) / "new")
        # The old version is complete until the new one is.
        if target.exists():
            target.rename(Path(draft) / "old")
        (Path(draft) / "new").rename(target)
    shutil.copytree(
        target / "blueprints" / "automation",
        config / "blueprints" / "automation" / "misfire",
        dirs_exist_ok=True,
    )
    return target


def pack(file: Path, repository: str) -> None:
    """Write the archive that HACS installs: the content of the integration's folder.

    Args:
        file: the archive.
        repository: the address of the GitHub repository that publishes it, for the manifest.

    Raises:
        UsageError: ``repository`` is not such an address.
    """
    if not (found := _REPOSITORY.fullmatch(repository)):
        raise UsageError(f"{repository!r} is no repository; write https://github.com/OWNER/NAME")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "misfire"
        _assemble(target)
        manifest = json.loads((target / "manifest.json").read_text("utf-8"))
        manifest |= {
            "documentation": repository,
            "issue_tracker": f"{repository}/issues",
            "codeowners": [f"@{found[1]}"],
        }
        # hassfest wants domain and name first, and the other keys sorted.
        order = sorted(manifest, key=lambda name: (name != "domain", name != "name", name))
        text = json.dumps({name: manifest[name] for name in order}, indent=2)
        (target / "manifest.json").write_text(f"{text}\n", "utf-8")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(target.rglob("*")):
                archive.write(path, path.relative_to(target))


def _assemble(target: Path) -> None:
    shutil.copytree(INTEGRATION, target, ignore=_LEFT_OUT)
    _copy(Path(next(iter(detector.__path__))), _DETECTOR, target / "packages" / "detector")
    _copy(Path(next(iter(streams.__path__))), _STREAMS, target / "packages" / "streams")


def _copy(package: Path, names: Iterable[str], target: Path) -> None:
    target.mkdir(parents=True)
    for name in names:
        if (package / name).is_dir():
            shutil.copytree(package / name, target / name, ignore=_LEFT_OUT)
        elif (package / name).is_file():
            shutil.copy2(package / name, target / name)
