"""Open pages in Debian's Chromium with Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Dialog, Page, Request, expect, sync_playwright

from tests.tools import needed

__all__ = [
    "CONTRAST",
    "READABLE",
    "SOON",
    "Scheme",
    "Seen",
    "SeenPanel",
    "browsing",
    "look",
    "open_tab",
    "opened",
]

Scheme = Literal["light", "dark"]

#: Milliseconds to wait for what a page shows. An idle machine shows a decision within two seconds;
#: Playwright's own five seconds are too few while other tests keep the machine busy.
SOON = 20_000
expect.set_options(timeout=SOON)

#: The contrast that WCAG 2.1 asks of text (success criterion 1.4.3).
READABLE = 4.5

#: Returns for each panel its visible texts, whether it shows a graph or a number, its position,
#: whether any content exceeds its width, and the lowest contrast of its texts.
_LOOK = """() => {
  const visible = {visibilityProperty: true, opacityProperty: true};
  const seen = element => element.checkVisibility(visible) && element.innerText.trim();
  const luminance = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  return [...document.querySelectorAll("figure")].map(figure => {
    const all = selector => [...figure.querySelectorAll(selector)];
    const box = figure.getBoundingClientRect(), back = getComputedStyle(figure).backgroundColor;
    const texts = all("figcaption, figcaption span, p, .big, .legend, text");
    return {
      title: seen(figure.querySelector("figcaption b")) || "",
      paragraphs: all("p").map(seen),
      drawn: all("svg path, svg circle, svg rect")
        .some(shape => shape.getBoundingClientRect().width > 1) || all(".big").some(seen),
      place: [box.left, box.top, box.right, box.bottom],
      cut_off: all("*").some(inner => inner.getBoundingClientRect().right > box.right + 1),
      contrast: Math.min(...texts.map(text => {
        const style = getComputedStyle(text);
        return contrast(text instanceof SVGElement ? style.fill : style.color, back);
      })),
    };
  });
}"""


@dataclass(frozen=True)
class SeenPanel:
    """One panel on the page; ``place`` is its left, top, right and bottom in pixels."""

    title: str
    paragraphs: list[str]
    drawn: bool
    place: tuple[float, float, float, float]
    cut_off: bool
    contrast: float

    def overlaps(self, other: SeenPanel) -> bool:
        """Return whether the panels overlap."""
        left, top, right, bottom = self.place
        return (
            left < other.place[2]
            and other.place[0] < right
            and top < other.place[3]
            and other.place[1] < bottom
        )


@dataclass(frozen=True)
class Seen:
    """The panels of the page, and the browser's console messages."""

    panels: list[SeenPanel]
    console: list[str]


def look(page: Path, scheme: Scheme) -> Seen:
    """Open the preview in a colour scheme; save a screenshot beside it."""
    with opened(page, scheme) as (tab, console):
        panels = [SeenPanel(**found) for found in tab.evaluate(_LOOK)]
        tab.screenshot(path=page.with_name(f"{scheme}.png"), full_page=True)
    return Seen(panels, console)


#: Returns the lowest contrast of a visible text with its background, and that text.
CONTRAST = """() => {
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


@contextmanager
def opened(
    page: Path | str, scheme: Scheme, *, width: int = 1480
) -> Iterator[tuple[Page, list[str]]]:
    """Open a file or an address in a colour scheme; yield its tab and what it complains about.

    The complaints are console messages, errors, failed requests and dialogs.
    """
    with browsing() as browser:
        yield open_tab(browser, page, scheme, width=width)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start a browser."""
    program = needed("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_tab(
    browser: Browser, page: Path | str, scheme: Scheme, *, width: int = 1480
) -> tuple[Page, list[str]]:
    """Open a file or an address in a tab with cookies of its own; return it as ``opened``."""
    console: list[str] = []

    def refuse(dialog: Dialog) -> None:
        console.append(dialog.message)
        dialog.dismiss()

    def note(request: Request) -> None:
        # The next page aborts what the one before still asked for.
        if request.failure != "net::ERR_ABORTED":
            console.append(f"{request.url}: {request.failure}")

    tab = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    tab.on("console", lambda message: console.append(message.text))
    tab.on("pageerror", lambda error: console.append(str(error)))
    tab.on("requestfailed", note)
    tab.on("dialog", refuse)
    tab.goto(page if isinstance(page, str) else page.as_uri())
    return tab, console
