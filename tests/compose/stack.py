"""docker-compose.yml on an engine: its services, their states, and calls of its hook."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.compose.engine import Engine
from tests.compose.images import ROOT

__all__ = ["IMAGE", "Applied", "Stack"]

IMAGE = "misfire-detector:0.1.0"
#: Seconds that a loaded machine may need to start everything.
_PATIENCE = 600


@dataclass(frozen=True)
class Applied:
    """What the topics hold: the events in each household's state, and dead letters."""

    events: Mapping[str, int]
    dead_letters: int

    @property
    def total(self) -> int:
        """The events in all states."""
        return sum(self.events.values())


@dataclass
class Stack:
    """A running project, with the repository's files as they are.

    Args:
        engine: where it runs.
        program: Docker Compose.
        folder: the files of the run.
        root: the folder with the Compose file.
        variables: for the Compose file, as a user sets them in the shell.
        project: the prefix of its containers and volumes.
    """

    engine: Engine
    program: Path
    folder: Path
    root: Path = ROOT
    variables: dict[str, str] = field(default_factory=dict)
    project: str = "misfire"

    @property
    def stream(self) -> Path:
        """Events for the hook, as JSON lines."""
        return self.folder / "stream.jsonl.gz"

    def of(self, root: Path) -> Stack:
        """Return the same project with the Compose file of another folder."""
        return replace(self, root=root)

    def compose(self, *arguments: str) -> str:
        """Run Docker Compose and return its output; it must succeed."""
        return self.engine.run(*self._command(arguments), folder=self.root, **self.variables)

    def clear(self) -> None:
        """Remove all containers and volumes of the project."""
        self.compose("--profile=*", "down", "--volumes", "--remove-orphans")

    def doctor(self) -> set[str]:
        """Return the parts with which the doctor finds something wrong."""
        command = self._command(("run", "--rm", "-T", "doctor"))
        output = self.engine.start(*command, folder=self.root, **self.variables).stdout
        rows = [line.split("│") for line in output.splitlines() if line.startswith("│")]
        assert rows, output
        return {row[1].strip() for row in rows if row[2].strip() == "wrong"}

    def records(self, household: str) -> Counter[str]:
        """Return how many records of a household each topic holds."""
        found = self.misfire("household", "show", household)
        return Counter({source["source"]: source["records"] for source in found["sources"]})

    def misfire(self, *command: str) -> Any:
        """Run a command of misfire in a container of its own, and return what it prints as JSON."""
        output = self.compose("run", "--rm", "-T", "doctor", *command, "--json", "-")
        return json.JSONDecoder().raw_decode(output, output.index("{"))[0]

    def execute(self, service: str, *command: str, index: int = 1) -> str:
        """Run a command in a container of a service."""
        return self.compose("exec", "-T", f"--index={index}", service, *command)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return what the engine knows about the containers of a service, by number."""
        names = self.compose("ps", "--all", "--quiet", service).split()
        found: list[dict[str, Any]] = (
            json.loads(self.engine.run("docker", "inspect", *names)) if names else []
        )
        return sorted(found, key=lambda container: container["Name"])

    def states(self) -> dict[str, str]:
        """Return the state of each container: its health, or its exit code."""
        lines = self.compose("ps", "--all", "--format=json").splitlines()
        states = {}
        for container in map(json.loads, filter(None, lines)):
            ended = f"exited {container['ExitCode']}"
            state = ended if container["State"] == "exited" else container["State"]
            states[container["Name"]] = container["Health"] or state
        return states

    def wait_until_healthy(self) -> Mapping[str, str]:
        """Wait until each service is healthy, or has ended with 0 if it is a job."""
        end = time.monotonic() + _PATIENCE
        while True:
            states = self.states()
            if set(states.values()) <= {"healthy", "exited 0"}:
                return states
            if time.monotonic() > end:
                raise RuntimeError(f"not healthy: {states}\n{self.compose('logs', '--tail=30')}")
            time.sleep(2)

    def ask(self, first: int, last: int, *, deadline_ms: int = 3000) -> dict[str, Counter[str]]:
        """Ask the hook about events of the stream; return verdicts and rungs, counted."""
        numbers = (str(first), str(last), str(deadline_ms))
        answers = self._python("asking", str(self.stream), *numbers)
        return {name: Counter(found) for name, found in answers.items()}

    def applied(self, at_least: int = 0) -> Applied:
        """Return what the topics hold, once there are so many events and no more are applied."""
        give_up, before = time.monotonic() + _PATIENCE, None
        while True:
            found = Applied(**self._python("reading"))
            if found.total >= at_least and found == before:
                return found
            if time.monotonic() > give_up:
                raise RuntimeError(f"{found.total} of {at_least} events were applied")
            before = found
            time.sleep(1)

    def wait_for_worker(self) -> None:
        """Ask until a worker answers."""
        if not self._python("asking", "wait", str(_PATIENCE))["rungs"].get("worker"):
            raise RuntimeError(f"no worker answered\n{self.compose('logs', '--tail=30')}")

    def _python(self, module: str, *arguments: str) -> Any:
        """Run a module of this package in the engine's network and return what it prints."""
        command = (sys.executable, "-m", f"tests.compose.{module}", *arguments)
        output = self.engine.run(*command, folder=ROOT)
        return json.loads(output.splitlines()[-1])  # warnings of the client come before

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [str(self.program), f"--project-name={self.project}", *arguments]
