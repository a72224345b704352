"""Run the tests of the guard of actions with rasa-sdk, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments import environment, run_tests

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(600)  # the first run installs rasa-sdk
def test_the_guard_keeps_its_promises_with_rasa_sdk(tmp_path: Path) -> None:
    run_tests(environment("rasa", HERE / "requirements.lock"), HERE / "inside_rasa.py", tmp_path)
