from __future__ import annotations

import math
import os

import pytest

from detector.progress import one_by_one
from streams.cli.parallel import processes


def _process(_: int) -> int:
    return os.getpid()


def test_one_job_runs_in_this_process_and_several_in_others() -> None:
    with processes(1) as each:
        assert each is one_by_one
        assert set(each(_process, range(3))) == {os.getpid()}
    with processes(2) as each:
        assert os.getpid() not in set(each(_process, range(3)))


def test_results_keep_their_order_and_errors_propagate() -> None:
    with processes(2) as each:
        assert list(each(math.sqrt, [9.0, 4.0, 1.0])) == [3.0, 2.0, 1.0]
        with pytest.raises(ValueError, match=r"nonnegative input|domain"):
            list(each(math.sqrt, [-1.0]))


@pytest.mark.slow
def test_a_bundle_is_the_same_whatever_the_number_of_processes() -> None:
    # The other processes of these tests import this module, too.
    from detector.decision.bundle import bundle_to_files
    from detector.training.train import train
    from tests.detector.builders import policy
    from tests.detector.town import town

    events, rules = town(households=6, sessions=6), policy()
    stages: list[tuple[str, int, int]] = []
    alone = train(events, rules, progress=lambda *call: stages.append(call)).bundle
    with processes(2) as each:
        shared = train(events, rules, each=each).bundle
    assert bundle_to_files(shared) == bundle_to_files(alone)
    assert {stage for stage, done, total in stages if done == total} == {
        "fitting models",
        "simulating misfires",
        "fitting judges",
        "scoring commands",
    }
