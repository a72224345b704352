"""An installation that tests break and repair: broker, workers, gateway and monitoring."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic_core import to_json

from dashboards.alerts import ALERTS
from dashboards.config import Config
from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from streams.local.processes import free_port
from streams.operations.doctor import examine
from streams.settings import Settings
from streams.wire.records import DECISION, INTENT
from tests import loopback
from tests.dashboards.runbook import LOOK, RECOVERY, commands
from tests.detector.builders import SURE as HEARD_WELL
from tests.detector.builders import heard, send_message
from tests.integration.forked import Forked, start_misfire
from tests.integration.kafka import Broker
from tests.integration.prometheus import Monitoring, Pager, address
from tests.integration.test_gateway import PATIENT_MS, status
from tests.integration.worker import FETCH_MAX_WAIT, PARTITIONS, PATIENCE, Worker, prepare, until

__all__ = ["Gateway", "Installation", "installed"]

#: The largest number of events in one request to the gateway.
_BATCH = 100
_NUMBERS = count()


class Gateway:
    """``misfire gateway``, which can be stopped and restarted at the same address."""

    def __init__(self, broker: Broker, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log, self._broker = log, broker
        self._process: Forked | None = None

    def start(self, bundle: Path, **variables: str) -> None:
        """(Re)start the gateway with this bundle and these variables; wait until it is healthy."""
        self.stop()
        self._process = start_misfire(
            *("gateway", "--broker", self._broker.bootstrap, "--bundle", str(bundle)),
            *("--port", self.url.rpartition(":")[2]),
            log=self._log,
            environment=os.environ | FETCH_MAX_WAIT | variables,
        )
        until(lambda: status(self.url, "/healthz") == 200)

    @property
    def pid(self) -> int:
        """The id of its process and process group."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the gateway with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop the gateway if it runs."""
        if self._process is not None:
            self._process.stop()
            self._process = None


@dataclass
class Installation:
    """The running parts; ``others`` are the workers except for ``worker``."""

    broker: Broker
    worker: Worker
    gateway: Gateway
    bundle: Path
    monitoring: Monitoring
    pager: Pager
    others: Sequence[Worker] = ()

    @property
    def settings(self) -> Settings:
        """The settings with which the doctor examines the installation."""
        worker, asked = self.worker.url.rpartition(":"), self.gateway.url.rpartition(":")
        return Settings(
            broker=self.broker.bootstrap,
            partitions=PARTITIONS,
            producer_time=True,
            bundle=self.bundle,
            worker_port=int(worker[2]),
            gateway_port=int(asked[2]),
            prometheus=self.monitoring.url,
            alertmanager=self.monitoring.alertmanager_url,
        )

    def doctor(self, *, page: bool = False) -> dict[str, str]:
        """Return the failed findings of the doctor, by part."""
        return {
            finding.part: finding.text
            for finding in examine(self.settings, page=page)
            if not finding.ok
        }

    def breaks(self, alert: str, breaking: Callable[[], object]) -> None:
        """Break something; wait for the alert, and run the runbook's commands to look at it."""
        began = time.monotonic()
        breaking()
        self.hears(alert, began)

    def hears(self, alert: str, began: float) -> None:
        """Wait for the alert to fire; run the runbook's commands to look at it."""
        page = self.pager.wait(alert, "firing", began)
        (known,) = (each for each in ALERTS if each.title == alert)
        assert page.labels["severity"] == known.severity
        assert page.annotations["runbook_url"].endswith(f"#{alert.lower()}")
        assert page.receiver == f"{known.severity}s"
        self._types(alert, LOOK)
        print(f"{alert}: {page.at - began:.1f} s from breaking to {page.receiver}")

    def is_repaired(self, alert: str, repairing: Callable[[], object]) -> None:
        """Repair something; wait for the alert to resolve, and run the runbook's commands."""
        began = time.monotonic()
        repairing()
        self.is_over(alert, began)

    def is_over(self, alert: str, began: float) -> None:
        """Wait for the alert to resolve; run the runbook's commands that confirm recovery."""
        page = self.pager.wait(alert, "resolved", began)
        self._types(alert, RECOVERY)
        print(f"{alert}: {page.at - began:.1f} s from repairing to resolved")

    def fired_since(self, since: float) -> set[str]:
        """Return the alerts that fired since then."""
        return {n.alert for n in self.pager.notifications if n.at > since and n.status == "firing"}

    def commands(
        self,
        number: int,
        wake: float = HEARD_WELL,
        deadline_ms: int = PATIENT_MS,
    ) -> list[Decision]:
        """Let ``number`` new households send a message at the same time.

        Return the decisions on the committing events.
        """
        events: list[IntentEvent] = []
        for _ in range(number):
            name, now = f"house-{next(_NUMBERS)}", datetime.now(UTC)
            events += [
                replace(
                    each,
                    event_id=f"{name}-{turn}",
                    household_id=name,
                    session_id=name,
                    time=now + timedelta(milliseconds=turn),
                )
                for turn, each in enumerate(heard(send_message(), wake))
            ]
        return [self._ask(events[turn::3], deadline_ms) for turn in range(3)][-1]

    def share(self, bad: str) -> float:
        """Return the share of ``late`` or ``degraded`` answers, from the gateway's metrics."""
        answers = self.answered()
        degraded = sum(count for (rung, _), count in answers.items() if rung != Rung.WORKER)
        late = sum(each.value for each in self._samples("misfire_hook_missed_deadlines_total"))
        return {"late": late, "degraded": degraded}[bad] / sum(answers.values())

    def answered(self) -> Counter[tuple[str, str]]:
        """Return the gateway's answers by rung and reason, from its metrics."""
        answers: Counter[tuple[str, str]] = Counter()
        for each in self._samples("misfire_hook_answers_total"):
            answers[each.labels["rung"], each.labels["reason"]] += int(each.value)
        return answers

    def _samples(self, name: str) -> list[Sample]:
        text = loopback.get(f"{self.gateway.url}/metrics").text
        families = text_string_to_metric_families(text)
        return [each for family in families for each in family.samples if each.name == name]

    def _ask(self, events: Sequence[IntentEvent], deadline_ms: int) -> list[Decision]:
        decisions: list[Decision] = []
        headers = {"content-type": "application/json", "x-misfire-deadline-ms": str(deadline_ms)}
        for first in range(0, len(events), _BATCH):
            body = b"[" + b",".join(map(INTENT.encode, events[first : first + _BATCH])) + b"]"
            answer = loopback.post(
                f"{self.gateway.url}/v1/decide/batch", content=body, headers=headers, timeout=30
            )
            assert answer.status_code == 200, answer.text
            decisions += [DECISION.decode(to_json(each)) for each in answer.json()]
        return decisions

    def _types(self, alert: str, heading: str) -> None:
        """Run the commands of the alert's section that need no containers."""
        for line in commands(alert, heading):
            doctor = re.fullmatch(r"docker compose run --rm doctor(?: (.*))?", line)
            if doctor:
                self._run_misfire(shlex.split(doctor[1] or "doctor"))
            elif line.startswith("curl "):
                there = line.replace("http://127.0.0.1:9090", self.monitoring.url)
                there = there.replace("http://127.0.0.1:8750", self.gateway.url)
                said = subprocess.run(
                    ["sh", "-c", there],
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                    check=False,
                ).stdout
                if "api/v1/query" in line:
                    assert json.loads(said)["status"] == "success", f"{line}: {said}"

    def _run_misfire(self, arguments: Sequence[str]) -> None:
        given = self.settings.model_dump(exclude_none=True, exclude_defaults=True)
        variables = {f"MISFIRE_{name.upper()}": str(value) for name, value in given.items()}
        log = self.bundle.parent / f"typed-{next(_NUMBERS)}.log"
        process = start_misfire(*arguments, log=log, environment=os.environ | variables)
        tails = "tail" in arguments
        if tails:  # it shows decisions made from now on
            until(lambda: self.commands(1) and process.poll() is not None)
        code, said = process.wait(PATIENCE), log.read_text()
        assert "Traceback" not in said, said
        assert code in ({0} if tails else {0, 1}), f"{arguments}: {said}"


@contextmanager
def installed(
    folder: Path, bundle: Path, broker: Broker, workers: int = 1, **variables: str
) -> Iterator[Installation]:
    """Run an installation for a ``with`` block; ``variables`` configure all of its workers."""
    (folder / "monitoring").mkdir()
    prepare(broker)
    with ExitStack() as stack:
        deciding = [
            stack.enter_context(
                Worker(broker, bundle, folder / f"worker-{number}.log", **variables)
            )
            for number in range(workers)
        ]
        gateway = Gateway(broker, folder / "gateway.log")
        stack.callback(gateway.stop)
        gateway.start(bundle)
        for worker in deciding:
            worker.wait_ready()
        pager = stack.enter_context(Pager())
        monitoring = Monitoring(
            folder / "monitoring",
            [address(worker.url) for worker in deciding],
            [address(gateway.url)],
            pager,
            Config(least_workers=workers),
        )
        stack.enter_context(monitoring).wait_scraped()
        yield Installation(broker, deciding[0], gateway, bundle, monitoring, pager, deciding[1:])
