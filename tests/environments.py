"""Virtual environments for tests of software that clashes with this project's own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

__all__ = ["environment"]


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
