"""A skill's request as a turn of the dialogue. No I/O."""

from __future__ import annotations

from ask_sdk_core.handler_input import HandlerInput
from ask_sdk_model.dialog_state import DialogState
from ask_sdk_model.intent_confirmation_status import IntentConfirmationStatus
from ask_sdk_model.slot import Slot
from ask_sdk_model.slu.entityresolution.status_code import StatusCode

from detector.contracts.events import Act
from streams.runtimes.heard import Heard
from streams.runtimes.names import intent_of

__all__ = ["heard_in", "is_complete"]

#: Alexa's own intents that answer or end a dialogue.
_ACTS = {
    "AMAZON.YesIntent": Act.AFFIRM,
    "AMAZON.NoIntent": Act.DENY,
    "AMAZON.CancelIntent": Act.DENY,
    "AMAZON.StopIntent": Act.END,
    "AMAZON.HelpIntent": Act.ASK,
    "AMAZON.FallbackIntent": Act.ASK,
}
#: Of these, the ones that never execute anything. A user can always stop.
_NEVER_COMMIT = frozenset(_ACTS) - {"AMAZON.YesIntent", "AMAZON.NoIntent"}


def heard_in(handler_input: HandlerInput, domain: str, *, commits: bool) -> Heard:
    """Return the turn of an intent request.

    The household is the Amazon account, which the skill knows as ``userId``. Alexa reports no
    confidences to a skill.
    """
    envelope = handler_input.request_envelope
    intent, system = envelope.request.intent, envelope.context.system
    status = intent.confirmation_status
    denied = status is IntentConfirmationStatus.DENIED
    affirmed = status is IntentConfirmationStatus.CONFIRMED
    act = Act.DENY if denied else Act.AFFIRM if affirmed else _ACTS.get(intent.name, Act.INITIATE)
    return Heard(
        intent=intent_of(intent.name, domain),
        slots={name: _value(slot) for name, slot in (intent.slots or {}).items()},
        device=system.device.device_id if system.device else "",
        session=envelope.session.session_id if envelope.session else "",
        act=act,
        commits=commits and not denied and intent.name not in _NEVER_COMMIT,
        speaker=system.person.person_id if system.person else None,
        household=system.user.user_id,
    )


def is_complete(handler_input: HandlerInput) -> bool:
    """Return whether Alexa has collected everything, for skills that delegate their dialogues."""
    return handler_input.request_envelope.request.dialog_state in (None, DialogState.COMPLETED)


def _value(slot: Slot) -> str | None:
    """Return the name that a slot's value resolved to, or the value as it was spoken."""
    authorities = slot.resolutions.resolutions_per_authority if slot.resolutions else None
    for authority in authorities or ():
        if authority.status.code is StatusCode.ER_SUCCESS_MATCH:
            return str(authority.values[0].value.name)
    return None if slot.value is None else str(slot.value)
