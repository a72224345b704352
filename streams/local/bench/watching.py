"""What ``/proc`` and ``/metrics`` report about a running part, from outside it."""

from __future__ import annotations

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import DependencyUnavailable
from streams.files.certificates import verification

__all__ = ["memory_mib", "metric", "open_files"]

_METRICS_SECONDS = 10.0


def memory_mib(pid: int) -> tuple[float, float]:
    """Return a process's resident memory and its peak, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    now, peak = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return round(now, 2), round(peak, 2)


def open_files(pid: int) -> int:
    """Return the number of a process's open file descriptors."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def metric(url: str, name: str) -> float:
    """Return the sum of a metric's series that the part at ``url`` serves.

    Raises:
        DependencyUnavailable: the part does not answer.
    """
    try:
        answer = httpx.get(f"{url}/metrics", timeout=_METRICS_SECONDS, verify=verification(url))
    except httpx.HTTPError as error:
        raise DependencyUnavailable(
            f"the part at {url} stopped during the benchmark, or does not answer"
            f" ({type(error).__name__}); run it again without other load"
        ) from error
    return sum(
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    )
