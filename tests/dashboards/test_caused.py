"""Every alert is caused and repaired by a test of the whole installation: one that nobody has seen come and go is missed here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.alerts import ALERTS, Alert

MODULES = sorted((Path(__file__).parents[1] / "integration").glob("test_alerting*.py"))
#: What a test calls with the alert's title to wait for its page; ``wait`` says for which in words.
CALLS = {"breaks": "firing", "hears": "firing", "is_repaired": "resolved", "is_over": "resolved"}


def waited_for(source: str) -> Iterator[tuple[str, str]]:
    """Titles of alerts, each with what a module's tests wait for: ``firing`` or ``resolved``."""
    tree = ast.parse(source)
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = _strings(node.value, {})
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            named.setdefault(node.target.id, []).extend(_strings(node.iter, named))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            status = [CALLS[node.func.attr]] if node.func.attr in CALLS else []
            if node.func.attr == "wait":
                status = _strings(node.args[1], named)
            for found in status:
                yield from ((title, found) for title in _strings(node.args[0], named))


def _strings(node: ast.expr, named: dict[str, list[str]]) -> list[str]:
    """The strings that an expression is made of, as far as it is written down."""
    if isinstance(node, ast.Name):
        return named.get(node.id, [])
    if isinstance(node, ast.Tuple):
        return [text for each in node.elts for text in _strings(each, named)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


SEEN = {pair for module in MODULES for pair in waited_for(module.read_text("utf-8"))}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_its_page_is_seen_to_come_and_to_resolve(alert: Alert) -> None:
    title = alert.title

    assert (title, "firing") in SEEN, (
        f"break something in tests/integration/test_alerting*.py that {title} tells of"
    )
    assert (title, "resolved") in SEEN, (
        f"repair what {title} tells of, and wait for its page to resolve"
    )


def test_what_is_only_mentioned_is_not_seen() -> None:
    source = """
LIST = ("MisfireOne", "MisfireTwo")
def test_it(installation):
    labels = {"alertname": "MisfireThree"}
    for alert in LIST:
        installation.hears(alert, 0.0)
    installation.pager.wait("MisfireTwo", "resolved", 0.0)
"""
    assert set(waited_for(source)) == {
        ("MisfireOne", "firing"),
        ("MisfireTwo", "firing"),
        ("MisfireTwo", "resolved"),
    }
