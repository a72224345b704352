"""Run the demo like a user: on both brokers, interrupted, left running; nightly with five seeds.

One run trains its bundle, and the others use it. It trains on a third of the households, because
the whole population takes half a minute of CPU more; a nightly run trains on all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import misfire
from tests.conftest import OnceARun
from tests.integration.kafka import ApacheKafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MISFIRE = [sys.executable, "-m", "streams.cli", "demo"]
FEW = ("--households", "40")


def played(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    result = folder / "demo.json"
    run = subprocess.run(
        [*MISFIRE, *arguments, "--json", str(result)],
        capture_output=True,
        text=True,
        timeout=380,
        env=environment(folder),
        check=False,
    )
    assert result.is_file(), run.stderr[-3000:]
    return run.returncode, json.loads(result.read_text("utf-8")), run.stderr


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a demo.

    Its processes inherit TMPDIR, which identifies them later.
    """
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    return os.environ | {"TMPDIR": str(temporary), "COLUMNS": "100"}


def left_over(folder: Path) -> list[str]:
    """Return the processes and files that a demo with this folder has left."""
    files = [str(path) for path in (folder / "temporary").iterdir()]
    marker, found = f"TMPDIR={folder / 'temporary'}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return [*files, *found]


def check(code: int, result: dict[str, Any], said: str, *, exit_code: int = 0) -> None:
    problems = {
        story["name"]: story["problems"] for story in result["stories"] if story["problems"]
    }
    assert not problems, said[-6000:]
    assert (code, result["ok"]) == (exit_code, True), said[-3000:]
    counts = result["counts"]
    assert counts["sent"] == counts["decided"] > 500
    assert (counts["lost"], counts["doubled"], counts["dead_letters"]) == (0, 0, 0)
    verdicts = {story["name"]: story for story in result["stories"]}
    assert verdicts["Portland"]["executed"] is False
    assert verdicts["Every evening"]["verdict"] == "allow"
    assert verdicts["Misheard"]["executed"] is False
    assert verdicts["Rare but meant"]["executed"] is True
    assert verdicts["The worker is gone"]["rung"] in ("gateway", "policy")
    assert all(
        story["rung"] == "worker"
        for name, story in verdicts.items()
        if name != "The worker is gone"
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    demo = subprocess.Popen(
        [*MISFIRE, *arguments], stderr=subprocess.PIPE, text=True, env=environment(folder)
    )
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()


def wait_for(demo: subprocess.Popen[str], sentence: str) -> str:
    """Return what the demo said up to this sentence."""
    assert demo.stderr is not None
    said = []
    for line in demo.stderr:
        said.append(line)
        if sentence in line:
            return "".join(said)
    pytest.fail(f"the demo ended before it said {sentence!r}: {''.join(said[-20:])}")


@pytest.fixture(scope="module")
def first(once_a_run: OnceARun) -> Path:
    """Run the demo with ``--keep``, and end it with Ctrl-C."""

    def make(place: Path) -> None:
        place.mkdir()
        with running(place, *FEW, "--keep", "--json", str(place / "demo.json")) as demo:
            said = wait_for(demo, "Still running")
            kept = demo.poll() is None
            shutil.copytree(next((place / "temporary").glob("*/bundle")), place / "bundle")
            demo.send_signal(signal.SIGINT)
            ended = {"said": said, "kept": kept, "code": demo.wait(60), "left": left_over(place)}
        (place / "ended.json").write_text(json.dumps(ended), "utf-8")

    return once_a_run("first-demo", make)


@pytest.fixture(scope="module")
def bundle(first: Path) -> str:
    return str(first / "bundle")


def test_the_stories_end_as_expected_and_keep_leaves_the_demo_running(first: Path) -> None:
    ended = json.loads((first / "ended.json").read_text("utf-8"))
    assert ended["kept"] is True
    check(
        ended["code"],
        json.loads((first / "demo.json").read_text("utf-8")),
        ended["said"],
        exit_code=130,
    )
    assert ended["left"] == []


@pytest.mark.nightly
def test_the_demo_of_the_readme_trains_its_bundle(tmp_path: Path) -> None:
    check(*played(tmp_path))
    assert left_over(tmp_path) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 5))
def test_the_stories_end_as_expected_with_any_seed(seed: int, bundle: str, tmp_path: Path) -> None:
    check(*played(tmp_path, "--seed", str(seed), "--bundle", bundle))
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_the_demo_runs_on_an_existing_kafka(
    apache_kafka: ApacheKafka, bundle: str, times: int, tmp_path: Path
) -> None:
    for _ in range(times):
        check(*played(tmp_path, "--broker", apache_kafka.bootstrap, "--bundle", bundle))
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c", marks=pytest.mark.nightly),
        pytest.param(signal.SIGTERM, 143, id="kill"),
    ],
)
def test_a_demo_that_is_terminated_leaves_nothing_behind(
    number: signal.Signals, code: int, bundle: str, tmp_path: Path
) -> None:
    with running(tmp_path, *FEW, "--bundle", bundle) as demo:
        wait_for(demo, "4. Worker")
        assert len(left_over(tmp_path)) > 3
        demo.send_signal(number)
        assert demo.wait(60) == code
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--broker", "127.0.0.1:1"), "no Kafka broker answers at 127.0.0.1:1"),
        (("--bundle", "nowhere"), "nowhere"),
    ],
)
def test_a_missing_dependency_is_reported_in_one_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    run = misfire("demo", *arguments)

    assert run.returncode == 3
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []
