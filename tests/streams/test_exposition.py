from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from streams import metrics
from streams.exposition import exposition

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def test_openmetrics_is_for_who_asks_for_it_and_has_the_decision_behind_a_point() -> None:
    metrics.ANSWER_SECONDS.labels("policy").observe(0.002, {"decision_id": "d1"})

    body, content_type = exposition(OPENMETRICS)
    parsed = text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    points = [s.exemplar.labels for s in families["misfire_hook_answer_seconds"].samples if s.exemplar]

    assert content_type.startswith("application/openmetrics-text")
    assert {"decision_id": "d1"} in points


def test_others_get_the_plain_text() -> None:
    for accept in (None, "*/*", "text/html"):
        body, content_type = exposition(accept)

        assert content_type.startswith("text/plain")
        assert b"misfire_ready" in body
        assert b"decision_id" not in body


def test_processes_that_share_a_folder_answer_for_each_other(tmp_path: Path) -> None:
    """Counters of all that ever ran are summed; gauges are of those that live, a killed one's are forgotten."""
    count = (
        "import os, signal; from streams import metrics; metrics.EVENTS.inc(2); metrics.READY.set(1); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    answer = (
        "from streams import metrics; from streams.exposition import exposition, forget_dead_processes; "
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
