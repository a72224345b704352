"""A minimal runtime: each line of standard input is a command, such as ``lights.TurnOn k1_9a``."""

import sys
import uuid
from datetime import datetime

from streams.hook import Act, ConfirmationResult, ConfirmMethod, Decision, Hook, IntentEvent  # isort: skip
from streams.hook import CommandNotAllowed, Outcome, OutcomeKind, OutcomeSource  # isort: skip

hook = Hook(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8750")


def heard(intent: str, *tokens: str) -> IntentEvent:
    """Return a command's event; a real runtime adds ids, slot names and confidences."""
    return IntentEvent(event_id=uuid.uuid4().hex, time=datetime.now().astimezone(), commits=True,
                       household_id="h1", device_id="d1", session_id="s1", intent=intent,
                       act=Act.INITIATE, slots={f"slot{i}": each for i, each in enumerate(tokens)}
    )  # fmt: skip


def ask(decision: Decision) -> ConfirmationResult:
    """Put the question to the user; the next line of input is the recognised answer."""
    print(decision.confirm.prompt if decision.confirm else "")
    return hook.confirm(decision, ConfirmMethod.CHALLENGE, said=sys.stdin.readline())


@hook.guard(heard, ask=ask)
def run(intent: str, *tokens: str) -> None:
    """Execute a command."""
    print(intent, *tokens, "runs")


for line in iter(sys.stdin.readline, ""):
    try:
        run(*line.split())
    except CommandNotAllowed as reason:
        print(reason)
        hook.report(Outcome(event_id=reason.decision.event_id, household_id="h1",
                            outcome=OutcomeKind.EXPIRED, source=OutcomeSource.RUNTIME,
                            time=datetime.now().astimezone()))  # fmt: skip
