from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from streams.telemetry import metrics
from streams.telemetry.exposition import exposition

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def test_openmetrics_is_negotiated_and_has_exemplars() -> None:
    metrics.ANSWER_SECONDS.labels("policy").observe(0.002, {"decision_id": "d1"})

    body, content_type = exposition(OPENMETRICS)
    parsed = text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    points = [
        s.exemplar.labels for s in families["misfire_hook_answer_seconds"].samples if s.exemplar
    ]

    assert content_type.startswith("application/openmetrics-text")
    assert {"decision_id": "d1"} in points


def test_other_clients_get_plain_text() -> None:
    for accept in (None, "*/*", "text/html"):
        body, content_type = exposition(accept)

        assert content_type.startswith("text/plain")
        assert b"misfire_ready" in body
        assert b"decision_id" not in body


def test_processes_with_a_shared_folder_are_merged(tmp_path: Path) -> None:
    """Counters are summed over all processes, gauges over the living ones only."""
    count = (
        "import os, signal; from streams.telemetry import metrics; "
        "metrics.EVENTS.inc(2); metrics.READY.set(1); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    answer = (
        "from streams.telemetry import metrics; "
        "from streams.telemetry.exposition import exposition; "
        "from streams.telemetry.metrics_folder import forget_dead_processes; "
        "forget_dead_processes(); metrics.READY.set(1); print(exposition(None)[0].decode())"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environment, check=False)
    said = subprocess.run(
        [sys.executable, "-c", answer], env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert "misfire_events_total 4.0" in said
    assert "misfire_ready 1.0" in said


NUMBERS = "from streams.telemetry import metrics; metrics.EVENTS.inc(2); metrics.READY.set(1)"
SCRAPE = """
import logging; logging.basicConfig(format="%(message)s")
from streams.telemetry import metrics
from streams.telemetry.exposition import exposition
from streams.telemetry.metrics_folder import forget_dead_processes
forget_dead_processes()
metrics.EVENTS.inc(1)
for _ in range(2):
    body = exposition(None)[0].decode()
print(body)
"""


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the metrics of a process that ended."""
    folder = tmp_path_factory.mktemp("numbers")
    python(NUMBERS, folder)
    return folder


def python(code: str, folder: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def packed(key: str) -> bytes:
    """Return a file of prometheus_client with one value, 7, under ``key``."""
    encoded = key.encode()
    padded = encoded + b" " * (8 - (len(encoded) + 4) % 8)
    entry = struct.pack(f"i{len(padded)}sdd", len(encoded), padded, 7.0, 0.0)
    return struct.pack("ii", 8 + len(entry), 0) + entry


def key(
    name: object = "foreign_total",
    sample: object = "foreign_total",
    labels: object = None,
    doc: object = "x",
) -> str:
    return json.dumps([name, sample, {} if labels is None else labels, doc])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("junk.db", b"junk"),
        ("counter_9.db", b"not a metrics file, but long enough to look like one" * 99),
        ("counter_10.db", b"\xff\xff\xff\x7f" + b"\0" * 100),
        ("counter_11.db", b"\xff\xff\xff\xff" + b"\0" * 100),
        ("counter_12.db", packed(key())[:-20]),
        ("counter_13.db", packed("no json")),
        ("counter_14.db", packed("[" * 5_000)),
        ("counter_15.db", packed(key(name=7))),
        ("counter_16.db", packed(key(name="a\nb 1"))),
        ("counter_17.db", packed(key(doc=["x"]))),
        ("counter_18.db", packed(key(labels=[1]))),
        ("counter_19.db", packed(key(labels={"a": 1}))),
        ("histogram_20.db", packed(key(labels={"le": "wide"}))),
        ("gauge_.db", packed(key())),
        (
            "gauge_livesum_x.db",
            packed(key(name="misfire_events_total", sample="misfire_events_total")),
        ),
        ("unheard_21.db", packed(key())),
        ("_.db", packed(key())),
        (".db", b""),
        ("x.db", b"x"),
    ],
)
def test_an_invalid_metrics_file_is_skipped_logged_and_counted(
    name: str, content: bytes, numbers: Path, tmp_path: Path
) -> None:
    shutil.copytree(numbers, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_bytes(content)
    done = python(SCRAPE, tmp_path)

    assert done.returncode == 0, done.stderr
    assert "misfire_events_total 3.0" in done.stdout
    assert "foreign" not in done.stdout
    assert "misfire_metrics_files_unreadable_total 1.0" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{name} in {tmp_path} is left out of the metrics")


@pytest.mark.parametrize(
    "name",
    [
        "counter_uwsgi-1.db",
        "gauge_all_.db",
        "gauge_liveall_.db",
        "gauge_livesum_uwsgi-1.db",
        "gauge_livesum_99999999999999999999.db",
        "gauge_livesum_-1.db",
        "gauge_livesum_0.db",
    ],
)
def test_a_metrics_file_of_another_program_is_included(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(packed(key()))
    done = python(SCRAPE, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "foreign_total" in done.stdout
    assert (tmp_path / name).exists()


def test_folders_pipes_and_broken_links_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").mkdir()
    (tmp_path / "gauge_livesum_4194305.db").mkdir()
    os.mkfifo(tmp_path / "counter_2.db")
    (tmp_path / "counter_3.db").symlink_to(tmp_path / "nowhere")
    (tmp_path / "counter_4.db").symlink_to(tmp_path / "counter_4.db")
    done = python(SCRAPE, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "misfire_events_total 1.0" in done.stdout
    assert len(done.stderr.splitlines()) == 4


def test_files_that_vanish_during_a_scrape_are_skipped(numbers: Path, tmp_path: Path) -> None:
    shutil.copytree(numbers, tmp_path, dirs_exist_ok=True)
    gone = SCRAPE.replace(
        "for _ in range(2):",
        "import streams.telemetry.exposition as module, os\n"
        "listed = module.metrics_files\n"
        "def vanishing(folder):\n"
        "    paths = list(listed(folder))\n"
        "    [path.unlink() for path in paths if not path.stem.endswith(f'_{os.getpid()}')]\n"
        "    return paths\n"
        "module.metrics_files = vanishing\n"
        "for _ in range(2):",
    )
    done = python(gone, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "misfire_events_total 1.0" in done.stdout


def test_without_the_folder_a_process_exports_its_own_metrics(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    done = python(
        SCRAPE.replace("for _", f"import shutil; shutil.rmtree({str(folder)!r})\nfor _"), folder
    )
    assert done.returncode == 0, done.stderr
    assert "misfire_events_total 1.0" in done.stdout
    assert len(done.stderr.splitlines()) == 1


def test_the_metrics_of_a_thousand_processes_are_summed(tmp_path: Path) -> None:
    for number in range(1_000):
        (tmp_path / f"counter_{100_000 + number}.db").write_bytes(packed(key()))
    done = python(SCRAPE, tmp_path)
    assert "foreign_total 7000.0" in done.stdout


def test_a_damaged_file_of_an_earlier_process_with_the_same_id_is_removed(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; "
        f"Path({str(tmp_path)!r}, f'counter_{{os.getpid()}}.db').write_bytes(b'junk' * 99)\n"
    )
    done = python(code + SCRAPE, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "misfire_events_total 1.0" in done.stdout


@pytest.mark.parametrize("command", ["worker", "gateway", "operator"])
@pytest.mark.slow
def test_a_service_reports_a_missing_metrics_folder_in_one_sentence(
    command: str, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    done = python(
        f"import sys; sys.argv = ['misfire', {command!r}]; from streams.cli import main; main()",
        missing,
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"PROMETHEUS_MULTIPROC_DIR names {missing}" in line
    assert "Traceback" not in line


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    code = (
        "import os; from streams.telemetry.metrics_folder import unset_if_empty; "
        "unset_if_empty(); os.chdir(%r); %s"
    )
    done = python(code % (str(tmp_path), NUMBERS), "")
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
