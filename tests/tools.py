"""Find the programs that tests need: on the PATH, or in a Debian package.

If a program is missing, the test is skipped with the reason. With ``CI=true`` it fails instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

__all__ = ["amtool", "debian", "needed", "promtool"]


def needed(program: str, advice: str) -> str:
    """Return the path of a program on the PATH; otherwise skip the test, or fail it in CI."""
    return shutil.which(program) or _skip_or_fail(f"{program} is not on the PATH: {advice}")


def debian(package: str, program: str) -> str:
    """Return the path of a program from a Debian package.

    If it is not installed, unpack the package into the user's cache. That starts no service and
    needs no root.
    """
    # Debian keeps servers in a folder that is not on the PATH of other users than root.
    return (
        shutil.which(program)
        or shutil.which(program, path="/usr/sbin")
        or _unpacked(package, program)
        or _skip_or_fail(f"{program} is not installed: apt-get install {package}")
    )


def promtool(*arguments: str) -> str:
    """Run promtool and return its output; it must succeed."""
    return _output([debian("prometheus", "promtool"), *arguments])


def amtool(*arguments: str) -> str:
    """Run amtool and return its output; it must succeed."""
    return _output([debian("prometheus-alertmanager", "amtool"), *arguments])


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def _unpacked(package: str, program: str) -> str | None:
    base = os.environ.get("XDG_CACHE_HOME")
    kept = (Path(base) if base else Path.home() / ".cache") / "misfire" / "debian" / package
    found = kept / "usr" / "bin" / program
    if not kept.is_dir() and shutil.which("apt-get") and shutil.which("dpkg"):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{package}.", dir=kept.parent) as draft:
            fetched = subprocess.run(
                ["apt-get", "download", package], cwd=draft, capture_output=True, check=False
            )
            for archive in Path(draft).glob("*.deb") if fetched.returncode == 0 else ():
                subprocess.run(["dpkg", "-x", str(archive), f"{draft}/root"], check=True)
                with suppress(OSError):  # another process was faster; the files are the same
                    Path(draft, "root").rename(kept)
    return str(found) if found.is_file() else None


def _skip_or_fail(sentence: str) -> str:
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
