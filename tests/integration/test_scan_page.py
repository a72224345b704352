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
from tests.integration.browser import READABLE, Scheme, opened

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>" + "x" * 200

#: Returns the lowest contrast of a visible text with its background, and that text.
_CONTRAST = """() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = color => parts(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => {
    const color = getComputedStyle(element).backgroundColor;
    return parts(color)[3] !== 0 ? color : behind(element.parentElement);
  };
  const contrast = element => {
    const [low, high] = [getComputedStyle(element).color, behind(element)].map(luminance)
      .sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = [...document.querySelectorAll("body *")]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return texts.map(each => [contrast(each), each.innerText]).sort((a, b) => a[0] - b[0])[0];
}"""


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
        contrast, text = tab.evaluate(_CONTRAST)

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
