"""The desk in a browser, with a worker: what a person sees, does and never sees."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from streams.files.bundles import write_bundle
from streams.kafka.topics import DECISIONS
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access
from streams.wire.records import DECISION
from tests.detector.builders import ABSURD, hand_bundle, hand_judge, run, send_message
from tests.integration.browser import CONTRAST, READABLE, Scheme, browsing, open_tab
from tests.integration.forked import start_misfire
from tests.integration.kafka import Broker
from tests.integration.worker import Worker, prepare, producing, publish, until

pytestmark = pytest.mark.timeout(240)

ACME, BOLT = f"acme_{'0' * 32}", f"bolt_{'1' * 32}"
#: Milliseconds for a decision to appear; a desk on an idle machine takes less than two seconds.
SOON = 20_000


class Desk:
    """``misfire operator`` with a token for each of two tenants."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "operator"
        access, self._tokens = AccessFile(), dict[str, str]()
        for tenant in ("acme", "bolt"):
            self._tokens[tenant], kept = new_token(tenant, frozenset(Scope), 1000)
            access = with_token(access, kept, tenant)
        write_access(folder / "access.json", access)
        self.process = start_misfire(
            *("operator", "--broker", broker.bootstrap, "--port", self.url.rpartition(":")[2]),
            log=self._log,
            environment=os.environ | {"MISFIRE_ACCESS_FILE": str(folder / "access.json")},
        )

    def wait_ready(self) -> None:
        """Wait until it answers."""
        until(self._answers, lambda: self._log.read_text()[-3000:])

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def enter(self, browser: Browser, tenant: str, scheme: Scheme) -> tuple[Page, list[str]]:
        """Log in with the keyboard; return the tab with the queue, and its complaints."""
        tab, console = open_tab(browser, f"{self.url}/", scheme)
        tab.keyboard.type(self._tokens[tenant])
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#queue", state="attached")
        return tab, console


@contextmanager
def desk(broker: Broker, folder: Path) -> Iterator[Desk]:
    found = Desk(broker, folder)
    try:
        found.wait_ready()
        yield found
    finally:
        found.process.stop()


def command_of(household: str) -> list[IntentEvent]:
    """Return a message that was sent just now."""
    now, name = datetime.now(UTC), uuid.uuid4().hex[:8]
    return [
        replace(event, event_id=f"{name}-{number}", time=now + timedelta(milliseconds=number))
        for number, event in enumerate(
            send_message(household_id=household, session=name, wake_confidence=ABSURD)
        )
    ]


def test_a_misfire_appears_is_labelled_and_the_next_one_is_decided_accordingly(
    broker: Broker, tmp_path: Path
) -> None:
    # What a household never did is blocked, and what it did once is allowed.
    judge = hand_judge("intent_count", edges=(0.0, 0.5), bits=(40.0, -6.0, -6.0))
    write_bundle(hand_bundle(judge=judge), tmp_path / "bundle")
    prepare(broker)
    with (
        Worker(broker, tmp_path / "bundle", tmp_path / "log") as worker,
        desk(broker, tmp_path) as operator,
        browsing() as browser,
    ):
        tab, console = operator.enter(browser, "acme", "dark")
        other, _ = operator.enter(browser, "bolt", "light")
        worker.wait_ready()
        expect(tab.locator("#queue > li")).to_have_count(0)

        began = datetime.now(UTC)
        publish(broker, command_of(ACME))
        tab.locator("#queue > li").first.wait_for(timeout=SOON)
        print(f"appeared after {(datetime.now(UTC) - began).total_seconds():.2f} s")
        publish(broker, command_of(BOLT))
        expect(other.locator("#queue > li")).to_have_count(1, timeout=SOON)
        assert "acme_" not in other.content()
        assert "bolt_" not in tab.content()
        expect(tab.locator("#detail h2")).to_contain_text("messages.SendMessage")
        expect(tab.locator(".timeline > li")).to_have_count(4)
        expect(tab.locator(".account tfoot")).to_contain_text("Sum")
        readable(tab)

        tab.keyboard.press("j")
        tab.keyboard.press("m")
        expect(tab.locator("#status")).to_contain_text("The household has learned", timeout=SOON)
        expect(tab.locator("#queue > li[data-label=meant]")).to_have_count(1, timeout=SOON)
        publish(broker, command_of(ACME))
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/desk/decision?**")
        expect(tab.locator(".events")).to_contain_text("Labelled meant")
        tab.keyboard.press("Escape")
        tab.wait_for_url("**/desk/")
        tab.keyboard.type("gh")
        tab.wait_for_url("**/desk/household")
        tab.keyboard.type(ACME)
        tab.keyboard.press("Enter")
        until(lambda: "2 recent commands, 1 interrupted" in _reloaded(tab))
        expect(tab.locator("[data-load]")).to_contain_text("6 events", timeout=SOON)

        for width in (1480, 360):
            tab.set_viewport_size({"width": width, "height": 800})
            for path in ("?state=all", f"household?id={ACME}", "bundles", "policy"):
                tab.goto(f"{operator.url}/desk/{path}")
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
                readable(tab)
        assert console == []


def readable(tab: Page) -> None:
    contrast, text = tab.evaluate(CONTRAST)
    assert contrast >= READABLE, text


def test_ten_thousand_decisions_scroll(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    prepare(embedded)
    (*_, decision), _ = run(command_of(ACME), hand_bundle())
    with producing(embedded) as producer:
        for number in range(10_000):
            producer.send(DECISIONS, _numbered(decision, number), key=ACME.encode())
    with desk(embedded, tmp_path) as operator, browsing() as browser:
        tab, console = operator.enter(browser, "acme", "light")
        until(lambda: "10,000 decisions" in _reloaded(tab))
        rows = tab.locator("#queue > li")
        while (loaded := rows.count()) < 1_000:
            tab.keyboard.press("End")
            tab.wait_for_function(f"document.querySelectorAll('#queue > li').length > {loaded}")
        assert len({*tab.evaluate("[...document.querySelectorAll('a.row')].map(a => a.href)")}) == (
            rows.count()
        )
        assert console == []


def _numbered(decision: Decision, number: int) -> bytes:
    return DECISION.encode(replace(decision, event_id=f"e{number}"))


def _reloaded(tab: Page) -> str:
    tab.reload()
    return tab.locator("main").inner_text()
