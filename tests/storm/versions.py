"""A worker of an earlier version beside those of the present one, on one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from streams.local.processes import start
from tests.integration.kafka import Broker
from tests.integration.worker import Worker

if TYPE_CHECKING:
    from tests.integration.forked import Forked

__all__ = ["EarlierWorker"]


class EarlierWorker(Worker):
    """A worker that runs the code of the earlier version with the present dependencies."""

    def __init__(self, code: Path, broker: Broker, bundle: Path, log: Path, **more: str) -> None:
        super().__init__(broker, bundle, log, **more)
        self._code = code

    def __enter__(self) -> Self:
        # -P keeps the present code in the working directory out of the way.
        command = [sys.executable, "-P", "-m", "streams.cli", *self._command]
        environment = self._environment | {"PYTHONPATH": str(self._code)}
        # A Popen has the methods of Forked that a scene uses.
        self.process = cast("Forked", start(command, log=self.log, environment=environment))
        return self
