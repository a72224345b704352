"""The codes of ``RecordError``, collected from the source: each has a metric starting at 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from streams.errors import DEAD_LETTER_CODES
from streams.telemetry import metrics
from streams.telemetry import recording as observers

ROOT = Path(__file__).parents[2]
#: Functions that pass on a code which was given to them.
PASSED_ON = {"code", "refusal.code"}
#: Modules that the worker imports for its settings; it never asks them about a record.
OVER_HTTP_ONLY = {"streams.wire.callback_addresses"}


def _reached(module: str) -> dict[str, ast.Module]:
    """Return the syntax trees of a module and of our modules that it imports, by name."""
    found: dict[str, ast.Module] = {}
    left = [module]
    while left:
        name = left.pop()
        path = ROOT / f"{name.replace('.', '/')}.py"
        if name in found or not path.is_file():
            continue
        found[name] = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(found[name]):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streams"):
                left += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def _codes(modules: dict[str, ast.Module]) -> Iterator[tuple[str, str]]:
    for name, tree in modules.items():
        for node in ast.walk(tree) if name not in OVER_HTTP_ONLY else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "RecordError"
            ):
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield name, str(code.value)
                elif isinstance(code, ast.Name) and code.id.isupper():
                    yield name, str(getattr(import_module(name), code.id))
                else:
                    assert ast.unparse(code) in PASSED_ON, (name, ast.unparse(code))


def test_every_reason_for_a_dead_letter_is_declared() -> None:
    codes = {code: module for module, code in _codes(_reached("streams.worker.agents"))}
    assert {"schema", "not_tokens", "ambiguous_json"} <= codes.keys()
    assert codes.keys() == set(DEAD_LETTER_CODES), codes
    assert list(DEAD_LETTER_CODES) == sorted(set(DEAD_LETTER_CODES))


def test_every_reason_for_a_dead_letter_begins_at_zero() -> None:
    metrics.DEAD_LETTERS.clear()
    observers.begin_worker()
    begun = {
        sample.labels["reason"]
        for family in metrics.DEAD_LETTERS.collect()
        for sample in family.samples
    }
    assert set(DEAD_LETTER_CODES) <= begun
