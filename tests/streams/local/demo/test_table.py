from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from detector.contracts.decisions import Expected, Reason, Verdict
from streams.local.demo.runtime import HookCall
from streams.local.demo.table import StoryTable, why
from tests.detector.builders import event as an_event
from tests.streams.local.demo.test_stories import ALLOW, BLOCK, decision

REASON = Reason(
    code="peak_bits", event_id="e0", bits=3.0, text="One of its turns carries 17.1 bits."
)
EXPECTED = Expected(intent="calls.PlaceCall", act="inform", probability=0.76)


def shown(*turns: HookCall) -> str:
    written = StringIO()
    with StoryTable("Portland. What happens.", Console(file=written, width=100)) as table:
        for turn in turns:
            table.add(turn)
    return written.getvalue()


def hook_call(verdict: Verdict, *, worker: bool = True, explained: bool = True) -> HookCall:
    event = an_event(commits=True)
    made = replace(
        decision(event, verdict, worker=worker), misfire_probability=0.5, event_bits=17.1
    )
    if explained:
        return HookCall(event, replace(made, reasons=(REASON,), expected=(EXPECTED,)), 12.3)
    return HookCall(event, replace(made, reasons=(), expected=()), 12.3)


def test_every_event_is_shown_with_time_surprisal_probability_verdict_rung_and_milliseconds() -> (
    None
):
    text = shown(hook_call(ALLOW, explained=False))
    for part in (
        "Portland",
        "18:00:00",
        "messages.SendMessage",
        "initiate",
        "17.1",
        "50.00%",
        "allow",
        "worker",
        "12",
    ):
        assert part in text


def test_an_interruption_shows_the_reason_and_what_was_expected() -> None:
    text = shown(hook_call(BLOCK))
    assert REASON.text in text
    assert "calls.PlaceCall" in text
    assert "76%" in text


def test_an_answer_of_a_lower_rung_names_its_rung() -> None:
    text = shown(hook_call(ALLOW, worker=False))
    assert "gateway" in text
    assert REASON.text in text


def test_without_a_reason_there_is_no_sentence() -> None:
    assert why(hook_call(ALLOW, explained=False).decision) == ""
