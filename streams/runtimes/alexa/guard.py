"""Guards the request handlers of a skill: asks misfire before a handler runs.

An interceptor of the ASK SDK cannot answer a request. Ours raises ``_Interrupted`` instead of
letting a handler run, and an exception handler of ours makes the response.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ask_sdk_core.dispatch_components import (
    AbstractExceptionHandler,
    AbstractRequestInterceptor,
    AbstractResponseInterceptor,
)
from ask_sdk_core.handler_input import HandlerInput
from ask_sdk_core.skill_builder import SkillBuilder
from ask_sdk_core.utils import is_request_type
from ask_sdk_model.dialog import ConfirmIntentDirective
from ask_sdk_model.intent_confirmation_status import IntentConfirmationStatus
from ask_sdk_model.response import Response
from ask_sdk_model.ui import SimpleCard

from detector.contracts.decisions import ConfirmMethod
from detector.contracts.events import OutcomeKind
from streams.hook.calls import warn
from streams.hook.interface import AskingHook
from streams.runtimes.alexa.turns import heard_in
from streams.runtimes.gate import NO_ANSWER, Action, Gate, Ruling
from streams.runtimes.heard import Heard
from streams.runtimes.pending import packed, unpacked

__all__ = ["guard_skill"]

#: The attribute of a session for its open question, and of a request for its ruling.
_QUESTION, _RULING = "misfire_question", "misfire_ruling"
ON_PHONE = "I sent a question to your phone. Please answer it there, and then ask me again."

AskOnPhone = Callable[[HandlerInput, Ruling], None]


def guard_skill(
    builder: SkillBuilder,
    hook: AskingHook,
    *,
    domain: str = "skill",
    commits: Callable[[HandlerInput], bool] = lambda _: True,
    describe: Callable[[HandlerInput, Heard], Heard] = lambda _, heard: heard,
    ask_on_phone: AskOnPhone | None = None,
    proof_key: bytes | None = None,
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> Gate:
    """Ask misfire before any intent handler of a skill runs; return the gate.

    Args:
        builder: the skill's builder, before or after its handlers are added.
        hook: a ``Hook`` or an ``EmbeddedHook``, with tokens.
        domain: the domain of the skill's own intents, such as ``lights``.
        commits: whether the handler of a request would execute its intent now. Pass ``is_complete``
            if Alexa collects the slots (``Dialog.Delegate``).
        describe: corrects what was heard, such as the command that a yes belongs to.
        ask_on_phone: sends a question to the user's phone, and returns at once. Pass the user's
            answer to ``gate.answer`` later.
        proof_key: the key for proofs, which answers on a phone need.
        now: the clock, in the time zone of the home.
    """
    methods = (ConfirmMethod.SPOKEN, *((ConfirmMethod.PHONE_PUSH,) if ask_on_phone else ()))
    gate = Gate(hook, runtime="alexa", methods=methods, proof_key=proof_key, now=now)
    builder.add_global_request_interceptor(_Asking(gate, domain, commits, describe))
    builder.add_global_response_interceptor(_Reporting(gate))
    # First, so that a skill's handler of all exceptions does not replace our response.
    builder.runtime_configuration_builder.exception_handlers.insert(0, _Answering(ask_on_phone))
    return gate


class _Interrupted(Exception):
    """Ends a request without its handler."""

    def __init__(self, ruling: Ruling) -> None:
        super().__init__(f"{ruling.event.intent}: {ruling.action}")
        self.ruling = ruling


class _Asking(AbstractRequestInterceptor):  # type: ignore[misc] # the SDK has no types
    """Decides before a handler runs."""

    def __init__(
        self,
        gate: Gate,
        domain: str,
        commits: Callable[[HandlerInput], bool],
        describe: Callable[[HandlerInput, Heard], Heard],
    ) -> None:
        self._gate, self._domain = gate, domain
        self._commits, self._describe = commits, describe

    def process(self, handler_input: HandlerInput) -> None:
        """Let the handler run, or raise ``_Interrupted``."""
        if not is_request_type("IntentRequest")(handler_input):
            return
        heard = heard_in(handler_input, self._domain, commits=self._commits(handler_input))
        asked = _open_question(handler_input)
        ruling = self._answered(handler_input, asked, heard) if asked else None
        if ruling is None:
            ruling = self._gate.check(self._describe(handler_input, heard))
        if ruling.action is not Action.RUN:
            raise _Interrupted(ruling)
        handler_input.attributes_manager.request_attributes[_RULING] = ruling

    def _answered(self, handler_input: HandlerInput, asked: Ruling, heard: Heard) -> Ruling | None:
        """Return the ruling after an answer; ``None`` if the request does not answer ``asked``."""
        status = handler_input.request_envelope.request.intent.confirmation_status
        answers = status in (IntentConfirmationStatus.CONFIRMED, IntentConfirmationStatus.DENIED)
        same = self._gate.same_command(asked, self._describe(handler_input, heard))
        if not answers or not same:
            return None
        return self._gate.answer(asked, accepted=status is IntentConfirmationStatus.CONFIRMED)


class _Answering(AbstractExceptionHandler):  # type: ignore[misc] # as above
    """Makes the response to a request whose handler did not run."""

    def __init__(self, ask_on_phone: AskOnPhone | None) -> None:
        self._ask_on_phone = ask_on_phone

    def can_handle(self, handler_input: HandlerInput, exception: Exception) -> bool:  # noqa: ARG002 - the SDK's signature
        """Return whether the guard raised this exception."""
        return isinstance(exception, _Interrupted)

    def handle(self, handler_input: HandlerInput, exception: _Interrupted) -> Response:
        """Ask, or say that the command does not run."""
        ruling, response = exception.ruling, handler_input.response_builder
        if ruling.action is Action.REFUSE:
            return response.speak(ruling.say).set_should_end_session(True).response
        if ruling.method is ConfirmMethod.SPOKEN:
            handler_input.attributes_manager.session_attributes[_QUESTION] = packed(ruling)
            intent = handler_input.request_envelope.request.intent
            response.speak(ruling.say).ask(ruling.say)
            return response.add_directive(ConfirmIntentDirective(updated_intent=intent)).response
        try:
            if self._ask_on_phone is not None:
                self._ask_on_phone(handler_input, ruling)
        except Exception as error:  # noqa: BLE001 - Alexa waits for a response
            warn("a question could not be sent to a phone (%s)", type(error).__name__)
            return response.speak(NO_ANSWER).set_should_end_session(True).response
        card = SimpleCard(title="Was this you?", content=ruling.say)
        return response.speak(ON_PHONE).set_card(card).set_should_end_session(True).response


class _Reporting(AbstractResponseInterceptor):  # type: ignore[misc] # as above
    """Reports a command after its handler has run. It is not called if the handler raised."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def process(self, handler_input: HandlerInput, response: Response | None) -> None:
        """Report the command as executed, unless the handler continues the dialogue."""
        ruling = handler_input.attributes_manager.request_attributes.pop(_RULING, None)
        directives = response.directives if response is not None else None
        continues = any(str(each.object_type).startswith("Dialog.") for each in directives or ())
        if ruling is not None and ruling.event.commits and not continues:
            self._gate.report(ruling, OutcomeKind.EXECUTED)


def _open_question(handler_input: HandlerInput) -> Ruling | None:
    """Take the session's open question; any next request ends it."""
    if handler_input.request_envelope.session is None:
        return None
    attributes = handler_input.attributes_manager.session_attributes
    return unpacked(attributes.pop(_QUESTION, None))
