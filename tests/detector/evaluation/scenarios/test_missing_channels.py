from detector.evaluation.scenarios.missing_channels import without_confidences, without_history
from tests.detector.builders import heard, send_message


def test_without_confidences_every_confidence_is_missing() -> None:
    events = heard(send_message(), 0.9)
    assert events[0].wake_confidence == 0.9
    assert without_confidences(events) == heard(send_message(), None)


def test_without_history_each_session_has_its_own_household() -> None:
    """Sessions of two households may share an id. Events keep their order and ids."""
    events = [
        *send_message(0, session="s1", household_id="a"),
        *send_message(3, session="s2", household_id="a"),
        *send_message(6, session="s1", household_id="b"),
    ]
    found = without_history(events)
    assert [event.event_id for event in found] == [event.event_id for event in events]
    assert [event.household_id for event in found] == ["new-0"] * 3 + ["new-1"] * 3 + ["new-2"] * 3
