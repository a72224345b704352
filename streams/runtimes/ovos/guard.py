"""The intent transformer: asks misfire before ovos-core emits a skill's intent.

An exception here would let the intent through, and a match without a type would leave the client
waiting for ``ovos.utterance.handled``. A command that may not run is therefore redirected to
handlers of this plugin, which speak and end the utterance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ovos_bus_client.message import Message
from ovos_plugin_manager.templates.pipeline import IntentHandlerMatch
from ovos_plugin_manager.templates.transformers import IntentTransformer

from detector.contracts.events import OutcomeKind
from streams.hook.calls import warn
from streams.hook.interface import AskingHook
from streams.runtimes.gate import REFUSAL, Action, Gate
from streams.runtimes.opening import open_hook
from streams.runtimes.ovos.matches import heard_in, is_command
from streams.runtimes.ovos.running import Running
from streams.runtimes.ovos.sources import DEFAULT, Source, latest_source, source_in
from streams.runtimes.ovos.utterances import SKILL, end_utterance, handle_again, wait_for_reply
from streams.runtimes.questions import Questions, Words
from streams.runtimes.replies import NO, YES

__all__ = ["GuardTransformer"]

ASK, REFUSE, REPLY = f"{SKILL}.ask", f"{SKILL}.refuse", f"{SKILL}.converse.get_response"
PING = f"{SKILL}.converse.ping"


class GuardTransformer(IntentTransformer):  # type: ignore[misc] # OVOS has no types
    """Decides on every intent. Its settings are those of ``open_hook``, and these.

    ``household``, ``pin``, and ``yes`` and ``no``: lists of words in the household's language.
    """

    def __init__(
        self, name: str = "misfire-guard", priority: int = 1, hook: AskingHook | None = None
    ) -> None:
        super().__init__(name, priority)
        opened = open_hook(self.config) if hook is None else None
        used = hook or (opened.hook if opened else None)
        assert used is not None  # noqa: S101 - one of the two
        self._gate = Gate(
            used,
            household=str(self.config.get("household") or "home"),
            runtime="ovos",
            pin=str(self.config.get("pin") or ""),
            proof_key=opened.proof_key if opened else None,
        )
        self._words = Words(self.config.get("yes") or YES, self.config.get("no") or NO)
        #: The open question of each source. Devices may share the session ``default``.
        self._questions = Questions[IntentHandlerMatch]()
        self._running = Running()

    def bind(self, bus: Any = None) -> None:
        """Attach the message bus, and listen for what is redirected here."""
        super().bind(bus)
        for topic, handler in (
            (ASK, self._ending(self._on_ask)),
            (REFUSE, self._ending(self._on_refuse)),
            (REPLY, self._ending(self._on_reply)),
            (PING, self._on_ping),
            ("mycroft.skill.handler.complete", self._on_complete),
            ("mycroft.skill.handler.error", self._on_error),
            ("ovos.utterance.handled", self._on_handled),
        ):
            self.bus.on(topic, handler)

    def transform(self, intent: IntentHandlerMatch) -> IntentHandlerMatch:
        """Return the match if its command may run, and a redirection if not."""
        source = latest_source()
        if intent.skill_id == SKILL or not is_command(intent):
            return intent
        try:
            self._questions.take(source, self._gate)
            ruling = self._gate.check(heard_in(intent, source))
        except Exception as error:  # noqa: BLE001 - ovos-core would let the intent through
            warn("an intent could not be checked (%s)", type(error).__name__)
            return _redirected(intent, REFUSE, REFUSAL)
        if ruling.action is Action.RUN:
            self._running.begin(source, ruling, intent.skill_id)
            return intent
        if ruling.action is Action.ASK:
            self._questions.put(source, ruling, intent)
        return _redirected(intent, ASK if ruling.action is Action.ASK else REFUSE, ruling.say)

    def _ending(self, handle: Callable[[Message], None]) -> Callable[[Message], None]:
        """Return a handler that ends the utterance if ``handle`` fails: the client waits for it."""

        def safely(message: Message) -> None:
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001 - the bus only logs it
                warn("a message on %s could not be handled (%s)", message.msg_type, error)
                end_utterance(self.bus, message, REFUSAL)

        return safely

    def _on_ask(self, message: Message) -> None:
        """Speak the question; the device's next utterance is the reply."""
        wait_for_reply(self.bus, message, waits=True)
        end_utterance(self.bus, message, str(message.data["say"]), listens=True)

    def _on_refuse(self, message: Message) -> None:
        end_utterance(self.bus, message, str(message.data["say"]))

    def _on_reply(self, message: Message) -> None:
        """Run the command after a yes; pass on a reply that is neither yes nor no."""
        source = source_in(message.context)
        wait_for_reply(self.bus, message, waits=False)
        asked = self._questions.take(source, self._gate)
        said = str((message.data.get("utterances") or [""])[0])
        accepted = self._words.reply(asked[0], said) if asked else None
        if asked is None or accepted is None:
            handle_again(self.bus, message, source)  # another command, not an answer
            return
        ruling, match = asked
        answered = self._gate.answer(ruling, accepted=accepted, said=said)
        if answered.action is not Action.RUN:
            end_utterance(self.bus, message, answered.say)
            return
        self._running.begin(source, answered, match.skill_id)
        runs = message.forward(
            match.match_type, {**(match.match_data or {}), "utterance": match.utterance}
        )
        runs.context["skill_id"] = match.skill_id
        self.bus.emit(runs)

    def _on_ping(self, message: Message) -> None:
        """Decline other utterances: ovos-core waits for the answer of each active skill."""
        data = {"skill_id": SKILL, "can_handle": False}
        self.bus.emit(message.reply("skill.converse.pong", data))

    def _on_complete(self, message: Message) -> None:
        """Report the command that a skill has run."""
        ruling = self._running.end(message)
        if ruling is not None:
            self._gate.report(ruling, OutcomeKind.EXECUTED)

    def _on_error(self, message: Message) -> None:
        self._running.end(message)

    def _on_handled(self, message: Message) -> None:
        """Wait on for the replies of other devices that share the session ``default``.

        ovos-core waits for one utterance of a session, and any device may have spoken it.
        """
        source = source_in(message.context)
        if source.session_id == DEFAULT and any(
            isinstance(other, Source) and other.session_id == DEFAULT and other != source
            for other in self._questions.waiting(self._gate)
        ):
            wait_for_reply(self.bus, message, waits=True)


def _redirected(match: IntentHandlerMatch, topic: str, say: str) -> IntentHandlerMatch:
    return IntentHandlerMatch(
        match_type=topic,
        match_data={"say": say},
        skill_id=SKILL,
        utterance=match.utterance,
        updated_session=match.updated_session,
    )
