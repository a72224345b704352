from __future__ import annotations

import pytest

from streams.errors import DependencyUnavailable
from streams.local.bench.watching import metric
from streams.local.processes import free_port


def test_a_part_that_has_stopped_is_named() -> None:
    with pytest.raises(DependencyUnavailable, match=r"the part at http://127\.0\.0\.1:\d+ stopped"):
        metric(f"http://127.0.0.1:{free_port()}", "misfire_events_total")
