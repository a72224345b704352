from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.contracts.decisions import Rung
from detector.contracts.events import IntentEvent, OutcomeKind
from streams.errors import DependencyUnavailable, UsageError
from streams.files.household_secrets import SecretsFile, SecretUnavailable
from streams.files.keyring import new_keyring
from streams.hook import Hook
from streams.hook.tokenizing import Tokens
from streams.wire.token_format import check_tokens
from tests.detector.builders import event, outcome

KEYRING = new_keyring("acme", datetime(2026, 1, 1, tzinfo=UTC))
SAID = event(
    household_id="millers-home", slots={"contact": "Mom", "text": "see you at 8"}, speaker_id="anna"
)


@pytest.fixture
def secrets(tmp_path: Path) -> SecretsFile:
    return SecretsFile(tmp_path / "secrets.db")


def values(sent: IntentEvent) -> set[str]:
    return {sent.household_id, sent.device_id, str(sent.speaker_id), *sent.slots.values()}


def test_a_secret_is_created_once_and_kept(secrets: SecretsFile, tmp_path: Path) -> None:
    first = secrets.secret("h1")

    assert len(first) == 32
    assert secrets.secret("h1") == first != secrets.secret("h2")
    assert SecretsFile(tmp_path / "secrets.db").secret("h1") == first


def test_a_deleted_secret_never_makes_the_same_token_again(secrets: SecretsFile) -> None:
    """Not even with the keyring, the household's id and every word."""
    tokens = Tokens(KEYRING, secrets)
    sent = tokens.event(SAID)
    check_tokens(sent, ids=True)
    assert tokens.event(SAID) == sent

    assert secrets.forget("millers-home")

    assert values(Tokens(KEYRING, secrets).event(SAID)).isdisjoint(values(sent))
    assert values(Tokens(KEYRING).event(SAID)).isdisjoint(values(sent))
    guessed = Tokens(KEYRING, secrets).slots(sent.household_id, SAID.slots, SAID.time)
    assert set(guessed.values()).isdisjoint(sent.slots.values())
    assert not secrets.forget("nobody")


def test_other_households_keep_their_tokens(secrets: SecretsFile) -> None:
    tokens, others = Tokens(KEYRING, secrets), replace(SAID, household_id="smiths-home")
    sent = tokens.event(others)
    tokens.event(SAID)
    secrets.forget("millers-home")

    assert tokens.event(others) == sent


def test_a_token_creates_no_secret(secrets: SecretsFile, tmp_path: Path) -> None:
    tokens = Tokens(KEYRING, secrets)
    sent = tokens.event(SAID)

    assert tokens.event(sent) == sent
    with sqlite3.connect(tmp_path / "secrets.db") as file:
        assert file.execute("SELECT household FROM secrets").fetchall() == [("millers-home",)]


def test_a_confirmation_has_the_tokens_of_its_question(secrets: SecretsFile) -> None:
    """A decision names its household by the token, which determines the tokens of the slots."""
    tokens = Tokens(KEYRING, secrets)
    sent = tokens.event(SAID)

    assert tokens.slots(sent.household_id, SAID.slots, SAID.time) == sent.slots
    # Another process cannot map the token to its household: the confirmation is refused as changed.
    assert Tokens(KEYRING, secrets).slots(sent.household_id, SAID.slots, SAID.time) != sent.slots
    secrets.forget(SAID.household_id)
    assert tokens.slots(sent.household_id, SAID.slots, SAID.time) != sent.slots


def test_an_event_reads_its_secret_once() -> None:
    asked: list[str] = []

    class Counting:
        def secret(self, household_id: str) -> bytes:
            asked.append(household_id)
            return b"1" * 32

        def forget(self, household_id: str) -> bool:
            raise NotImplementedError

    Tokens(KEYRING, Counting()).event(SAID)

    assert asked == ["millers-home"]


def test_a_secret_is_overwritten_in_the_file(secrets: SecretsFile, tmp_path: Path) -> None:
    secret = secrets.secret("millers-home")
    secrets.secret("smiths-home")
    assert any(secret in path.read_bytes() for path in tmp_path.iterdir())

    secrets.forget("millers-home")

    assert not any(
        secret in path.read_bytes() or b"millers" in path.read_bytes()
        for path in tmp_path.iterdir()
    )


def test_concurrent_callers_get_the_same_secret(secrets: SecretsFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(secrets.secret, ["h1"] * 64))) == 1


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.db"
    SecretsFile(path)
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        SecretsFile(path)


def test_a_file_that_is_not_a_database_is_rejected(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_bytes(b"no database, and long enough to be read as one" * 50)
    with pytest.raises(UsageError, match="is not a file of household secrets"):
        SecretsFile(wrong)
    with pytest.raises(DependencyUnavailable, match="cannot be used"):
        SecretsFile(tmp_path / "nowhere" / "secrets.db")


class Broken:
    def secret(self, household_id: str) -> bytes:
        raise OSError(household_id)

    def forget(self, household_id: str) -> bool:
        raise OSError(household_id)


def test_if_the_secret_store_fails_nothing_is_sent_and_the_policy_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Hook("http://127.0.0.1:9", tokens=Tokens(KEYRING, Broken())) as hook:
        decision = hook.decide(SAID)
        reported = hook.report(outcome("e1", OutcomeKind.DENIED, household_id=SAID.household_id))

    assert (decision.rung, decision.degraded) == (Rung.POLICY, True)
    assert decision.reasons[0].code == "secret_unavailable"
    assert "OSError" in decision.reasons[0].text
    assert SAID.household_id not in decision.reasons[0].text + caplog.text
    assert not reported


def test_a_missing_file_is_named_in_the_error(secrets: SecretsFile, tmp_path: Path) -> None:
    (tmp_path / "secrets.db").unlink()
    with pytest.raises(SecretUnavailable, match=r"secrets\.db cannot be used"):
        Tokens(KEYRING, secrets).event(SAID)
