"""A worker of an earlier version beside those of the present one, on one table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from streams.local.processes import start
from tests.integration.kafka import Broker
from tests.integration.worker import Worker

if TYPE_CHECKING:
    from tests.integration.forked import Forked

__all__ = ["EARLIER", "EarlierWorker", "checkout"]

#: The commit before states in the changelog got a header with their progress. A later change of
#: what workers store or exchange names the commit before it here.
EARLIER = "a468aab"


def checkout(folder: Path) -> Path:
    """Write the code of the earlier version into a folder and return it.

    Raises:
        LookupError: this is not a clone of the repository with that commit.
    """
    place = folder / EARLIER
    if not place.is_dir():
        archive = subprocess.run(
            ["git", "archive", EARLIER, "detector", "streams"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        if archive.returncode:
            raise LookupError(f"the commit {EARLIER} is not here: run this in a clone")
        place.mkdir()
        subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
    return place


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
