"""Check that an integration test makes each alert fire and resolve."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.alerts import ALERTS, Alert

MODULES = sorted((Path(__file__).parents[1] / "integration").glob("test_alerting*.py"))
#: The methods with which a test waits for an alert, by title; ``wait`` names the status itself.
CALLS = {"breaks": "firing", "hears": "firing", "is_repaired": "resolved", "is_over": "resolved"}


def waited_for(source: str) -> Iterator[tuple[str, str]]:
    """Yield (title, status) for each alert that a module waits for.

    The status is ``firing`` or ``resolved``.
    """
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
    """Return the string literals that an expression can evaluate to."""
    if isinstance(node, ast.Name):
        return named.get(node.id, [])
    if isinstance(node, ast.Tuple):
        return [text for each in node.elts for text in _strings(each, named)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


SEEN = {pair for module in MODULES for pair in waited_for(module.read_text("utf-8"))}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_integration_test_waits_for_it_to_fire_and_resolve(alert: Alert) -> None:
    title = alert.title

    assert (title, "firing") in SEEN, (
        f"no test in tests/integration/test_alerting*.py makes {title} fire"
    )
    assert (title, "resolved") in SEEN, (
        f"no test in tests/integration/test_alerting*.py waits for {title} to resolve"
    )


def test_a_mention_alone_does_not_count() -> None:
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
