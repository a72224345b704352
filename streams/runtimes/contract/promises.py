"""The promises of an adapter, each as a function that raises ``Broken`` if it is not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.contracts.decisions import Verdict
from detector.contracts.events import OutcomeKind
from streams.runtimes.contract.runtime import HARMFUL, HARMLESS, Command, Runtime, Turn
from streams.runtimes.contract.scripted_hook import Script, ScriptedHook

__all__ = ["PROMISES", "Broken", "Promise"]

Promise = Callable[[Runtime, ScriptedHook], None]


class Broken(Exception):
    """A promise is broken; the message is one sentence that says how."""


def runs_an_allowed_command_once(runtime: Runtime, hook: ScriptedHook) -> None:
    """An allowed command runs, once, after the hook was asked about it."""
    _wants(runtime.say(_harmful()), ran=[HARMFUL])
    _asked(hook, 1)


def does_not_run_a_blocked_command(runtime: Runtime, hook: ScriptedHook) -> None:
    """A blocked command does not run, the user hears something, and nothing is asked."""
    hook.script = Script(verdict=Verdict.BLOCK)
    turn = _wants(runtime.say(_harmful()), ran=[])
    _heard(turn, "a blocked command")
    _must(not turn.asks, "a blocked command was asked about")
    _must(not _outcomes(hook, OutcomeKind.EXECUTED), "a blocked command was reported as executed")


def runs_a_blocked_command_in_shadow(runtime: Runtime, hook: ScriptedHook) -> None:
    """The effective verdict counts: in shadow mode, a blocked command runs."""
    hook.script = Script(verdict=Verdict.BLOCK, shadow=True)
    _wants(runtime.say(_harmful()), ran=[HARMFUL])


def asks_before_it_runs(runtime: Runtime, hook: ScriptedHook) -> None:
    """A command that needs confirmation does not run before the answer; a yes runs it once."""
    turn = _question(runtime, hook)
    if not turn.asks:
        return  # a runtime that cannot ask refuses, which is safe
    _wants(runtime.answer(True), ran=[HARMFUL])
    _must(
        [answer.accepted for answer in hook.answers] == [True],
        "the yes did not reach the hook exactly once",
    )
    _must(
        hook.answers[0].event_id == hook.events[0].event_id,
        "the answer was about another event than the question",
    )


def does_not_run_after_a_no(runtime: Runtime, hook: ScriptedHook) -> None:
    """A no ends the question, and the command never runs."""
    if _question(runtime, hook).asks:
        _wants(runtime.answer(False), ran=[])
        _must(not any(answer.accepted for answer in hook.answers), "a no was passed on as a yes")


def does_not_run_after_a_refused_yes(runtime: Runtime, hook: ScriptedHook) -> None:
    """A yes that misfire refuses, such as wrong challenge words, does not run the command."""
    if _question(runtime, hook).asks:
        hook.script = Script(verdict=Verdict.CONFIRM, confirms=False)
        _wants(runtime.answer(True), ran=[])


def does_not_run_when_the_answer_cannot_be_checked(runtime: Runtime, hook: ScriptedHook) -> None:
    """A yes that fails on its way does not run the command."""
    if _question(runtime, hook).asks:
        hook.script = Script(verdict=Verdict.CONFIRM, fails=frozenset({"confirm"}))
        _wants(runtime.answer(True), ran=[])


def runs_nothing_for_a_second_yes(runtime: Runtime, hook: ScriptedHook) -> None:
    """A yes to a question that has been answered runs nothing."""
    if _question(runtime, hook).asks:
        _wants(runtime.answer(True), ran=[HARMFUL])
        _wants(runtime.answer(True), ran=[])


def forgets_a_question_that_another_command_follows(runtime: Runtime, hook: ScriptedHook) -> None:
    """A command after an unanswered question runs alone; the question's command does not."""
    _question(runtime, hook)
    hook.script = Script()
    _wants(runtime.say(_harmless()), ran=[HARMLESS])


def survives_a_failing_hook(runtime: Runtime, hook: ScriptedHook) -> None:
    """If the hook raises, a harmless command runs, a harmful one does not, and both turns end."""
    hook.script = Script(fails=frozenset({"decide"}))
    _wants(runtime.say(_harmless()), ran=[HARMLESS])
    _heard(_wants(runtime.say(_harmful()), ran=[]), "a command that could not be checked")


def survives_a_failing_report(runtime: Runtime, hook: ScriptedHook) -> None:
    """If an outcome cannot be reported, the command runs all the same."""
    hook.script = Script(fails=frozenset({"report"}))
    _wants(runtime.say(_harmless()), ran=[HARMLESS])


def reports_what_ran(runtime: Runtime, hook: ScriptedHook) -> None:
    """A command that ran is reported as executed, under the id of its event."""
    _wants(runtime.say(_harmless()), ran=[HARMLESS])
    _must(
        _outcomes(hook, OutcomeKind.EXECUTED) == [hook.events[-1].event_id],
        "the command that ran was not reported as executed, exactly once",
    )


def sends_events_of_one_household(runtime: Runtime, hook: ScriptedHook) -> None:
    """Events commit, have ids of their own, and share household, device and session."""
    for _ in range(2):
        runtime.say(_harmless())
    runtime.say(Command(intent=HARMLESS, slots={"room": "bedroom"}, device="bedroom"))
    _asked(hook, 3)
    first, second, other = hook.events
    _must(all(event.commits for event in hook.events), "an event of a command does not commit")
    _must(len({event.event_id for event in hook.events}) == 3, "two events have the same id")
    _must(len({event.household_id for event in hook.events}) == 1, "the household changed")
    _must(first.device_id == second.device_id, "a device's id changed between two commands")
    _must(first.session_id == second.session_id, "a session ended without silence")
    _must(first.session_id != other.session_id, "two devices share a session")
    _must(len({event.intent for event in hook.events}) == 1, "an intent's name changed")


def sends_no_spoken_words(runtime: Runtime, hook: ScriptedHook) -> None:
    """Slot values leave the runtime as tokens; inside a process, the hook makes them."""
    runtime.say(_harmful())
    _must(not hook.rejected, next(iter(hook.rejected), ""))


#: All promises, in the order in which they are checked.
PROMISES: tuple[Promise, ...] = (
    runs_an_allowed_command_once,
    does_not_run_a_blocked_command,
    runs_a_blocked_command_in_shadow,
    asks_before_it_runs,
    does_not_run_after_a_no,
    does_not_run_after_a_refused_yes,
    does_not_run_when_the_answer_cannot_be_checked,
    runs_nothing_for_a_second_yes,
    forgets_a_question_that_another_command_follows,
    survives_a_failing_hook,
    survives_a_failing_report,
    reports_what_ran,
    sends_events_of_one_household,
    sends_no_spoken_words,
)


def _harmless() -> Command:
    return Command(intent=HARMLESS, slots={"room": "kitchen"})


def _harmful() -> Command:
    return Command(intent=HARMFUL, slots={"contact": "alice"})


def _question(runtime: Runtime, hook: ScriptedHook) -> Turn:
    """Give a command that needs confirmation; it must not run, and the user must hear of it."""
    hook.script = Script(verdict=Verdict.CONFIRM)
    return _heard(_wants(runtime.say(_harmful()), ran=[]), "a command that needs confirmation")


def _wants(turn: Turn, *, ran: Sequence[str]) -> Turn:
    _must(list(turn.ran) == list(ran), f"{_named(turn.ran)} ran instead of {_named(ran)}")
    return turn


def _named(intents: Sequence[str]) -> str:
    return ", ".join(intents) or "nothing"


def _heard(turn: Turn, what: str) -> Turn:
    _must(bool(turn.said), f"the user heard nothing after {what}")
    return turn


def _asked(hook: ScriptedHook, times: int) -> None:
    _must(
        len(hook.events) == times, f"the hook was asked {len(hook.events)} times instead of {times}"
    )


def _outcomes(hook: ScriptedHook, kind: OutcomeKind) -> list[str]:
    return [outcome.event_id for outcome in hook.outcomes if outcome.outcome is kind]


def _must(held: bool, sentence: str) -> None:
    if not held:
        raise Broken(sentence)
