from __future__ import annotations

import numpy as np

from detector.contracts.decisions import RiskClass
from detector.decision.training_report import parse_report, report_to_json
from detector.judge.calibration import Calibration
from detector.simulation.misfires import Mixture
from detector.training.readiness import HeldOut
from detector.training.training_report import describe, training_report
from tests.detector.builders import policy, training_sessions

KNOWN = (RiskClass.PURCHASE, False)
EVENTS = [event for session in training_sessions() for event in session]
DATA = describe(EVENTS, Mixture.of(["spliced"]), source="tests", seed=3, fewest=2)
#: 44 scores of purchases, and none of other classes.
THIN = Calibration({KNOWN: np.linspace(-20.0, -1.0, 44)})


def test_the_data_are_counted() -> None:
    assert (DATA.households, DATA.events, DATA.commands) == (2, len(EVENTS), 15)
    assert (DATA.first, DATA.last) == ("2026-01-05T18:00:00+00:00", "2026-01-09T18:00:40+00:00")
    assert (DATA.seed, DATA.fewest_households, DATA.misfires) == (3, 2, {"spliced": 1.0})


def test_thin_classes_and_figures_are_reported() -> None:
    held_out = [HeldOut(KNOWN, -10.0 + 0.01 * n, misfire=False, harm=300.0) for n in range(1000)]
    held_out += [
        HeldOut(KNOWN, ratio, misfire=True, harm=300.0) for ratio in (-20.0, 5.0, 6.0, 7.0)
    ]
    report = training_report(DATA, held_out, THIN, policy())
    assert str(next(each for each in report.thin if each.risk is RiskClass.PURCHASE)) == (
        "purchase: 44 of 99 scores; at most 2.2% of false interruptions can be promised"
    )
    assert report.figures == {
        "meant": 1000.0,
        "misfires": 4.0,
        "auroc": 0.75,
        "recall_at_0.001": 0.75,
        "recall_at_0.01": 0.75,
    }
    assert report.readiness.overall["always allow"] > report.readiness.overall["misfire"]
    assert parse_report(report_to_json(report)) == report


def test_without_misfires_there_are_only_counts() -> None:
    report = training_report(DATA, [HeldOut(KNOWN, 0.0, misfire=False, harm=300.0)], THIN, policy())
    assert report.figures == {"meant": 1.0, "misfires": 0.0}
