"""What the queue shows, as the query string of its page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from detector.contracts.decisions import RiskClass
from streams.desk.index import Kind

__all__ = ["KINDS", "SINCE", "STATES", "Filters"]

#: The kinds by their names in the query string.
KINDS = {
    "interrupted": Kind.INTERRUPTED,
    "late": Kind.LATE,
    "unclassified": Kind.UNCLASSIFIED,
    "shadow": Kind.SHADOW,
}
#: Hours by their names in the query string.
SINCE = {"hour": 1, "day": 24, "week": 168}
STATES = ("open", "labelled", "all")
#: Characters of a value; ids have at most 128.
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the queue. An empty one selects everything.

    Attributes:
        kind: a name of ``KINDS``.
        risk: a risk class.
        bundle: the version of the bundle that decided, or of a shadow that differs, or its
            beginning.
        reason: the code of one of the reasons.
        household: a household's id.
        since: a name of ``SINCE``.
        state: ``open`` selects decisions without a label.
    """

    kind: str = ""
    risk: str = ""
    bundle: str = ""
    reason: str = ""
    household: str = ""
    since: str = ""
    state: str = "open"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Read the filters of a query string; what is not valid selects everything."""
        return cls(
            kind=_one_of(given, "kind", KINDS),
            risk=_one_of(given, "risk", [risk.value for risk in RiskClass]),
            bundle=given.get("bundle", "").strip()[:_LONGEST],
            reason=given.get("reason", "").strip()[:_LONGEST],
            household=given.get("household", "").strip()[:_LONGEST],
            since=_one_of(given, "since", SINCE),
            state=_one_of(given, "state", STATES) or "open",
        )

    def where(self, now: float) -> tuple[str, dict[str, Any]]:
        """Return the SQL condition and its parameters; ``now`` is in seconds since the epoch."""
        parts, values = ["kinds > 0"], dict[str, Any]()

        def add(name: str, condition: str, value: object) -> None:
            parts.append(condition)
            values[name] = value

        if self.kind:
            add("kind", "kinds & :kind", int(KINDS[self.kind]))
        if self.risk:
            add("risk", "risk = :risk", self.risk)
        if self.bundle:
            decided = "substr(bundle, 1, length(:bundle)) = :bundle"
            add("bundle", f"({decided} OR instr(shadow_bundles, ' ' || :bundle))", self.bundle)
        if self.reason:
            add("reason", "instr(codes, :reason)", f" {self.reason} ")
        if self.household:
            add("household", "household = :household", self.household)
        if self.since:
            add("since", "at >= :since", now - 3600 * SINCE[self.since])
        if self.state != "all":
            parts.append("label = ''" if self.state == "open" else "label <> ''")
        return " AND ".join(parts), values

    def query(self, **more: str) -> str:
        """Return the query string of these filters, without empty ones."""
        given = {name: getattr(self, name) for name in self.__slots__} | more
        return urlencode({name: value for name, value in given.items() if value})


def _one_of(given: Mapping[str, str], name: str, allowed: Any) -> str:
    value = given.get(name, "")
    return value if value in allowed else ""
