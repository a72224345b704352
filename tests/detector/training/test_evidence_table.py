import numpy as np

from detector.contracts.decisions import RiskClass
from detector.evidence import TERMS
from detector.household.grouping import sessions_by_household
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS
from detector.training.evidence_table import EvidenceTable, committed_moments
from tests.detector.builders import policy, send_message, small_model

SESSIONS = [send_message(first=10 * day, session=f"s{day}", days=float(day)) for day in range(4)]
SEND = "messages.SendMessage"


def test_a_stream_becomes_sessions_in_the_order_in_which_they_began() -> None:
    first, second = send_message(), send_message(first=10, session="s2")
    other = send_message(first=20, household_id="h2")
    stream = [first[0], second[0], other[0], *first[1:], *other[1:], *second[1:]]
    assert sessions_by_household(stream) == {"h1": [first, second], "h2": [other]}


def test_a_chain_is_observed_before_its_household_learns_from_it() -> None:
    moments = list(committed_moments(SESSIONS, small_model(), policy()))
    assert [moment.household.learned for moment in moments] == [0, 1, 2, 3]
    assert [SEND in moment.household.intents for moment in moments] == [False, True, True, True]
    assert [moment.event.event_id for moment in moments] == ["e2", "e12", "e22", "e32"]


def test_a_misfire_teaches_nothing() -> None:
    misfires = frozenset({"e2", "e12"})
    moments = list(committed_moments(SESSIONS, small_model(), policy(), misfires))
    assert [moment.household.learned for moment in moments] == [0, 0, 0, 1]


def test_a_row_is_evidence_label_and_category() -> None:
    table = EvidenceTable()
    many = [send_message(first=10 * day, session=f"s{day}", days=float(day)) for day in range(12)]
    for moment in committed_moments(many, small_model(), policy()):
        table.add(moment, policy(), misfire=moment.event.event_id == "e2")
    assert np.array(table.values).shape == (12, len(TERMS))
    assert table.misfires == [True] + [False] * 11
    expected = [(RiskClass.PRIVATE_OUTBOUND, day < NEW_HOUSEHOLD_SESSIONS) for day in range(12)]
    assert table.categories == expected
