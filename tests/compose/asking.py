"""Ask the hook about events, and print what it answered as JSON.

    python -m tests.compose.asking STREAM FIRST LAST DEADLINE_MS
    python -m tests.compose.asking wait SECONDS

``run.py`` runs it in the engine's network, where the gateway's port is published. The second form
asks until a worker answers, for at most so many seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from streams.files.events import read_events
from streams.hook import Act, Hook, IntentEvent

_GATEWAY = "http://127.0.0.1:8750"


def _insisting(times: int) -> list[IntentEvent]:
    """Return a command that has no rule, several times, of a new household."""
    now = datetime.now().astimezone()
    return [
        IntentEvent(
            event_id=f"insisting-{now.timestamp()}-{number}",
            time=now,
            household_id=f"insisting-{now.timestamp()}",
            device_id="d",
            session_id=f"s{number}",
            intent="smartlock.Unlock",
            act=Act.INITIATE,
            commits=True,
            slots={"door": f"k1_{number:04x}"},
        )
        for number in range(times)
    ]


def ask(events: Iterable[IntentEvent], deadline_ms: int) -> dict[str, Counter[str]]:
    """Return the verdicts and rungs of the answers, counted."""
    answers: Counter[str] = Counter()
    rungs: Counter[str] = Counter()
    with Hook(_GATEWAY, deadline_ms=deadline_ms) as hook:
        for event in events:
            decision = hook.decide(event)
            answers[decision.effective_verdict] += 1
            rungs[decision.rung] += 1
    return {"answers": answers, "rungs": rungs}


def wait(seconds: float) -> dict[str, Counter[str]]:
    """Ask about new events until a worker answers; return its answer, or the last one."""
    give_up = time.monotonic() + seconds
    while True:
        found = ask(_insisting(1), 1_000)
        if found["rungs"]["worker"] or time.monotonic() > give_up:
            return found
        time.sleep(0.25)


def main(stream: str, first: str, last: str = "", deadline_ms: str = "") -> None:
    """Ask about the events from ``first`` up to, but without, ``last``, and about five more.

    A household may have fewer open questions than that.
    """
    if stream == "wait":
        found = wait(float(first))
    else:
        events = read_events(Path(stream))[int(first) : int(last)]
        found = ask([*events, *_insisting(5)], int(deadline_ms))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
