from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import OutcomeKind
from streams.errors import DependencyUnavailable, UsageError
from streams.files.keyring import new_keyring, read_keyring, rotated, write_keyring
from streams.hook.tokenizing import Tokens
from streams.wire.token_format import TOKEN, check_tokens
from tests.detector.builders import event, outcome

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=100)
ACME = new_keyring("acme", START)
TOKENS = Tokens(ACME)
OTHER = Tokens(new_keyring("other", START))


def said(
    tokens: Tokens, household: str, value: str, name: str = "contact", time: datetime = START
) -> str:
    return tokens.slots(household, {name: value}, time)[name]


def test_an_event_is_sent_with_tokens_only_and_tokenizing_is_idempotent() -> None:
    raw = event(
        slots={"contact": "Mom", "text": "see you at 8"}, speaker_id="anna", device_id="kitchen"
    )
    sent = TOKENS.event(raw)

    check_tokens(sent, ids=True)
    assert TOKENS.event(sent) == sent
    assert (sent.event_id, sent.session_id, sent.intent) == (
        raw.event_id,
        raw.session_id,
        raw.intent,
    )
    assert TOKENS.outcome(outcome("e1", OutcomeKind.DENIED)).household_id == sent.household_id
    assert TOKENS.event(event()).speaker_id is None


def test_a_default_session_id_does_not_reveal_the_device_id() -> None:
    raw = event(device_id="kitchen", session_id="")
    sent = TOKENS.event(raw)
    assert (
        sent.session_id
        == event(device_id=sent.device_id, session_id="").session_id
        != raw.session_id
    )
    assert TOKENS.event(sent) == sent


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_word_has_another_token_in_another_household_slot_or_tenant(
    household: str, value: str
) -> None:
    tokens = {
        said(TOKENS, household, value),
        said(TOKENS, f"{household}'", value),
        said(TOKENS, household, value, name="text"),
        said(OTHER, household, value),
        TOKENS.device(household, value, START),
        TOKENS.speaker(household, value, START),
        TOKENS.household(value),
        OTHER.household(value),
    }
    assert len(tokens) == 8
    assert all(map(TOKEN.fullmatch, tokens))


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_the_order_of_the_token_parts_matters(parts: list[str]) -> None:
    first, second = parts
    assert TOKENS.device(first, second, START) != TOKENS.device(second, first, START)


@pytest.mark.parametrize("same", ["mom", "MOM", "  Mom ", "\uff2dom"])
def test_spellings_of_a_word_share_a_token(same: str) -> None:
    assert said(TOKENS, "h1", same) == said(TOKENS, "h1", "Mom")
    assert said(TOKENS, "h1", "mum") != said(TOKENS, "h1", "Mom")


def test_a_value_that_only_resembles_a_token_is_replaced() -> None:
    for value in ("k1_5f0c", "dev_12", f"k9_{'0' * 16}"):
        assert said(TOKENS, "h1", value) != value


def test_a_token_equals_a_value_computed_with_openssl() -> None:
    """Computed with ``openssl dgst -sha256 -mac HMAC`` over the same JSON list."""
    keyring = replace(ACME, household=replace(ACME.household, secret="0b" * 32))
    assert Tokens(keyring).household("h1") == "h1_35fc4e15b2e6b191757103a78ed9f9ff"


def test_households_rotate_one_by_one_and_both_keys_stay_valid_meanwhile() -> None:
    ring = rotated(ACME, LATER)
    tokens, homes = Tokens(ring), [f"home{number}" for number in range(400)]

    def of_the_new(days: float) -> float:
        time = LATER + timedelta(days=days)
        return sum(said(tokens, home, "mom", time=time).startswith("k2_") for home in homes) / len(
            homes
        )

    assert of_the_new(-0.001) == 0
    assert 0.4 < of_the_new(15) < 0.6
    assert of_the_new(30) == 1
    assert all(said(tokens, home, "mom") == said(TOKENS, home, "mom") for home in homes)
    assert {tokens.household(home) for home in homes} == {TOKENS.household(home) for home in homes}
    assert ring.valid(LATER - timedelta(1)) == ("k1",)
    assert ring.valid(LATER) == ring.valid(LATER + timedelta(29.9)) == ("k1", "k2")
    assert ring.valid(LATER + timedelta(30)) == ("k2",)


def test_a_rotation_waits_for_the_previous_one_and_drops_expired_keys() -> None:
    ring = rotated(ACME, LATER)
    with pytest.raises(UsageError, match="k1 and k2 are both still valid"):
        rotated(ring, LATER + timedelta(days=10))
    assert [key.id for key in rotated(ring, LATER + timedelta(days=31)).keys] == ["k2", "k3"]


def test_a_keyring_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keyring(path, ACME)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_keyring(path) == ACME
    assert list(tmp_path.iterdir()) == [path]

    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        read_keyring(path)
    with pytest.raises(DependencyUnavailable):
        read_keyring(tmp_path / "none")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    secret = ACME.keys[0].secret
    assert secret not in repr(ACME)
    path = tmp_path / "keys.json"
    write_keyring(path, ACME)
    path.write_text(path.read_text().replace('"k1"', '"K 1"').replace(secret, f"{secret}zz"))
    with pytest.raises(UsageError, match=r"keys\.0\.id, keys\.0\.secret") as refused:
        read_keyring(path)
    assert secret not in str(refused.value)
