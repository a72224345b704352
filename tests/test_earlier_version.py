from __future__ import annotations

from pathlib import Path

import pytest

from tests.earlier_version import checkout


@pytest.mark.skipif(not (Path(__file__).parents[1] / ".git").exists(), reason="this is not a clone")
def test_the_repository_has_the_earlier_version(tmp_path: Path) -> None:
    """The campaigns that need it do not run in ``make test``."""
    assert (checkout(tmp_path, "docker-compose.yml") / "docker-compose.yml").is_file()
