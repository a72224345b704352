"""A gateway on loopback whose answers are those of a resident's hook, for served runtimes."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.confirmations import ConfirmationAnswer
from streams.errors import RecordError
from streams.hook.rejecting import RejectedEvent
from streams.runtimes.contract.stand_in_gateway import problem
from streams.runtimes.days.resident import Resident
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME, RESULT

__all__ = ["ResidentGateway"]


class ResidentGateway:
    """Answers the requests of a runtime in another process."""

    def __init__(self) -> None:
        self.resident: Resident | None = None

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the response to a request."""
        resident = self.resident
        if resident is None:
            return problem(503, "no home lives here yet")
        try:
            if path == "/v1/decide":
                return 200, DECISION.encode(resident.decide(INTENT.decode_strictly(body)))
            if path == "/v1/outcomes":
                resident.report(OUTCOME.decode_strictly(body))
                return 200, b"{}"
            if path.startswith("/v1/confirmations/"):
                return _confirmed(resident, ANSWER.decode_strictly(body))
        except (RecordError, RejectedEvent) as error:
            return problem(422, str(error))
        return problem(404, f"this gateway has no {path}")


def _confirmed(resident: Resident, given: ConfirmationAnswer) -> tuple[int, bytes]:
    decisions = (decision for _, decision in reversed(resident.asked))
    asked = next(
        (
            each
            for each in decisions
            if each.confirm and each.confirm.confirmation_id == given.confirmation_id
        ),
        None,
    )
    if asked is None:
        return problem(404, "no such question")
    result = resident.confirm(
        asked,
        given.method,
        accepted=given.accepted,
        slots=given.slots,
        proof=given.proof,
        said=" ".join(given.words),
        heard=given.heard,
    )
    result = replace(result, answer_id=given.answer_id)
    return 409 if result.reason else 200, RESULT.encode(result)
