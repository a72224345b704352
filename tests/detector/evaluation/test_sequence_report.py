from __future__ import annotations

import numpy as np
import pytest

from detector.contracts.errors import InvalidValue
from detector.evaluation.sequence_report import f1_score, report_on


def test_a_report_worked_by_hand() -> None:
    found = report_on(np.array([1.0, 2.0, 3.0, 4.0]), [0, 1, 0, 1])
    assert (found.sequences, found.abnormal, found.auroc) == (4, 2, 0.75)
    # Both abnormal sequences are found from 2 on, and so is one normal one.
    assert found.false_alarms_at_90 == 0.5


@pytest.mark.parametrize(
    ("labels", "said"), [([0], "one label"), ([0, 0], "the same"), ([1, 1], "the same")]
)
def test_unusable_labels_are_rejected(labels: list[int], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        report_on(np.array([1.0, 2.0]), labels)


def test_f1_uses_the_base_rate() -> None:
    # 90 of 100 found, 1 % of 1,000 alarm falsely: precision .9, recall .9.
    assert f1_score(0.9, 0.01, abnormal=100, normal=1000) == pytest.approx(0.9)
