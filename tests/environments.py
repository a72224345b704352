"""Virtual environments for tests of software that clashes with this project's own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

__all__ = ["ROOT", "environment", "run_tests"]

ROOT = Path(__file__).parents[1]


def environment(name: str, lock: Path) -> str:
    """Return the Python of an environment with the packages of a lock.

    It is made once, in the user's cache, for each lock and version of Python.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    kept = (Path(base) if base else Path.home() / ".cache") / "misfire" / "environments"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = kept / f"{name}-{digest}"
    python = place / "bin" / "python"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / f"{place.name}.lock"):
        if not (place / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
            install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            subprocess.run(
                [python, *install, "--no-deps", "--require-hashes", "--requirement", lock],
                check=True,
            )
            (place / "complete").touch()
    return str(python)


def run_tests(python: str, file: Path, folder: Path, **variables: str) -> None:
    """Run a file of tests with an environment's Python; all of them must pass.

    ``folder`` is the working directory, the home and a folder of modules and metadata.
    """
    xdg = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME")
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-x", "--noconftest", "--import-mode=importlib"),
            *("-c", os.devnull, "--rootdir", ROOT, "-p", "no:cacheprovider", "-W", "ignore"),
            file,
        ],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            **dict.fromkeys(xdg, str(folder)),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
