"""Guards the actions of a Rasa action server: asks misfire before an action's ``run``."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from detector.contracts.events import OutcomeKind
from streams.runtimes.gate import NO_ANSWER, Gate, Ruling
from streams.runtimes.gate import Action as Next
from streams.runtimes.heard import Heard
from streams.runtimes.pending import packed, unpacked
from streams.runtimes.replies import accepts

__all__ = ["ANSWER", "QUESTION", "ActionGuard"]

#: The slot of a conversation that holds its open question, and the action that answers it.
QUESTION, ANSWER = "misfire_question", "action_misfire_answer"

Events = list[dict[str, Any]]
Run = Callable[[Any, CollectingDispatcher, Tracker, dict[str, Any]], Awaitable[Events]]


class ActionGuard:
    """A decorator for ``run`` methods of actions.

    Args:
        gate: decides; made with the hook of the action server.
        household: the household of a conversation; by default the gate's.
        yes: names of the intents that accept a question.
        no: names of the intents that decline it.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        household: Callable[[Tracker], str] = lambda _: "",
        yes: Sequence[str] = ("affirm",),
        no: Sequence[str] = ("deny",),
    ) -> None:
        self._gate, self._household = gate, household
        self._yes, self._no = frozenset(yes), frozenset(no)
        #: By name: a guarded action, its intent and slots, and its own ``run``.
        self._actions: dict[str, tuple[Any, str, Sequence[str], Run]] = {}

    def __call__(self, intent: str, slots: Sequence[str] = ()) -> Callable[[Any], Run]:
        """Return the decorator of an action that executes ``intent`` with these slots."""

        def decorate(run: Any) -> Run:
            async def plain(action: Any, *given: Any) -> Events:
                found = run(action, *given)
                return list((await found if inspect.isawaitable(found) else found) or [])

            @wraps(run)
            async def guarded(
                action: Any,
                dispatcher: CollectingDispatcher,
                tracker: Tracker,
                domain: dict[str, Any],
            ) -> Events:
                self._actions[action.name()] = action, intent, slots, plain
                ruling = await asyncio.to_thread(
                    self._gate.check, self._heard(tracker, intent, slots)
                )
                if ruling.action is Next.RUN:
                    events = await plain(action, dispatcher, tracker, domain)
                    await asyncio.to_thread(self._gate.report, ruling, OutcomeKind.EXECUTED)
                    return [*events, SlotSet(QUESTION, None)]
                dispatcher.utter_message(text=ruling.say)
                asks = ruling.action is Next.ASK
                return [SlotSet(QUESTION, _question(action.name(), ruling) if asks else None)]

            return guarded

        return decorate

    def answering(self) -> Run:
        """Return the ``run`` of an action that answers the conversation's open question.

        The action is a class of the action server's own module, because the server pickles its
        actions for the process that serves them.
        """

        async def run(
            action: Any,  # noqa: ARG001 - a method
            dispatcher: CollectingDispatcher,
            tracker: Tracker,
            domain: dict[str, Any],
        ) -> Events:
            events = await self._answered(dispatcher, tracker, domain)
            return [*events, SlotSet(QUESTION, None)]

        return run

    async def _answered(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        name, asked = _open_question(tracker)
        if asked is None:
            return []
        # After a restart of the server, it does not know the action; the question is lost.
        action, intent, slots, run = self._actions.get(name, (None, "", (), None))
        heard = self._heard(tracker, intent, slots)
        if run is None or not self._gate.same_command(asked, heard):
            dispatcher.utter_message(text=NO_ANSWER)
            return []
        said = str(tracker.latest_message.get("text") or "")
        ruling = await asyncio.to_thread(
            self._gate.answer, asked, accepted=self._accepts(asked, tracker, said), said=said
        )
        if ruling.action is not Next.RUN:
            dispatcher.utter_message(text=ruling.say)
            return []
        events = await run(action, dispatcher, tracker, domain)
        await asyncio.to_thread(self._gate.report, ruling, OutcomeKind.EXECUTED)
        return events

    def _accepts(self, asked: Ruling, tracker: Tracker, said: str) -> bool | None:
        intent = _intent_of(tracker).get("name")
        if intent in self._no:
            return False
        return True if intent in self._yes else accepts(asked.method, said)

    def _heard(self, tracker: Tracker, intent: str, slots: Sequence[str]) -> Heard:
        confidence = _intent_of(tracker).get("confidence")
        return Heard(
            intent=intent,
            slots={name: tracker.get_slot(name) for name in slots},
            device=str(tracker.sender_id),
            intent_confidence=confidence if isinstance(confidence, int | float) else None,
            household=self._household(tracker),
        )


def _intent_of(tracker: Tracker) -> Mapping[str, Any]:
    found = tracker.latest_message.get("intent")
    return found if isinstance(found, Mapping) else {}


def _question(name: str, ruling: Ruling) -> str:
    return json.dumps({"action": name, "ruling": packed(ruling)})


def _open_question(tracker: Tracker) -> tuple[str, Ruling | None]:
    """Return the open question and the name of the action that it is about."""
    try:
        found = json.loads(str(tracker.get_slot(QUESTION)))
        return str(found["action"]), unpacked(found["ruling"])
    except (KeyError, TypeError, ValueError):
        return "", None
