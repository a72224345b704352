"""When each service started, which shows what the first answer waited for."""

from __future__ import annotations

import json
from datetime import datetime

from tests.compose.stack import Stack

__all__ = ["starts"]


def starts(stack: Stack, began: datetime) -> str:
    """Return the seconds after ``began`` of each service's start, and of the end of a job."""
    names = stack.compose("ps", "--all", "--quiet").split()
    found: dict[str, str] = {}
    for container in json.loads(stack.engine.run("docker", "inspect", *names)):
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        state = container["State"]
        times = [state["StartedAt"]]
        if state["Status"] == "exited":
            times.append(state["FinishedAt"])
        seconds = [(datetime.fromisoformat(time) - began).total_seconds() for time in times]
        found[service] = " to ".join(f"{each:.1f}" for each in seconds)
    return ", ".join(
        f"{service} {seconds}"
        for service, seconds in sorted(found.items(), key=lambda row: float(row[1].split()[0]))
    )
