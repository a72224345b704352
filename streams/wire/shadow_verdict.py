"""The record of a shadow bundle's verdict that differs from that of the published decision."""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts.decisions import Reason, RiskClass, Verdict
from detector.contracts.timestamps import Timestamp
from streams.wire.records import Kind

__all__ = ["SHADOW_VERDICT", "ShadowVerdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowVerdict:
    """What a shadow bundle would have decided on a command that was decided otherwise.

    ``decision_id`` is that of the published decision, ``active`` the verdict of the bundle that
    made it, and ``active_bundle`` that bundle. ``tenant`` is the first part of the household's id.
    ``channel`` is the shadow's channel, or ``None`` for the bundle of ``--shadow-bundle``.

    All other values are those of the shadow. ``chain_bits`` are the surprisals of the turns of the
    chain in order, the last one that of the event, and ``surprisal_bits`` is their sum; higher is
    rarer. ``time`` is the event's log time, so the same command gives the same record again.
    """

    decision_id: str
    event_id: str
    household_id: str
    tenant: str
    session_id: str
    intent: str
    active: Verdict
    active_bundle: str
    channel: str | None
    bundle: str
    verdict: Verdict
    risk_class: RiskClass
    misfire_probability: float | None
    p_value: float | None
    abstained: bool
    surprisal_bits: float
    chain_bits: tuple[float, ...]
    reasons: tuple[Reason, ...]
    time: Timestamp


SHADOW_VERDICT: Kind[ShadowVerdict] = Kind("misfire.shadow-verdict.v1", ShadowVerdict)
