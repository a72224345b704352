"""Asking a Prometheus over HTTP."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from streams.errors import DependencyUnavailable

__all__ = ["Prometheus", "Series"]

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a graph: its labels, and (seconds since 1970, value) points."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus at ``url``."""

    url: str

    def over(self, promql: str, begin: float, end: float, step: float) -> list[Series]:
        """Return what a query gives from ``begin`` to ``end`` (seconds since 1970), every ``step`` seconds.

        Raises:
            DependencyUnavailable: nobody answers, or the answer is an error.
        """
        asked = {"query": promql, "start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        try:
            answer = httpx.post(f"{self.url}/api/v1/query_range", data=asked, timeout=_SECONDS)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DependencyUnavailable(
                f"no Prometheus answers at {self.url} ({type(error).__name__}); name one with --prometheus"
            ) from error
        if said["status"] != "success":
            raise DependencyUnavailable(
                f"Prometheus at {self.url} refuses {promql!r}: {said['error']}"
            )
        return [
            Series(found["metric"], tuple((at, float(value)) for at, value in found["values"]))
            for found in said["data"]["result"]
        ]
