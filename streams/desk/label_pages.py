"""Labels of decisions: a person says that a command was meant, or that it was a misfire."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.labels import LabelEffect, LabelKind
from streams.desk.rendering import message
from streams.desk.requests import visit_of
from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.lifecycle.labels import Labelled, label_event

__all__ = ["EFFECTS", "LabelPages"]

logger = logging.getLogger(__name__)

#: Seconds that a person waits for the worker.
_WAIT = 10.0
#: The reason if a person gives none.
_WHY = "reviewed at the desk"

#: What a label changed, as a sentence.
EFFECTS = {
    LabelEffect.TAUGHT: "The household has learned from the command.",
    LabelEffect.UNLEARNED: "The household no longer counts the command as one of its habits.",
    LabelEffect.NOT_LEARNED: "The household will not learn from the command.",
    LabelEffect.RESTORED: "The outcomes of the command decide again.",
    LabelEffect.UNCHANGED: "The household already behaved accordingly.",
    LabelEffect.DAY_FULL: "The household has had all its lessons of the day.",
    LabelEffect.FORGOTTEN: "The household forgot the command; training uses the label.",
    LabelEffect.NOT_A_COMMAND: "The event is no command.",
}


class LabelPages:
    """The form with which a person labels a decision.

    Args:
        brokers: the brokers.
    """

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers

    async def label(self, request: Request, form: dict[str, str]) -> Response:
        """Label the event of a decision, and say what changed."""
        household, event_id = form.get("household", ""), form.get("event", "")
        visit = visit_of(request)
        visit.caller.check_household(household)
        try:
            kind = LabelKind(form.get("label", ""))
        except ValueError:
            raise RecordError("schema", "a label is meant, misfire or withdrawn") from None
        fields = {"household_id": household, "event_id": event_id, "token": visit.by}
        logger.info("label", extra={"fields": fields | {"label": kind.value}})

        def labelled() -> Labelled:
            try:
                return label_event(
                    self._brokers,
                    event_id,
                    kind,
                    why=form.get("why", "").strip() or _WHY,
                    by=visit.by,
                    household_id=household,
                    wait=_WAIT,
                )
            except DependencyUnavailable as error:
                raise RecordError("unavailable", str(error)) from None

        effect = (await run_in_threadpool(labelled)).label.effect
        back = f"/desk/decision?{urlencode({'household': household, 'event': event_id})}"
        said = "Withdrawn." if kind is LabelKind.WITHDRAWN else f"Labelled {kind}."
        if effect is None:
            text = f"{said} A worker applies it as soon as it reads it."
            return message(request, "Labelled", text, status=202, back=back)
        return message(request, "Labelled", f"{said} {EFFECTS[effect]}", back=back)
