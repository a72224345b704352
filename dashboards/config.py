"""What differs between installations: names, addresses, objectives, and how fast time passes (in a test: faster)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Config", "Slo"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective.

    Attributes:
        name: what recording rules call it.
        objective: the share of answers that have to be good.
        bad: the counter of bad answers, as a selector.
        all: the counter of all answers.
    """

    name: str
    objective: float
    bad: str
    all: str


@dataclass(frozen=True, slots=True)
class Config:
    """Where the parts are, and what is asked of them.

    Attributes:
        environment: the label that tells installations apart.
        workers: addresses that Prometheus scrapes; a name that stands for several (``dns``) counts as many.
        gateways: the same.
        dns: whether the names of workers and gateways stand for as many addresses as DNS gives.
        alertmanagers: addresses that Prometheus sends alerts to.
        least_workers: how many have to be ready.
        page_url: the webhook that pages go to; ``None`` reads it from ``page_url_file``.
        page_url_file: a file that holds it: the URL of a pager is a secret.
        runbook: where ``runbook.md`` is published; the name of an alert in lower case follows as the fragment.
        bundle_days: days until a bundle is stale.
        unit: seconds that pass for each second of the durations below and in the alerts; less than 1 for a test in real time.
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
        # A rebalance sends a few seconds' answers to the gateway's rung: three a day of ten seconds are 0.035 %.
        Slo(
            "first_rung",
            0.99,
            'misfire_hook_answers_total{rung!="worker"}',
            "misfire_hook_answers_total",
        ),
    )

    def slo(self, name: str) -> Slo:
        """The objective of that name."""
        return next(slo for slo in self.slos if slo.name == name)

    def seconds(self, duration: str) -> float:
        """How long a duration (``5m``) takes here, in seconds."""
        return int(duration[:-1]) * _SECONDS[duration[-1]] * self.unit

    def span(self, duration: str, least: float = 0.0) -> str:
        """A duration as Prometheus takes it, at least ``least`` seconds."""
        milliseconds = round(1000 * max(self.seconds(duration), least))
        if self.unit == 1.0 and milliseconds == round(1000 * self.seconds(duration)):
            return duration
        return f"{milliseconds}ms"

    @property
    def scrape(self) -> float:
        """Seconds between two scrapes, and between two evaluations of the rules."""
        return max(self.seconds("15s"), 1.0)

    @property
    def interval(self) -> str:
        """The same as Prometheus takes it."""
        return self.span("15s", 1.0)

    def window(self, duration: str) -> str:
        """A duration to take a rate over: it holds at least four scrapes."""
        return self.span(duration, 4 * self.scrape)
