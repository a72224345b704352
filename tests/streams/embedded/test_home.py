from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest

from detector.contracts.decisions import Verdict
from streams.embedded.household_file import HouseholdFile
from streams.embedded.transaction import KeptRecord
from streams.errors import RecordError
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME
from tests.detector.builders import (
    ABSURD,
    POLICY_TEXT,
    SURE,
    event,
    hand_bundle,
    heard,
    policy,
    run,
    send_message,
)
from tests.streams.embedded.conftest import decide_each, opened_home


def kept(path: Path) -> list[KeptRecord]:
    with HouseholdFile(path, patience=1.0).transaction() as transaction:
        return list(transaction.records())


def test_every_event_answer_and_outcome_is_kept_once(home_file: Path) -> None:
    types = [each.type for each in kept(home_file)]
    assert types == [*[INTENT.type, DECISION.type] * 6, ANSWER.type, OUTCOME.type]


def test_a_repeated_event_is_not_kept_again(home_file: Path) -> None:
    home, before = opened_home(home_file), len(kept(home_file))
    decide_each(home, heard(send_message(), SURE))
    assert len(kept(home_file)) == before
    with pytest.raises(RecordError) as raised:
        home.decide(event(0, device_id="another"), 0.0)
    assert raised.value.code == "id_reused"


def test_a_home_goes_on_where_it_stopped(tmp_path: Path) -> None:
    events = [*heard(send_message(), SURE), *heard(send_message(10, session="s2", days=1.0), SURE)]
    for each in events:  # a new process for every event
        home = opened_home(tmp_path / "home.db")
        home.decide(each, each.seconds)
        home.file.close()
    with HouseholdFile(tmp_path / "home.db", patience=1.0).transaction() as transaction:
        _, state = run(events, home._bundle)
        assert transaction.stored("h1").state == state
        assert state.learned == 1


def test_what_another_process_writes_is_seen(tmp_path: Path) -> None:
    path, events = tmp_path / "home.db", heard(send_message(), SURE)
    one, other = opened_home(path), opened_home(path)
    one.decide(events[0], events[0].seconds)
    other.decide(events[1], events[1].seconds)
    last = one.decide(events[2], events[2].seconds)
    assert last == run(events, one._bundle)[0][-1]


def test_records_are_kept_for_the_given_days_and_what_was_learned_for_longer(
    home_file: Path,
) -> None:
    home = opened_home(home_file, keep_days=30.0)
    late = event(90, session_id="s9", time=event().time + timedelta(days=30.5))
    home.decide(late, late.seconds)
    home.tidy()
    days = {int((each.at - event().seconds) // 86_400) for each in kept(home_file)}
    assert days == {1, 30}  # not those of day 0
    with home.file.transaction() as transaction:
        assert transaction.stored("h1").state.learned == 2


def test_the_log_is_written_back_between_calls(tmp_path: Path) -> None:
    """The file itself then has the records, without the log that a closed file would write back."""
    home, path = opened_home(tmp_path / "home.db"), tmp_path / "home.db"
    for number in range(80):
        each = event(number, session_id=f"s{number}", time=event().time + timedelta(minutes=number))
        home.decide(each, each.seconds)
        home.tidy()
    alone = tmp_path / "alone.db"
    alone.write_bytes(path.read_bytes())
    assert len(kept(alone)) >= 2 * 60


def test_an_error_while_tidying_up_is_logged(
    home_file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = opened_home(home_file)
    first, second = (event(number, session_id=f"s{number}") for number in (90, 91))
    home.decide(first, first.seconds)
    with monkeypatch.context() as patched:
        patched.setattr(home.file, "transaction", mock.Mock(side_effect=OSError("full")))
        home.tidy()
    assert "could not be tidied up: full" in caplog.text
    assert home.decide(second, second.seconds).event_id == second.event_id


def test_the_block_budget_turns_blocks_into_questions(tmp_path: Path) -> None:
    strict = policy(POLICY_TEXT.replace("least_commands = 200", "least_commands = 1"))
    home = opened_home(tmp_path / "home.db", bundle=hand_bundle(rules=strict))
    first, second = (
        event(number, session_id=f"s{number}", commits=True, wake_confidence=ABSURD)
        for number in (1, 2)
    )
    assert home.decide(first, first.seconds).verdict is Verdict.BLOCK
    softened = home.decide(second, second.seconds)
    assert softened.verdict is Verdict.CONFIRM
    assert "block_budget" in {reason.code for reason in softened.reasons}


def test_erasing_leaves_nothing_in_the_file(home_file: Path) -> None:
    home = opened_home(home_file)
    with home.file.transaction() as transaction:
        assert transaction.erase("h1") == 14
    home.file.shrink()
    home.file.close()
    content = b"".join(each.read_bytes() for each in home_file.parent.iterdir())
    assert b"SendMessage" not in content
    assert b"h1" not in content
    assert kept(home_file) == []
