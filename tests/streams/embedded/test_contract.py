"""The contract of every hook, with the embedded hooks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.hook import AsyncEmbeddedHook, CommandHook, EmbeddedHook
from tests.detector.builders import CONFIRMATION_KEY, hand_bundle
from tests.streams.hook_contract import HookContract


class Awaited:
    """An ``AsyncEmbeddedHook`` for synchronous tests."""

    def __init__(self, hook: AsyncEmbeddedHook) -> None:
        self._hook = hook
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._hook, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))


@pytest.fixture(params=["blocking", "asyncio"])
def hook(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CommandHook]:
    made: Any = EmbeddedHook if request.param == "blocking" else AsyncEmbeddedHook
    embedded = made(
        tmp_path / "home.db",
        bundle=hand_bundle(),
        confirmation_key=CONFIRMATION_KEY,
        deadline_ms=10_000,
    )
    found = embedded if request.param == "blocking" else Awaited(embedded)
    yield found
    found.close()


class TestEmbeddedHooks(HookContract):
    """Everything that holds for a hook holds for the embedded ones."""
