"""The intent transformer: asks misfire before ovos-core emits a skill's intent.

An exception here would let the intent through, and a match without a type would leave the client
waiting for ``ovos.utterance.handled``. A command that may not run is therefore redirected to
handlers of this plugin, which speak and end the utterance.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ovos_bus_client.message import Message
from ovos_bus_client.session import SessionManager
from ovos_plugin_manager.templates.pipeline import IntentHandlerMatch
from ovos_plugin_manager.templates.transformers import IntentTransformer

from detector.contracts.events import OutcomeKind
from streams.hook.calls import warn
from streams.hook.interface import AskingHook
from streams.runtimes.gate import REFUSAL, Action, Gate, Ruling
from streams.runtimes.opening import open_hook
from streams.runtimes.ovos.matches import heard_in, is_command
from streams.runtimes.ovos.sources import DEFAULT, latest_source
from streams.runtimes.replies import NO, YES, accepts

__all__ = ["SKILL", "GuardTransformer"]

#: The id under which this plugin speaks, and asks for replies.
SKILL = "misfire"
ASK, REFUSE, REPLY = f"{SKILL}.ask", f"{SKILL}.refuse", f"{SKILL}.converse.get_response"
#: Sessions with an open question or a running command; the oldest is forgotten.
_MOST_SESSIONS = 1_000


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
        #: By session: the open question with the match that it holds back, and the running
        #: command with its skill.
        self._questions: dict[str, tuple[Ruling, IntentHandlerMatch]] = {}
        self._running: dict[str, tuple[Ruling, str | None]] = {}

    def bind(self, bus: Any = None) -> None:
        """Attach the message bus, and listen for what is redirected here."""
        super().bind(bus)
        for topic, handler in (
            (ASK, self._on_ask),
            (REFUSE, self._on_refuse),
            (REPLY, self._on_reply),
            ("mycroft.skill.handler.complete", self._on_complete),
            ("mycroft.skill.handler.error", self._on_error),
        ):
            self.bus.on(topic, handler)

    def transform(self, intent: IntentHandlerMatch) -> IntentHandlerMatch:
        """Return the match if its command may run, and a redirection if not."""
        source = latest_source()
        if intent.skill_id == SKILL or not is_command(intent):
            return intent
        try:
            ruling = self._gate.check(heard_in(intent, source))
        except Exception as error:  # noqa: BLE001 - ovos-core would let the intent through
            warn("an intent could not be checked (%s)", type(error).__name__)
            return _redirected(intent, REFUSE, REFUSAL)
        self._questions.pop(source.session_id, None)
        if ruling.action is Action.RUN:
            _remember(self._running, source.session_id, (ruling, intent.skill_id))
            return intent
        if ruling.action is Action.ASK:
            _remember(self._questions, source.session_id, (ruling, intent))
        return _redirected(intent, ASK if ruling.action is Action.ASK else REFUSE, ruling.say)

    def _on_ask(self, message: Message) -> None:
        """Speak the question; the next utterance of the session is the reply."""
        self._wait_for_reply(message, waits=True)
        self._end(message, str(message.data["say"]), listens=True)

    def _on_refuse(self, message: Message) -> None:
        self._end(message, str(message.data["say"]))

    def _on_reply(self, message: Message) -> None:
        """Run the command after a yes; pass on a reply that is neither yes nor no."""
        self._wait_for_reply(message, waits=False)
        session = _session_of(message)
        utterances = message.data.get("utterances") or [""]
        ruling, match = self._questions.pop(session, (None, None))
        said = str(utterances[0])
        yes, no = (self.config.get(name) for name in ("yes", "no"))
        reply = accepts(ruling.method, said, yes or YES, no or NO) if ruling else None
        if ruling is None or match is None or reply is None or _is_over(ruling):
            # Another command, not an answer. A reply to a reply has the utterance's own direction.
            self.bus.emit(message.reply("recognizer_loop:utterance", message.data))
            return
        answered = self._gate.answer(ruling, accepted=reply, said=said)
        if answered.action is not Action.RUN:
            self._end(message, answered.say)
            return
        _remember(self._running, session, (answered, match.skill_id))
        runs = message.forward(
            match.match_type, {**(match.match_data or {}), "utterance": match.utterance}
        )
        runs.context["skill_id"] = match.skill_id
        self.bus.emit(runs)

    def _on_complete(self, message: Message) -> None:
        """Report the command that a skill has run."""
        ruling = self._ended(message)
        if ruling is not None:
            self._gate.report(ruling, OutcomeKind.EXECUTED)

    def _on_error(self, message: Message) -> None:
        self._ended(message)

    def _ended(self, message: Message) -> Ruling | None:
        """Take the command of the session whose skill has ended."""
        session = _session_of(message)
        ruling, skill = self._running.get(session, (None, None))
        if skill != message.context.get("skill_id"):
            return None
        self._running.pop(session, None)
        return ruling

    def _wait_for_reply(self, message: Message, *, waits: bool) -> None:
        """Make ovos-core pass the session's next utterance to this plugin, or stop that."""
        session = SessionManager.get(message)
        (session.enable_response_mode if waits else session.disable_response_mode)(SKILL)
        message.context["session"] = session.serialize()
        topic = "enable" if waits else "disable"
        data = {"skill_id": SKILL}
        self.bus.emit(message.forward(f"skill.converse.get_response.{topic}", data))

    def _end(self, message: Message, say: str, *, listens: bool = False) -> None:
        """Speak, and end the utterance for the client."""
        message.context["skill_id"] = SKILL
        data = {"utterance": say, "expect_response": listens, "lang": message.data.get("lang")}
        self.bus.emit(message.forward("speak", data))
        self.bus.emit(message.forward("ovos.utterance.handled", {}))


def _redirected(match: IntentHandlerMatch, topic: str, say: str) -> IntentHandlerMatch:
    return IntentHandlerMatch(
        match_type=topic,
        match_data={"say": say},
        skill_id=SKILL,
        utterance=match.utterance,
        updated_session=match.updated_session,
    )


def _remember(found: dict[str, Any], session: str, value: Any) -> None:
    found.pop(session, None)
    found[session] = value
    if len(found) > _MOST_SESSIONS:
        found.pop(next(iter(found)), None)


def _session_of(message: Message) -> str:
    session = message.context.get("session")
    return str((session or {}).get("session_id") or DEFAULT)


def _is_over(ruling: Ruling) -> bool:
    asked = ruling.decision.confirm
    expires = asked.expires_at if asked else None
    return expires is not None and expires < datetime.now(UTC)
