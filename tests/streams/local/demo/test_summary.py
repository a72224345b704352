from __future__ import annotations

import json

from pydantic_core import to_jsonable_python

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.events import IntentEvent
from streams.local.demo.runtime import HookCall
from streams.local.demo.stories import StoryResult
from streams.local.demo.summary import Summary, summarise
from streams.local.demo.topic_counts import Counts
from tests.detector.builders import event as an_event
from tests.streams.local.demo.test_stories import ALLOW, CONFIRM, decision

RIGHT = Counts(sent=3, decided=3, lost=0, doubled=0, dead_letters=0)


def hook_call(verdict: Verdict, *, worker: bool = True, milliseconds: float = 5.0) -> HookCall:
    event = an_event(commits=True)
    return HookCall(event, decision(event, verdict, worker=worker), milliseconds)


def summary(
    result: StoryResult,
    counts: Counts = RIGHT,
    history: dict[str, tuple[Verdict, bool]] | None = None,
) -> Summary:
    traffic: list[IntentEvent] = []
    decisions: dict[str, Decision] = {}
    for event_id, (verdict, _) in (history or {}).items():
        traffic.append(an_event(event_id=event_id, commits=True))
        decisions[event_id] = decision(traffic[-1], verdict, worker=True)
    return summarise(
        {"A story": result},
        traffic=traffic,
        misfires=frozenset(
            event_id for event_id, (_, misfire) in (history or {}).items() if misfire
        ),
        decisions=decisions,
        calls=[result.call, hook_call(ALLOW, worker=False, milliseconds=149.0)],
        counts=counts,
    )


def allowed() -> StoryResult:
    return StoryResult((ALLOW,), hook_call(ALLOW), executed=True, meant=True)


def test_a_demo_passes_if_all_stories_and_counts_do() -> None:
    assert summary(allowed()).ok
    assert not summary(StoryResult((ALLOW,), hook_call(CONFIRM), executed=False, meant=True)).ok
    assert not summary(allowed(), Counts(sent=3, decided=2, lost=1, doubled=0, dead_letters=0)).ok
    assert not summary(allowed(), Counts(sent=3, decided=3, lost=0, doubled=1, dead_letters=0)).ok
    assert not summary(allowed(), Counts(sent=3, decided=2, lost=0, doubled=0, dead_letters=1)).ok


def test_interruptions_and_stopped_misfires_are_counted_separately() -> None:
    history = {
        "e1": (ALLOW, False),
        "e2": (CONFIRM, False),
        "e3": (CONFIRM, True),
        "e4": (ALLOW, True),
    }
    result = summary(allowed(), history=history)
    assert (result.interrupted.count, result.interrupted.of) == (1, 3)
    assert (result.stopped.count, result.stopped.of) == (1, 2)


def test_the_hook_is_timed_by_rung() -> None:
    taken = summary(allowed()).hook_ms
    assert set(taken) == {Rung.WORKER, Rung.GATEWAY}
    assert taken["gateway"]["p50"] == 149.0


def test_the_json_has_the_documented_fields() -> None:
    result = json.loads(json.dumps(to_jsonable_python(summary(allowed()).as_json())))
    assert {"ok", "stories", "counts", "hook_ms"} <= set(result)
    assert {"name", "wanted", "verdict", "executed", "rung", "reason"} <= set(result["stories"][0])
    assert set(result["counts"]) == {"sent", "decided", "lost", "doubled", "dead_letters"}
