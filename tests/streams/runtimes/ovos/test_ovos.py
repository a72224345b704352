"""Run the tests of the OVOS plugin inside a real OVOS, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.local.processes import free_port
from tests.environments import environment, run_tests
from tests.streams.runtimes.ovos.configured import configure

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(600)  # the first run installs OVOS
def test_the_plugin_keeps_its_promises_inside_ovos(tmp_path: Path) -> None:
    python = environment("ovos", HERE / "requirements.lock")
    port = free_port()
    configure(tmp_path, port)

    run_tests(python, HERE / "inside_ovos.py", tmp_path, GATEWAY_PORT=str(port))
