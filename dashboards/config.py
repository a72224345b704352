"""The settings that differ between installations: names, addresses, objectives and time scale."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Config", "Slo"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective.

    Attributes:
        name: its name in recording rules.
        objective: the required share of good answers.
        bad: the selector of the counter of bad answers.
        all: the selector of the counter of all answers.
    """

    name: str
    objective: float
    bad: str
    all: str


@dataclass(frozen=True, slots=True)
class Config:
    """Addresses of the parts, and the objectives they have to meet.

    Attributes:
        environment: the label that distinguishes installations.
        workers: addresses of workers that Prometheus scrapes.
        gateways: addresses of gateways that Prometheus scrapes.
        dns: whether a name in ``workers`` or ``gateways`` resolves to one target per address.
        alertmanagers: addresses that Prometheus sends alerts to.
        least_workers: the number of workers that must be ready.
        page_url: the webhook for pages; ``None`` reads it from ``page_url_file``.
        page_url_file: a file with that URL, because the URL of a pager is a secret.
        runbook: the URL of the published ``runbook.md``. Links append an alert's title in lower
            case as the fragment.
        bundle_days: age in days at which a bundle is stale.
        unit: the factor applied to all durations; less than 1 for tests in real time.
    """

    environment: str = "production"
    workers: tuple[str, ...] = ("worker:8751",)
    gateways: tuple[str, ...] = ("gateway:8750",)
    dns: bool = True
    alertmanagers: tuple[str, ...] = ("alertmanager:9093",)
    least_workers: int = 2
    page_url: str | None = None
    page_url_file: str = "/run/secrets/page_url"
    runbook: str = "dashboards/runbook.md"
    bundle_days: int = 30
    unit: float = 1.0
    slos: tuple[Slo, ...] = (
        Slo("deadline", 0.999, "misfire_hook_missed_deadlines_total", "misfire_hook_answers_total"),
        # During a rebalance the gateway's rung answers for a few seconds. Three rebalances of ten
        # seconds a day are 0.035 % of the answers.
        Slo(
            "first_rung",
            0.99,
            'misfire_hook_answers_total{rung!="worker"}',
            "misfire_hook_answers_total",
        ),
    )

    def slo(self, name: str) -> Slo:
        """Return the objective with this name."""
        return next(slo for slo in self.slos if slo.name == name)

    def seconds(self, duration: str) -> float:
        """Return a scaled duration (``5m``) in seconds."""
        return int(duration[:-1]) * _SECONDS[duration[-1]] * self.unit

    def span(self, duration: str, least: float = 0.0) -> str:
        """Return a scaled duration of at least ``least`` seconds, in Prometheus's notation."""
        milliseconds = round(1000 * max(self.seconds(duration), least))
        if self.unit == 1.0 and milliseconds == round(1000 * self.seconds(duration)):
            return duration
        return f"{milliseconds}ms"

    @property
    def scrape(self) -> float:
        """The interval of scrapes and rule evaluations, in seconds."""
        return max(self.seconds("15s"), 1.0)

    @property
    def interval(self) -> str:
        """The interval of scrapes and rule evaluations, in Prometheus's notation."""
        return self.span("15s", 1.0)

    def window(self, duration: str) -> str:
        """Return a scaled duration for a rate; it includes at least four scrapes."""
        return self.span(duration, 4 * self.scrape)
