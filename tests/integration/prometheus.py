"""Real Prometheus and Alertmanager on loopback, with the configuration of the product."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from dashboards.config import Config
from dashboards.monitoring import write_monitoring
from streams.local.processes import free_port, start, stop
from tests import loopback
from tests.integration.worker import until
from tests.tools import debian, needed

__all__ = ["Monitoring", "Notification", "Pager", "address"]

#: Scales durations: a minute of the rules is a second here. The scrape interval is a second.
UNIT = 1 / 60


@dataclass(frozen=True)
class Notification:
    """One alert in one call of the webhook."""

    at: float
    receiver: str
    alert: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Pager:
    """A webhook that records the notifications it receives."""

    def __init__(self) -> None:
        self.notifications: list[Notification] = []
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                pager._take(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, call: dict[str, Any]) -> None:
        at = time.monotonic()
        self.notifications += [
            Notification(
                at,
                call["receiver"],
                alert["labels"]["alertname"],
                alert["status"],
                alert["labels"],
                alert["annotations"],
            )
            for alert in call["alerts"]
        ]

    def is_firing(self, alert: str) -> bool:
        """Return whether the last notification with this alert says that it fires."""
        return [n.status for n in self.notifications if n.alert == alert][-1:] == ["firing"]

    def wait(self, alert: str, status: str, since: float) -> Notification:
        """Wait for the first notification with this alert and status since then."""

        def found() -> Notification | None:
            fitting = (
                n
                for n in self.notifications
                if (n.alert, n.status) == (alert, status) and n.at > since
            )
            return next(fitting, None)

        until(
            found,
            lambda: (
                f"{alert} was never {status}: {[(n.alert, n.status) for n in self.notifications]}"
            ),
        )
        notification = found()
        assert notification
        return notification


class Monitoring:
    """Prometheus with the rules, and Alertmanager if there is a pager, for a ``with`` block.

    Args:
        folder: for configurations, data and logs.
        workers: addresses to scrape, HOST:PORT.
        gateways: addresses to scrape, HOST:PORT.
        pager: the receiver of notifications.
        config: the objectives; addresses and the unit are filled in.
    """

    def __init__(
        self,
        folder: Path,
        workers: Sequence[str],
        gateways: Sequence[str],
        pager: Pager | None = None,
        config: Config | None = None,
    ) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.alertmanager_url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._pager = pager
        self._targets = len(workers) + len(gateways)
        self.config = replace(
            config or Config(),
            workers=tuple(workers),
            gateways=tuple(gateways),
            dns=False,
            alertmanagers=(address(self.alertmanager_url),) if pager else (),
            page_url=pager.url if pager else None,
            unit=UNIT,
        )

    def __enter__(self) -> Self:
        write_monitoring(self._folder, self.config)
        # No rules until every target was scraped: a new Prometheus sees no part running.
        self._rules.rename(self._rules.with_suffix(".later"))
        with ExitStack() as stack:
            if self._pager:
                self._start(stack, self._alertmanager())
                until(lambda: _ready(self.alertmanager_url), self._said("alertmanager"))
            self._process = self._start(stack, self._prometheus())
            until(lambda: _ready(self.url), self._said("prometheus"))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the current value of each series."""
        answer = loopback.get(f"{self.url}/api/v1/query", params={"query": promql}).json()
        assert answer["status"] == "success", f"{promql}: {answer['error']}"
        return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]

    def wait_scraped(self) -> Self:
        """Wait until every target was scraped and the rules are loaded."""
        until(lambda: len(self.query("up == 1")) == self._targets, lambda: str(self.query("up")))
        self._rules.with_suffix(".later").rename(self._rules)
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self._knows("rules")["groups"])
        until(lambda: not self._pager or self._knows("alertmanagers")["activeAlertmanagers"])
        return self

    def _knows(self, what: str) -> Any:
        return loopback.get(f"{self.url}/api/v1/{what}").json()["data"]

    @property
    def _rules(self) -> Path:
        return self._folder / "rules.yaml"

    def _prometheus(self) -> tuple[str, list[str]]:
        return "prometheus", [
            debian("prometheus", "prometheus"),
            f"--config.file={self._folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={address(self.url)}",
            "--enable-feature=exemplar-storage",
        ]

    def _alertmanager(self) -> tuple[str, list[str]]:
        return "alertmanager", [
            needed(
                "prometheus-alertmanager",
                "apt-get install it (it reads its templates from /usr/share), and stop the service",
            ),
            f"--config.file={self._folder / 'alertmanager.yaml'}",
            f"--storage.path={self._folder / 'silences'}",
            f"--web.listen-address={address(self.alertmanager_url)}",
            "--cluster.listen-address=",
        ]

    def _start(self, stack: ExitStack, named: tuple[str, list[str]]) -> subprocess.Popen[bytes]:
        name, command = named
        process: subprocess.Popen[bytes] = start(command, log=self._folder / f"{name}.log")
        stack.callback(stop, process)
        return process

    def _said(self, name: str) -> Any:
        return lambda: (self._folder / f"{name}.log").read_text("utf-8", "replace")[-3000:]


def address(url: str) -> str:
    """Return HOST:PORT, the notation of Prometheus."""
    return url.removeprefix("http://")


def _ready(url: str) -> bool:
    try:
        return loopback.get(f"{url}/-/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
