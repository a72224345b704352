"""Runs the tests of ``home_assistant/`` inside a real Home Assistant.

Home Assistant and misfire pin the same packages in different versions, so Home Assistant gets an
environment of its own in the user's cache. The locked version is the last one for Python 3.11;
``home_assistant/README.md`` says how to run the newest one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from detector.evaluation.scenarios.month import month
from streams.files.events import write_events, write_labels
from streams.files.policy import read_policy
from streams.files.starter import STARTER, read_deciding
from streams.local.embedded_broker import EmbeddedBroker
from streams.runtimes.days import differences, evaluated, read_played
from streams.runtimes.home_assistant.install import install
from streams.serving.access.token_file import Scope, change_access, new_token, with_token
from tests.detector.builders import CONFIRMATION_KEY
from tests.integration.test_gateway import gateway
from tests.integration.worker import Worker, prepare

TESTS = Path(__file__).parent / "home_assistant"
LOCK = TESTS / "requirements.lock"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_inside_a_real_home_assistant(tmp_path: Path) -> None:
    with _gateway(tmp_path) as environment:
        _run(tmp_path / "config", TESTS, **environment)


@contextmanager
def _gateway(folder: Path) -> Iterator[dict[str, str]]:
    """Run a worker and a gateway that wants a token; yield what the tests need to reach them."""
    token, kept = new_token("home", frozenset({Scope.DECIDE, Scope.CONFIRM}), 100)
    access = folder / "access.json"
    change_access(access, lambda found: with_token(found, kept, "h1"), made_here=True)
    # Few of the tests ask them, so they fetch less often.
    rarely = {"MISFIRE_FETCH_MAX_WAIT": "0.2"}
    log, variables = folder / "gateway.log", {"MISFIRE_ACCESS_FILE": str(access)} | rarely
    with EmbeddedBroker() as broker:
        prepare(broker)
        with (
            Worker(broker, STARTER, folder / "worker.log", **rarely) as worker,
            gateway(broker.bootstrap, STARTER, log, wait=True, **variables) as url,
        ):
            worker.wait_ready()
            yield {
                "MISFIRE_TEST_URL": url,
                "MISFIRE_TEST_TOKEN": token,
                "MISFIRE_TEST_KEY": CONFIRMATION_KEY.decode(),
            }


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_month_is_decided_as_the_evaluation_does(tmp_path: Path) -> None:
    found = month(
        "home_assistant_by_device_class", homes=1, seed=4, is_risky=read_policy(None).is_harmful
    )
    files = {name: tmp_path / f"{name}.jsonl" for name in ("month", "labels", "played")}
    write_events(files["month"], found.events)
    write_labels(files["labels"], ((event, kind, event) for event, kind in found.phantoms.items()))

    _run(
        tmp_path / "config",
        TESTS / "days.py",
        **{f"MISFIRE_{name.upper()}": str(file) for name, file in files.items()},
    )

    played = read_played(files["played"])
    assert len(played) == len(found.events)
    different = differences(played, evaluated(played, read_deciding(None)))
    assert len(different) <= 0.005 * len(played), different


def _run(config: Path, tests: Path, **environment: str) -> None:
    """Install the integration into a new configuration directory, and run tests inside."""
    python = _environment()
    config.mkdir(exist_ok=True)
    (config / "configuration.yaml").write_text("")
    install(config)
    (config / "custom_components" / "__init__.py").touch()
    plain = _plain() | {"PYTHONPATH": str(config), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-m", "pytest", "-c", TESTS / "pytest.ini", "--rootdir", TESTS,
         "--confcutdir", TESTS, tests],
        cwd=config,
        env=plain | environment,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def _environment() -> Path:
    """Return the Python of the environment, made at the first run and kept in the cache."""
    python = shutil.which("python3.11")
    if python is None:
        pytest.skip("python3.11 is not on the PATH; the locked Home Assistant needs it")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "misfire"
    name = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    kept = base / "home-assistant" / name
    kept.mkdir(parents=True, exist_ok=True)
    complete = kept / "complete"
    with FileLock(kept / "lock"):
        if not complete.exists():
            subprocess.run([python, "-m", "venv", "--clear", kept / "venv"], check=True)
            subprocess.run(
                [kept / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-deps",
                 "--disable-pip-version-check", "--require-hashes", "--requirement", LOCK],
                check=True,
            )  # fmt: skip
            complete.touch()
    return kept / "venv" / "bin" / "python"


def _plain() -> dict[str, str]:
    """Return the environment without this process's own virtual environment and test plug-ins."""
    own = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {name: value for name, value in kept.items() if not name.startswith("PYTEST_XDIST")} | {
        "PATH": os.pathsep.join(
            each
            for each in os.environ.get("PATH", "").split(os.pathsep)
            if each != str(Path(sys.executable).parent)
        )
    }
