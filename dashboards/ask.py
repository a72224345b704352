"""A client of Prometheus's HTTP API."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from streams.errors import DependencyUnavailable
from streams.files.certificates import verification

__all__ = ["Prometheus", "Series"]

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: its labels and its points, (Unix time in seconds, value)."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus at ``url``."""

    url: str

    def over(self, promql: str, begin: float, end: float, step: float) -> list[Series]:
        """Evaluate a query from ``begin`` to ``end`` (Unix time), every ``step`` seconds.

        Raises:
            DependencyUnavailable: Prometheus does not answer, or it rejects the query.
        """
        form = {"query": promql, "start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        try:
            answer = httpx.post(
                f"{self.url}/api/v1/query_range",
                data=form,
                timeout=_SECONDS,
                verify=verification(self.url),
            )
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DependencyUnavailable(
                f"no Prometheus answers at {self.url} ({type(error).__name__}); "
                "set its address with --prometheus"
            ) from error
        if body["status"] != "success":
            raise DependencyUnavailable(
                f"Prometheus at {self.url} rejects {promql!r}: {body['error']}"
            )
        return [
            Series(found["metric"], tuple((at, float(value)) for at, value in found["values"]))
            for found in body["data"]["result"]
        ]
