"""The gate: what a runtime hears becomes an event, and a decision becomes an action."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.contracts.confirmations import ConfirmationResult, proof_of
from streams.hook import Act, ConfirmMethod, Decision, IntentEvent, OutcomeKind, Verdict
from streams.runtimes import Action, Gate, Heard, accepts
from streams.runtimes.contract import Script, ScriptedHook
from streams.runtimes.names import identifier, intent_of, slots_of
from streams.runtimes.replies import is_pin
from streams.runtimes.silences import Silences

START = datetime(2026, 1, 5, 7, 0, tzinfo=UTC)
LIGHT, LOCK = Heard(intent="lights.TurnOn"), Heard(intent="lock.HassTurnOff")


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


class Proving(ScriptedHook):
    """Records the evidence of an answer."""

    proof: str | None = None
    said: str = ""
    heard: IntentEvent | None = None
    methods: tuple[ConfirmMethod, ...] = tuple(ConfirmMethod)

    def decide(self, event: IntentEvent) -> Decision:
        decision = super().decide(event)
        asked = decision.confirm and replace(decision.confirm, methods=self.methods)
        return replace(decision, confirm=asked)

    def confirm(self, *args: object, **kwargs: object) -> ConfirmationResult:
        self.proof, self.said, self.heard = (kwargs[name] for name in ("proof", "said", "heard"))  # type: ignore[assignment]
        return super().confirm(*args, **kwargs)  # type: ignore[arg-type]


def asking(*methods: ConfirmMethod) -> Proving:
    hook = Proving(script=Script(verdict=Verdict.CONFIRM))
    hook.methods = methods
    return hook


@pytest.mark.parametrize(
    ("verdict", "action"),
    [
        (Verdict.ALLOW, Action.RUN),
        (Verdict.CONFIRM, Action.ASK),
        (Verdict.BLOCK, Action.REFUSE),
    ],
)
def test_a_verdict_becomes_an_action(verdict: Verdict, action: Action) -> None:
    assert Gate(ScriptedHook(Script(verdict=verdict))).check(LIGHT).action is action


def test_a_question_that_no_method_of_the_runtime_can_answer_is_a_refusal() -> None:
    ruling = Gate(asking(ConfirmMethod.PHONE_PUSH, ConfirmMethod.PIN)).check(LOCK)

    assert ruling.action is Action.REFUSE
    assert ruling.say


def test_without_a_key_for_proofs_a_pin_cannot_confirm() -> None:
    assert Gate(asking(ConfirmMethod.PIN), pin="4711").check(LOCK).action is Action.REFUSE


def test_a_right_pin_runs_the_command_with_a_proof() -> None:
    hook = asking(ConfirmMethod.PIN)
    gate = Gate(hook, pin="4711", proof_key=b"key")
    asked = gate.check(LOCK)

    assert gate.answer(asked, accepted=True, said="it is four seven 1 one").action is Action.RUN
    assert hook.proof == proof_of(b"key", f"question-{asked.event.event_id}", ConfirmMethod.PIN)


def test_a_wrong_pin_and_an_unclear_reply_are_neither_a_yes_nor_a_no() -> None:
    hook = asking(ConfirmMethod.PIN)
    gate = Gate(hook, pin="4711", proof_key=b"key")

    for accepted, said in ((True, "4712"), (None, "what?")):
        assert gate.answer(gate.check(LOCK), accepted=accepted, said=said).action is Action.REFUSE
    assert not hook.answers


def test_a_spoken_yes_is_an_affirmation_in_the_same_session() -> None:
    hook = asking(ConfirmMethod.SPOKEN)
    gate = Gate(hook)
    asked = gate.check(LIGHT)

    assert gate.answer(asked, accepted=True, said="yes").action is Action.RUN
    assert hook.heard is not None
    assert hook.heard.act is Act.AFFIRM
    assert hook.heard.session_id == asked.event.session_id
    assert hook.heard.event_id != asked.event.event_id


def test_the_result_of_another_question_confirms_nothing() -> None:
    gate = Gate(asking(ConfirmMethod.SPOKEN))
    first, second = gate.check(LIGHT), gate.check(LIGHT)
    mixed = replace(first, decision=replace(second.decision, confirm=None))

    assert gate.answer(mixed, accepted=True).action is Action.REFUSE


def test_if_the_hook_raises_the_policy_decides() -> None:
    gate = Gate(ScriptedHook(Script(fails=frozenset({"decide", "report"}))))

    light, lock = gate.check(LIGHT), gate.check(LOCK)
    gate.report(light, OutcomeKind.EXECUTED)

    assert (light.action, lock.action) == (Action.RUN, Action.REFUSE)
    assert light.decision.degraded
    assert light.decision.reasons[0].code == "client_error"


def test_silence_ends_a_session() -> None:
    clock = Clock()
    gate = Gate(ScriptedHook(), now=clock, silence_seconds=60)
    sessions = []
    for seconds in (0, 60, 121):
        clock.now = START + timedelta(seconds=seconds)
        sessions.append(gate.check(LIGHT).event.session_id)

    assert sessions[0] == sessions[1] != sessions[2]


def test_a_session_of_the_runtime_is_kept() -> None:
    assert Gate(ScriptedHook()).check(replace(LIGHT, session="s1")).event.session_id == "s1"


def test_sessions_are_remembered_for_a_bounded_number_of_devices() -> None:
    silences = Silences(60)
    first = silences.session("d", 0.0)
    for number in range(1_000):
        silences.session(f"d{number}", 1.0)

    assert silences.session("d", 2.0) != first


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("lights.TurnOn", "lights.TurnOn"),
        ("AMAZON.StopIntent", "AMAZON.StopIntent"),
        ("GetTime", "assistant.GetTime"),
        ("user:turnLights", "user.turnLights"),
        ("ovos-skill-x.author:what.time.intent", "ovos_skill_x_author.what_time"),
        ("smart_home/unlock", "smart_home.unlock"),
        ("", "assistant.x"),
        ("12", "assistant.x_12"),
    ],
)
def test_a_name_becomes_an_intent(name: str, intent: str) -> None:
    assert intent_of(name) == intent


def test_names_that_are_shortened_or_lose_letters_stay_different() -> None:
    names = ["звонок", "дверь", "a" * 100, "a" * 101]

    assert len({intent_of(name) for name in names}) == 4


def test_slots_have_valid_names_and_text_values() -> None:
    assert slots_of({"Room name": "kitchen", "intent": "x", "n": 3, "none": None, "empty": ""}) == {
        "Room_name": "kitchen",
        "slot_intent": "x",
        "n": "3",
    }
    assert len(slots_of({"message": "words " * 100})["message"]) == 32
    assert len(slots_of({f"s{number}": "x" for number in range(40)})) == 32


def test_an_id_that_the_contract_does_not_allow_is_hashed() -> None:
    assert identifier("kitchen") == "kitchen"
    assert identifier("amzn1.ask.device." + "A" * 200).startswith("id-")


@settings(max_examples=20, deadline=None)
@given(
    st.builds(
        Heard,
        intent=st.text(max_size=200),
        slots=st.dictionaries(
            st.text(max_size=90),
            st.one_of(st.none(), st.text(max_size=20), st.integers(), st.lists(st.booleans())),
            max_size=40,
        ),
        device=st.text(max_size=200),
        session=st.text(max_size=200),
        intent_confidence=st.none() | st.floats(),
        asr_confidence=st.none() | st.floats(),
        speaker=st.none() | st.text(max_size=10),
    )
)
def test_whatever_a_runtime_hears_gets_an_action(heard: Heard) -> None:
    hook = ScriptedHook()

    assert Gate(hook).check(heard).action is Action.RUN
    assert len(hook.events) == 1


@pytest.mark.parametrize(
    ("method", "said", "reply"),
    [
        (ConfirmMethod.SPOKEN, "Yes, please", True),
        (ConfirmMethod.SPOKEN, "that's right", True),
        (ConfirmMethod.SPOKEN, "no, not right", False),
        (ConfirmMethod.SPOKEN, "what's for dinner", None),
        (ConfirmMethod.CHALLENGE, "yes", None),
        (ConfirmMethod.CHALLENGE, "all right, walrus lantern", True),
        (ConfirmMethod.CHALLENGE, "cancel", False),
        (ConfirmMethod.PIN, "four seven", True),
        (ConfirmMethod.PHONE_PUSH, "yes", None),
        (None, "yes", None),
    ],
)
def test_a_reply_is_a_yes_a_no_or_neither(
    method: ConfirmMethod | None,
    said: str,
    reply: bool | None,
) -> None:
    assert accepts(method, said) is reply


def test_a_pin_is_compared_digit_by_digit() -> None:
    assert is_pin("oh four", "04")
    assert not is_pin("041", "04")
    assert not is_pin("", "04")


def test_a_question_is_open_until_it_expires() -> None:
    clock = [START]
    gate = Gate(ScriptedHook(Script(verdict=Verdict.CONFIRM)), now=lambda: clock[0])
    ruling = gate.check(Heard(intent="lights.TurnOn"))

    assert gate.is_open(ruling)
    clock[0] += timedelta(seconds=61)
    assert not gate.is_open(ruling)


def circle() -> list[object]:
    found: list[object] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    "value", [circle(), {1: "a", "b": 2}, object(), "\ud800", b"x", "x" * 10_000]
)
def test_no_value_of_a_slot_stops_a_decision(value: object) -> None:
    ruling = Gate(ScriptedHook()).check(replace(LIGHT, slots={"room": value}))

    assert ruling.action is Action.RUN


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_jumps_back_breaks_no_turn(back: timedelta) -> None:
    clock = Clock()
    hook = asking(ConfirmMethod.SPOKEN)
    gate = Gate(hook, now=clock)
    asked = gate.check(LIGHT)
    clock.now = START - back

    later = gate.check(LIGHT)

    assert later.action is Action.ASK
    assert later.event.session_id != asked.event.session_id
    assert gate.answer(later, accepted=True, said="yes").action is Action.RUN
