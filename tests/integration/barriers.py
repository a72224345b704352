"""Find with axe-core what keeps a person from using a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["barriers"]

#: The impacts of what keeps somebody from using a page; axe-core has two milder ones.
_GRAVE = frozenset({"serious", "critical"})


def barriers(tab: Page) -> list[str]:
    """Return what axe-core finds in the page of a tab that is serious or critical."""
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: {node['html']}"
        for found in Axe().run(tab).response["violations"]
        if found["impact"] in _GRAVE
        for node in found["nodes"]
    ]
