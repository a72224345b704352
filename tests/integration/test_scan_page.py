"""The page of ``misfire scan`` in a browser: readable, within the window, and inert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from detector.contracts.decisions import Reason
from detector.evaluation.scan import scan
from streams.cli.scan_page import Source, write_page
from streams.files.tolerant import BadLine
from tests.detector.builders import hand_bundle
from tests.detector.town import town
from tests.integration.browser import CONTRAST, READABLE, Scheme, opened

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>" + "x" * 200


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = scan(town(households=3, sessions=40), hand_bundle())
    reason = Reason(code="x", event_id="e", bits=1.0, text=HOSTILE)
    worst = replace(found.findings[0], intent=HOSTILE, household_id=HOSTILE, reasons=(reason,))
    found = replace(found, findings=(worst, *found.findings[1:]))
    path = tmp_path_factory.mktemp("page") / "page.html"
    source = Source(Path("log.jsonl"), Path("bundle"), UTC, 1, [BadLine(3, HOSTILE)])
    write_page(path, found, source)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(page: Path, scheme: Scheme) -> None:
    with opened(page, scheme) as (tab, console):
        tab.screenshot(path=page.with_name(f"{scheme}.png"), full_page=True)
        contrast, text = tab.evaluate(CONTRAST)

    assert contrast >= READABLE, text
    assert console == []


@pytest.mark.parametrize("width", [360, 1480])
def test_nothing_is_wider_than_the_window(page: Path, width: int) -> None:
    with opened(page, "light", width=width) as (tab, _):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_stay_text(page: Path) -> None:
    with opened(page, "light") as (tab, console):
        assert tab.locator("h3").first.inner_text() == f"1. {HOSTILE}"
        assert tab.locator("script, img").count() == 0

    assert console == []


def test_the_page_has_headings_and_named_regions(page: Path) -> None:
    with opened(page, "light") as (tab, _):
        tree = tab.locator("main").aria_snapshot()

    assert 'region "The week"' in tree
    assert 'rowheader "Monday"' in tree
    assert 'heading "How to label them"' in tree
