"""The Hermes bridge: only intents that may run reach the skills.

Skills connect to a broker of their own. The bridge passes intents that may run on to it, and the
other messages of a session in both directions, under the same topics. Without the bridge, no intent
reaches a skill.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from detector.contracts.events import OutcomeKind
from streams.hook.calls import warn
from streams.runtimes.bridges import hermes_messages as hermes
from streams.runtimes.bridges.hermes_messages import Intent
from streams.runtimes.gate import NO_ANSWER, REFUSAL, Action, Gate, Ruling
from streams.runtimes.questions import Questions, Words

__all__ = ["HermesBridge"]

#: Publishes bytes on a topic, or raises.
Publish = Callable[[str, bytes], None]
#: Commands whose skill has not answered yet; the oldest is forgotten.
_MOST_RUNNING = 1_000


class HermesBridge:
    """Handles the messages of the two brokers.

    Args:
        gate: decides.
        to_rhasspy: sends a message to the dialogue manager's broker.
        to_skills: sends a message to the skills' broker.
        domain: the domain of intents whose names have none.
        words: what accepts and declines a question.
    """

    def __init__(
        self,
        gate: Gate,
        to_rhasspy: Publish,
        to_skills: Publish,
        *,
        domain: str = "assistant",
        words: Words | None = None,
    ) -> None:
        self._gate, self._to_rhasspy, self._to_skills = gate, to_rhasspy, to_skills
        self._domain, self._words = domain, words or Words()
        self._questions = Questions[Intent]()
        self._running: dict[str, Ruling] = {}

    def from_rhasspy(self, topic: str, payload: bytes) -> None:
        """Handle a message of the dialogue manager's broker. It never raises.

        An intent that cannot be handled does not run, and its session ends.
        """
        try:
            if topic.startswith(hermes.INTENT):
                self._intent(Intent(topic, payload, hermes.decoded(payload)))
            elif topic in hermes.DOWN:
                self._down(topic, payload)
        except Exception as error:  # noqa: BLE001 - the next message must be handled
            warn("a message on %s could not be handled (%s)", topic, type(error).__name__)
            self._end_after_a_fault(topic, payload)

    def from_skills(self, topic: str, payload: bytes) -> None:
        """Handle a message of the skills' broker. It never raises."""
        try:
            # Skills do not publish the rest; it is what this bridge has sent there.
            if not topic.startswith(hermes.INTENT) and topic not in hermes.DOWN:
                self._up(topic, payload)
        except Exception as error:  # noqa: BLE001 - as above
            warn("a skill's message on %s could not be handled (%s)", topic, type(error).__name__)

    def _intent(self, intent: Intent) -> None:
        asked = self._questions.take(intent.session, self._gate)
        if asked is not None and self._answered(*asked, said=intent.said, name=intent.name):
            return
        if intent.name in (*self._words.yes_intents, *self._words.no_intents) and asked is None:
            self._to_skills(intent.topic, intent.payload)  # a skill asked, not misfire
            return
        ruling = self._gate.check(intent.heard(self._domain))
        if ruling.action is Action.RUN:
            self._run(ruling, intent)
        elif ruling.action is Action.ASK:
            self._ask(ruling, intent)
        else:
            self._end(intent.session, ruling.say)

    def _answered(self, ruling: Ruling, held: Intent, *, said: str, name: str = "") -> bool:
        """Take a reply to a question; return false if it is neither a yes nor a no."""
        accepted = self._words.reply(ruling, said, name)
        if accepted is None:
            return False
        after = self._gate.answer(ruling, accepted=accepted, said=said)
        if after.action is Action.RUN:
            self._run(after, held)
        else:
            self._end(held.session, after.say)
        return True

    def _ask(self, ruling: Ruling, intent: Intent) -> None:
        self._questions.put(intent.session, ruling, intent)
        expected = [*self._words.yes_intents, *self._words.no_intents]
        self._send(
            hermes.CONTINUE,
            {
                "sessionId": intent.session,
                "text": ruling.say,
                # Challenge words and digits are no intents.
                "intentFilter": expected or None,
                "sendIntentNotRecognized": True,
                "customData": intent.message.get("customData"),
            },
        )

    def _run(self, ruling: Ruling, intent: Intent) -> None:
        self._running.pop(intent.session, None)
        self._running[intent.session] = ruling
        if len(self._running) > _MOST_RUNNING:
            self._running.pop(next(iter(self._running)))
        self._to_skills(intent.topic, intent.payload)

    def _up(self, topic: str, payload: bytes) -> None:
        """Pass a skill's message on, and report the command that it answers."""
        self._to_rhasspy(topic, payload)
        if topic in hermes.ANSWERS:
            ruling = self._running.pop(str(hermes.decoded(payload).get("sessionId") or ""), None)
            if ruling is not None:
                self._gate.report(ruling, OutcomeKind.EXECUTED)

    def _down(self, topic: str, payload: bytes) -> None:
        """Pass the dialogue manager's message on, unless it is the reply to a question."""
        session = str(hermes.decoded(payload).get("sessionId") or "")
        asked = None
        if topic in (hermes.NOT_RECOGNIZED, hermes.SESSION_ENDED):
            asked = self._questions.take(session, self._gate)
        if topic == hermes.SESSION_ENDED:
            self._running.pop(session, None)
        if topic == hermes.NOT_RECOGNIZED and asked is not None:
            said = str(hermes.decoded(payload).get("input") or "")
            if not self._answered(*asked, said=said):
                self._end(session, NO_ANSWER)
            return
        self._to_skills(topic, payload)

    def _end(self, session: str, say: str) -> None:
        self._send(hermes.END, {"sessionId": session, "text": say})

    def _send(self, topic: str, message: dict[str, object]) -> None:
        self._to_rhasspy(topic, json.dumps(message).encode())

    def _end_after_a_fault(self, topic: str, payload: bytes) -> None:
        """End the session of an intent that could not be handled; it must not wait for a skill."""
        if not topic.startswith(hermes.INTENT):
            return
        try:
            self._end(str(hermes.decoded(payload).get("sessionId") or ""), REFUSAL)
        except Exception as error:  # noqa: BLE001 - as in handle
            warn("its session could not be ended (%s)", type(error).__name__)
