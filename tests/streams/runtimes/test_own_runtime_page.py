"""The page for authors of a runtime: its ten lines work, and it lists every promise's subject."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import streams.runtimes
from streams.hook import OutcomeKind, Verdict
from streams.runtimes import Action, Gate, Heard, accepts
from streams.runtimes.contract import Script, ScriptedHook

PAGE = Path(str(streams.runtimes.__file__)).with_name("own_runtime.md").read_text("utf-8")
(ADAPTER, *_) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
IMPORTS, _, FUNCTION = ADAPTER.partition("\n\n\n")


@pytest.mark.parametrize(
    ("verdict", "reply", "ran"),
    [
        (Verdict.ALLOW, "", True),
        (Verdict.CONFIRM, "yes, right", True),
        (Verdict.CONFIRM, "no", False),
        (Verdict.CONFIRM, "where were we", False),
        (Verdict.BLOCK, "yes", False),
    ],
)
def test_the_ten_lines_of_the_page_obey(
    verdict: Verdict,
    reply: str,
    ran: bool,
) -> None:
    hook = ScriptedHook(Script(verdict=verdict))
    executed, spoken = list[object](), list[str]()
    names: dict[str, Any] = {
        "gate": Gate(hook),
        "Heard": Heard,
        "Action": Action,
        "OutcomeKind": OutcomeKind,
        "accepts": accepts,
        "listen_after": lambda _: reply,
        "speak": spoken.append,
        "run": lambda _, slots: executed.append(slots),
    }
    exec(FUNCTION, names)

    names["on_command"]("lights.TurnOn", {"room": "kitchen"}, "kitchen")

    assert executed == ([{"room": "kitchen"}] if ran else [])
    assert bool(spoken) is not ran
    assert len(hook.outcomes) == ran


def test_the_adapter_has_ten_lines_and_its_imports_resolve() -> None:
    assert len(FUNCTION.strip().splitlines()) <= 10
    exec("\n".join(line for line in IMPORTS.splitlines() if line.startswith("from")), {})
