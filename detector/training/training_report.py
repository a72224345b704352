"""Writing the training report: counts of the data, and measures on held-out chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from detector.contracts.events import IntentEvent
from detector.decision.training_report import Data, FromLog, TrainingReport
from detector.judge.calibration import Calibration
from detector.policy.policy import Policy
from detector.simulation.misfires import Mixture
from detector.training.readiness import HeldOut, readiness_of

__all__ = ["describe", "training_report"]

#: Shares of false interruptions at which recall is reported.
_RATES = (0.001, 0.01)


def training_report(
    data: Data, held_out: Sequence[HeldOut], calibration: Calibration, policy: Policy
) -> TrainingReport:
    """Return the report of a training.

    Args:
        data: the training data.
        held_out: scored chains that the scoring judge has not seen, some of them misfires.
        calibration: the calibration of the bundle.
        policy: the policy of the bundle.
    """
    return TrainingReport(
        data,
        readiness_of(held_out, calibration, policy),
        _figures(held_out),
        tuple(calibration.thin({risk: each.budget for risk, each in policy.classes.items()})),
    )


def describe(
    events: Sequence[IntentEvent],
    mixture: Mixture,
    *,
    source: str,
    seed: int,
    fewest: int,
    log: FromLog | None = None,
) -> Data:
    """Describe the training data: at least one event, in any order."""
    times = [event.time for event in events]
    return Data(
        source=source,
        households=len({event.household_id for event in events}),
        events=len(events),
        commands=sum(event.commits for event in events),
        first=min(times).isoformat(),
        last=max(times).isoformat(),
        seed=seed,
        fewest_households=fewest,
        misfires={name: share for name, share in sorted(mixture.shares.items()) if share},
        severity=mixture.severity,
        log=log,
    )


def _figures(held_out: Sequence[HeldOut]) -> dict[str, float]:
    """Return counts of the held-out chains, the AUROC, and recall at fixed false interruptions."""
    misfires = np.array([chain.misfire for chain in held_out], dtype=bool)
    ratios = np.array([chain.ratio_bits for chain in held_out])
    found = {"meant": float((~misfires).sum()), "misfires": float(misfires.sum())}
    if misfires.any() and not misfires.all():
        found["auroc"] = round(float(roc_auc_score(misfires, ratios)), 4)
        usual = np.sort(ratios[~misfires])[::-1]
        for rate in _RATES:
            threshold = usual[int(rate * len(usual))]
            found[f"recall_at_{rate:g}"] = round(float((ratios[misfires] > threshold).mean()), 4)
    return found
