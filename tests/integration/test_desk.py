"""The desk in a browser, with a worker: what a person sees, does and never sees."""

from __future__ import annotations

import os
import time
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
from detector.contracts.rules import Rule, RuleAct
from streams.files.bundles import write_bundle
from streams.files.policy import read_policy
from streams.kafka.connection import Brokers
from streams.kafka.topics import DECISIONS, INTENTS, SHADOWS
from streams.lifecycle.rule_log import read_rules
from streams.lifecycle.rules import add_rule, make_rule
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access
from streams.wire.records import DECISION, INTENT
from streams.wire.shadow_verdict import SHADOW_VERDICT
from tests import loopback
from tests.detector.builders import ABSURD, SURE, hand_bundle, hand_judge, run, send_message
from tests.integration.barriers import barriers
from tests.integration.browser import CONTRAST, READABLE, SOON, Scheme, browsing, open_tab
from tests.integration.forked import start_misfire
from tests.integration.kafka import Broker
from tests.integration.worker import Worker, prepare, producing, publish, until
from tests.streams.shadow_verdicts import shadowed

pytestmark = pytest.mark.timeout(240)

ACME, BOLT = f"acme_{'0' * 32}", f"bolt_{'1' * 32}"


class Desk:
    """``misfire operator`` with a token for each of two tenants, or with other settings."""

    def __init__(self, broker: Broker, folder: Path, **variables: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "operator"
        access, self.tokens = AccessFile(), dict[str, str]()
        for tenant in ("acme", "bolt"):
            self.tokens[tenant], kept = new_token(tenant, frozenset(Scope), 1000)
            access = with_token(access, kept, tenant)
        write_access(folder / "access.json", access)
        self.process = start_misfire(
            *("operator", "--broker", broker.bootstrap, "--port", self.url.rpartition(":")[2]),
            log=self._log,
            environment=os.environ
            | (variables or {"MISFIRE_ACCESS_FILE": str(folder / "access.json")}),
        )

    def wait_ready(self) -> None:
        """Wait until it answers."""
        until(self._answers, lambda: self._log.read_text()[-3000:])

    def _answers(self) -> bool:
        try:
            return loopback.get(f"{self.url}/healthz").is_success
        except httpx.HTTPError:
            return False

    def enter(self, browser: Browser, tenant: str, scheme: Scheme) -> tuple[Page, list[str]]:
        """Log in with the keyboard; return the tab with the queue, and its complaints."""
        tab, console = open_tab(browser, f"{self.url}/", scheme)
        self.log_in(tab, tenant)
        return tab, console

    def log_in(self, tab: Page, tenant: str) -> None:
        """Log in with the keyboard on the log-in page."""
        tab.keyboard.type(self.tokens[tenant])
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#queue", state="attached")


@contextmanager
def desk(broker: Broker, folder: Path, **variables: str) -> Iterator[Desk]:
    found = Desk(broker, folder, **variables)
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
    # The shadow listens to the confidence of the wake word only, and blocks both commands.
    write_bundle(hand_bundle(), tmp_path / "shadow")
    shadow = {"MISFIRE_SHADOW_BUNDLE": str(tmp_path / "shadow")}
    prepare(broker)
    with (
        Worker(broker, tmp_path / "bundle", tmp_path / "log", **shadow) as worker,
        desk(broker, tmp_path) as operator,
        browsing() as browser,
    ):
        tab, console = operator.enter(browser, "acme", "dark")
        other, _ = operator.enter(browser, "bolt", "light")
        worker.wait_ready()
        expect(tab.locator("#queue li")).to_have_count(0)

        began = datetime.now(UTC)
        publish(broker, command_of(ACME))
        tab.locator("#queue li").first.wait_for(timeout=SOON)
        print(f"appeared after {(datetime.now(UTC) - began).total_seconds():.2f} s")
        publish(broker, command_of(BOLT))
        expect(other.locator("#queue li")).to_have_count(1)
        assert "acme_" not in other.content()
        assert "bolt_" not in tab.content()
        expect(tab.locator("#detail h2")).to_contain_text("messages.SendMessage")
        expect(tab.locator(".timeline > li")).to_have_count(4)
        expect(tab.locator(".account tfoot")).to_contain_text("Sum")
        readable(tab)

        tab.keyboard.press("j")
        tab.keyboard.press("m")
        expect(tab.locator("#status")).to_contain_text("The household has learned")
        expect(tab.locator("#queue li[data-label=meant]")).to_have_count(1)
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
        tab.wait_for_url("**/desk/household?id=*")
        until(lambda: "2 recent commands, 1 interrupted" in _text_of(tab))
        tab.reload()
        expect(tab.locator("[data-load]")).to_contain_text("6 events")

        _label_what_a_shadow_would_block(tab, operator)

        for width in (1480, 360):
            tab.set_viewport_size({"width": width, "height": 800})
            for path in ("?state=all", f"household?id={ACME}", "bundles", "policy"):
                tab.goto(f"{operator.url}/desk/{path}")
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
                readable(tab)
        # The desk refuses to read a state while it reads those of pages that were left (503); the
        # page asks again.
        assert [line for line in console if "503" not in line] == []


def _label_what_a_shadow_would_block(tab: Page, operator: Desk) -> None:
    tab.goto(f"{operator.url}/desk/?kind=shadow")
    expect(tab.locator("#queue li")).to_contain_text("shadow: block")
    expect(tab.locator("#detail .shadow h3")).to_contain_text("block")
    expect(tab.locator(".timeline .beside")).to_have_count(4)
    tab.keyboard.press("x")
    expect(tab.locator("#queue li[data-label=misfire]")).to_have_count(1)


def test_a_bundle_and_a_policy_are_changed_at_the_desk(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    judge = hand_judge("intent_count", edges=(0.0, 0.5), bits=(40.0, -6.0, -6.0))
    write_bundle(other := hand_bundle(judge=judge), tmp_path / "other")
    prepare(embedded)
    variables = {
        "MISFIRE_OPERATOR_TOKEN_FILE": str(tmp_path / "operator.token"),
        "MISFIRE_BUNDLE": str(tmp_path / "bundle"),
    }
    with (
        Worker(embedded, tmp_path / "bundle", tmp_path / "log") as worker,
        desk(embedded, tmp_path, **variables) as operator,
        browsing() as browser,
    ):
        operator.tokens["all"] = (tmp_path / "operator.token").read_text().strip()
        tab, console = operator.enter(browser, "all", "light")
        worker.wait_ready()
        publish(embedded, command_of(ACME))
        expect(tab.locator("#queue li")).to_have_count(1)

        _promote(tab, operator, tmp_path / "other")
        expect(tab.get_by_role("alert")).to_contain_text("a gate refused")
        expect(tab.locator("[aria-labelledby=gates] tr").first).to_be_visible()
        tab.get_by_label("Promote it although").check()
        tab.get_by_role("button", name="Promote").click()
        expect(tab.get_by_role("alert")).to_contain_text("take the bundle now")
        publish(embedded, command_of(BOLT))
        tab.goto(f"{operator.url}/desk/?state=all")
        rows = tab.locator("#queue li", has_text="bolt_")
        expect(rows).to_have_count(1)
        expect(tab.locator("select[name=bundle]")).to_be_visible()

        tab.goto(f"{operator.url}/desk/bundles")
        table = tab.locator("table[aria-labelledby=beside]")
        expect(table).to_contain_text(other.version)
        section = tab.locator("section", has_text="because of a test")
        expect(section).to_contain_text("forced past")
        section.get_by_label("Why").fill("it was a test")
        section.get_by_role("button", name="Roll back").click()
        expect(tab.get_by_role("alert")).to_contain_text("decides again")

        tab.goto(f"{operator.url}/desk/policy")
        tab.get_by_label("private_outbound budget").fill("0")
        tab.get_by_role("button", name="Dry run").click()
        expect(tab.locator("[aria-labelledby=tried]")).to_contain_text("2 of 2 recent commands")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download").click()
        written, packaged = Path(download.value.path()).read_text(), read_policy().text
        changed = [
            after
            for before, after in zip(packaged.splitlines(), written.splitlines(), strict=True)
            if before != after
        ]
        assert [line.split() for line in changed] == [["budget", "=", "0"]]
        # A browser reports the refused promotion.
        assert [line for line in console if "422" not in line] == []


#: Paths of the pages whose content does not depend on a form.
PATHS = (
    "?state=all",
    f"decision?household={ACME}&event=absurd-2",
    f"decision?household={ACME}&event=sure-2",
    "household",
    f"household?id={ACME}",
    f"household/remaining?id={ACME}",
    "rules?removed=on",
    "rules/new",
    "bundles",
    "policy",
    "decision?household=none&event=none",
)


VIEWS: tuple[tuple[Scheme, int], ...] = (("light", 1480), ("dark", 360))


def test_no_page_bars_a_person_and_a_rule_is_removed(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    prepare(embedded)
    _fill(embedded)
    brokers = Brokers(embedded.bootstrap)
    for number in range(2):
        add_rule(brokers, _rule(f"r{number}"))
    with desk(embedded, tmp_path) as operator, browsing() as browser:
        for scheme, width in VIEWS:
            tab, console = open_tab(browser, f"{operator.url}/desk/login", scheme, width=width)
            assert barriers(tab) == []
            operator.log_in(tab, "acme")
            expect(tab.locator("#queue li")).to_have_count(2)
            for path in PATHS:
                tab.goto(f"{operator.url}/desk/{path}")
                if (part := tab.locator("[data-load]")).count():
                    expect(part).to_contain_text("The household has no state")
                assert barriers(tab) == [], path
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
            tab.goto(f"{operator.url}/desk/policy")
            tab.get_by_role("button", name="Dry run").click()
            expect(tab.locator("[aria-labelledby=tried]")).to_contain_text("recent commands")
            assert barriers(tab) == []
            # A browser reports the decision that is not there.
            assert [line for line in console if "404" not in line and "503" not in line] == []
        _remove(tab)
    assert read_rules(brokers).rules.keys() == {"r1"}


def _fill(broker: Broker) -> None:
    """Log an allowed command that a shadow would block, and a blocked one."""
    with producing(broker) as producer:
        for name, wake in (("sure", SURE), ("absurd", ABSURD)):
            events = [
                replace(each, event_id=f"{name}-{number}", session_id=name, wake_confidence=wake)
                for number, each in enumerate(command_of(ACME))
            ]
            decisions, _ = run(events, hand_bundle())
            for event, decision in zip(events, decisions, strict=True):
                producer.send(INTENTS, INTENT.encode(event), key=ACME.encode())
                producer.send(DECISIONS, DECISION.encode(decision), key=ACME.encode())
            if name == "sure":
                value = SHADOW_VERDICT.encode(shadowed(events))
                producer.send(SHADOWS, value, key=ACME.encode())


def _rule(name: str) -> Rule:
    return make_rule(
        RuleAct.BLOCK, rule_id=name, intent="messages.*", tenant="acme", owner="ann", why="a test"
    )


def _remove(tab: Page) -> None:
    """Remove a rule with the keyboard."""
    tab.keyboard.type("gr")
    tab.wait_for_url("**/desk/rules")
    form = tab.locator("form.actions", has_text="the rule r0")
    form.get_by_label("Why").focus()
    tab.keyboard.type("the test is over")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("stops applying the rule r0")
    assert barriers(tab) == []
    tab.get_by_role("link", name="Back").click()
    expect(tab.locator("[id^=rule-]")).to_have_count(1)


def _promote(tab: Page, operator: Desk, candidate: Path) -> None:
    tab.goto(f"{operator.url}/desk/bundles")
    tab.get_by_label("Directory of the bundle").fill(str(candidate))
    tab.locator("#why").fill("because of a test")
    tab.get_by_role("button", name="Promote").click()


def readable(tab: Page) -> None:
    contrast, text = tab.evaluate(CONTRAST)
    assert contrast >= READABLE, text


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_all_decisions_scroll(embedded: EmbeddedBroker, tmp_path: Path, count: int) -> None:
    prepare(embedded)
    (*_, decision), _ = run(command_of(ACME), hand_bundle())
    with producing(embedded) as producer:
        for number in range(count):
            producer.send(DECISIONS, _numbered(decision, number), key=ACME.encode())
    with desk(embedded, tmp_path) as operator, browsing() as browser:
        tab, console = operator.enter(browser, "acme", "light")
        until(lambda: f"{count:,} decisions" in _text_of(tab))
        tab.reload()
        began, rows = time.monotonic(), tab.locator("#queue li")
        while (loaded := rows.count()) < count:
            tab.keyboard.press("End")
            expect(rows).not_to_have_count(loaded)
        print(f"{count:,} rows after {time.monotonic() - began:.1f} s")
        assert len({*tab.evaluate("[...document.querySelectorAll('a.row')].map(a => a.href)")}) == (
            count
        )
        assert console == []


def _numbered(decision: Decision, number: int) -> bytes:
    return DECISION.encode(replace(decision, event_id=f"e{number}"))


def _text_of(tab: Page) -> str:
    """Return the page of a tab as it is now, without loading what its script adds."""
    return " ".join(tab.request.get(tab.url).text().split())
