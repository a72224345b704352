"""If the file, the bundle or the disk cannot be used, the policy answers, marked and logged."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.contracts.confirmations import Refusal
from detector.contracts.decisions import ConfirmMethod, Decision, Rung, Verdict
from detector.contracts.errors import PolicyError
from detector.contracts.events import Act, OutcomeKind
from detector.contracts.standing import Standing
from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from streams.embedded.transaction import Transaction
from streams.errors import DependencyUnavailable
from streams.files.bundles import sign_bundle, write_bundle
from streams.hook import AsyncEmbeddedHook, Call, EmbeddedHook, InvalidValue
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    POLICY_TEXT,
    SURE,
    event,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)

COMMAND = event(1, commits=True, act=Act.INITIATE, wake_confidence=SURE)
MILD = event(2, commits=True, intent="lights.TurnOn", wake_confidence=SURE)
ASKED = run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1]
PATIENT_MS = 10_000


def fallback(decision: Decision, code: str) -> None:
    assert (decision.rung, decision.degraded) == (Rung.POLICY, True)
    assert decision.verdict is Verdict.CONFIRM
    assert decision.reasons[0].code == code
    assert decision.reasons[0].text.endswith("; the policy's rule answers.")


def locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


def damaged(path: Path) -> None:
    path.write_bytes(b"no database, and long enough to be read as one" * 50)


def another_kind(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE states (entity TEXT)")


def newer(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 7")


def state_damaged(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("UPDATE households SET state = x'0200'")


def full(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'full'); END"
        )


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("breaking", "code"),
    [
        (locked, "file_locked"),
        (damaged, "file_damaged"),
        (another_kind, "file_damaged"),
        (state_damaged, "file_damaged"),
        (newer, "file_newer"),
        (full, "file_unavailable"),
        (a_folder, "file_unavailable"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_an_unusable_file_is_answered_by_the_policy(
    breaking: Callable[[Path], object], code: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, calls = tmp_path / "home.db", list[Call]()
    with EmbeddedHook(path, bundle=hand_bundle(), deadline_ms=PATIENT_MS) as hook:
        assert hook.decide(event()).rung is Rung.WORKER
    held = breaking(path)
    before = path.read_bytes() if path.is_file() else b""

    with EmbeddedHook(
        path, bundle=hand_bundle(), deadline_ms=400, observers=[calls.append]
    ) as hook:
        fallback(hook.decide(COMMAND), code)
        assert hook.decide(MILD).degraded
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False

    assert [(call.rung, call.reason) for call in calls[:2]] == [("policy", code)] * 2
    assert str(path) in caplog.text
    assert "the policy's rule answers" in caplog.text
    if breaking in (damaged, another_kind):
        assert path.read_bytes() == before
    if isinstance(held, sqlite3.Connection):
        held.close()


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    with EmbeddedHook(tmp_path / "no" / "home.db", bundle=hand_bundle()) as hook:
        fallback(hook.decide(COMMAND), "file_unavailable")
    assert not (tmp_path / "no").exists()


def test_a_file_that_is_usable_again_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "home.db"
    with EmbeddedHook(path, bundle=hand_bundle(), deadline_ms=400) as hook:
        path.mkdir()
        fallback(hook.decide(COMMAND), "file_unavailable")
        path.rmdir()
        assert hook.decide(COMMAND).rung is Rung.WORKER


def test_a_file_that_is_deleted_or_replaced_is_opened_again(tmp_path: Path) -> None:
    path, kept = tmp_path / "home.db", tmp_path / "kept.db"
    with EmbeddedHook(path, bundle=hand_bundle(), deadline_ms=PATIENT_MS) as hook:
        first = hook.decide(COMMAND)
        path.rename(kept)
        assert hook.decide(replace(COMMAND, device_id="another")).rung is Rung.WORKER
        assert path.is_file()
        kept.replace(path)
        assert hook.decide(COMMAND) == first


def test_without_a_usable_bundle_the_policy_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedHook(tmp_path / "home.db", bundle=tmp_path / "nothing") as hook:
        fallback(hook.decide(COMMAND), "no_bundle")
    write_bundle(hand_bundle(), tmp_path / "bundle")
    (tmp_path / "bundle" / "arrays.npz").write_bytes(b"x")
    with EmbeddedHook(tmp_path / "home.db", bundle=tmp_path / "bundle") as hook:
        fallback(hook.decide(COMMAND), "bundle_damaged")
        assert hook.confirm(ASKED, ConfirmMethod.PIN, proof="p").reason is Refusal.UNCHECKED
        assert hook.report(outcome("e1", OutcomeKind.EXECUTED)) is False
    assert "there is no bundle in" in caplog.text
    assert not (tmp_path / "home.db").exists()


def test_a_bundle_needs_the_signature_of_the_given_key(tmp_path: Path) -> None:
    home, place, public = tmp_path / "home.db", tmp_path / "bundle", tmp_path / "bundle.pub"
    key = Ed25519PrivateKey.generate()
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    write_bundle(hand_bundle(), place)
    with EmbeddedHook(home, bundle=place, bundle_public_key=public) as hook:
        fallback(hook.decide(COMMAND), "bundle_damaged")
    sign_bundle(place, key)
    with EmbeddedHook(home, bundle=place, bundle_public_key=public, deadline_ms=PATIENT_MS) as hook:
        assert hook.decide(COMMAND).rung is Rung.WORKER
    with pytest.raises(DependencyUnavailable, match="cannot be read"):
        EmbeddedHook(home, bundle=place, bundle_public_key=tmp_path / "nothing.pub")
    with pytest.raises(InvalidValue, match="bundle_public_key needs bundle"):
        EmbeddedHook(home, bundle=hand_bundle(), bundle_public_key=public)


def test_a_wrong_argument_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="keep_days"):
        EmbeddedHook(tmp_path / "home.db", bundle=hand_bundle(), keep_days=0)
    (tmp_path / "policy.toml").write_text("base_rate = 7\n")
    with pytest.raises(PolicyError):
        EmbeddedHook(tmp_path / "home.db", bundle=hand_bundle(), policy=tmp_path / "policy.toml")


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make the disk hang in the next transaction until the event is set."""
    free, transaction = threading.Event(), HouseholdFile.transaction

    @contextmanager
    def slow(self: HouseholdFile) -> Iterator[Transaction]:
        free.wait(30)
        with transaction(self) as found:
            yield found

    with monkeypatch.context() as patched:
        patched.setattr(HouseholdFile, "transaction", slow)
        yield free
        free.set()


def test_a_hung_disk_is_answered_in_time_and_the_file_learns_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "home.db"
    hook = EmbeddedHook(path, bundle=hand_bundle(), deadline_ms=200)
    doubtful = event(3, commits=True, intent="lights.TurnOn", wake_confidence=ABSURD)
    with hanging(monkeypatch):
        began = time.monotonic()
        late = hook.decide(doubtful)
        assert time.monotonic() - began < 20
        assert (late.verdict, late.reasons[0].code) == (Verdict.ALLOW, "file_timeout")
    hook.close()
    with HouseholdFile(path, patience=1.0).transaction() as transaction:
        state = transaction.stored("h1").state
    assert [decision.verdict for decision in state.recent] != [Verdict.ALLOW]
    assert [pending.standing for pending in state.pending] == [Standing.LET_RUN]


def test_no_answer_waits_until_the_file_is_tidied_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, tidied = threading.Event(), threading.Event()

    def slow(_: Home) -> None:
        free.wait(30)
        tidied.set()

    monkeypatch.setattr(Home, "tidy", slow)
    with EmbeddedHook(tmp_path / "home.db", bundle=hand_bundle(), deadline_ms=PATIENT_MS) as hook:
        assert hook.decide(COMMAND).rung is Rung.WORKER
        assert not tidied.is_set()
        free.set()
        assert tidied.wait(30)


async def test_a_hung_disk_does_not_block_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    hook = AsyncEmbeddedHook(tmp_path / "home.db", bundle=hand_bundle(), deadline_ms=300)
    with hanging(monkeypatch):
        fallback(await hook.decide(COMMAND), "file_timeout")
    assert ticks > 3
    ticking.cancel()
    await hook.close()


def test_calls_behind_a_hung_disk_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = EmbeddedHook(tmp_path / "home.db", bundle=hand_bundle(), deadline_ms=1)
    with hanging(monkeypatch):
        texts = [hook.decide(event(number)).reasons[0].text for number in range(80)]
        assert "64 earlier calls are still waiting" in texts[-1]
    hook.close()


def test_a_policy_replaces_the_bundles(tmp_path: Path) -> None:
    text = POLICY_TEXT.replace('enforcement = "enforce"', 'enforcement = "shadow"')
    (tmp_path / "policy.toml").write_text(text)
    bundle = hand_bundle()
    with EmbeddedHook(
        tmp_path / "home.db",
        bundle=bundle,
        policy=tmp_path / "policy.toml",
        deadline_ms=PATIENT_MS,
    ) as hook:
        decision = hook.decide(event(1, commits=True, wake_confidence=ABSURD))
    assert (decision.verdict, decision.effective_verdict) == (Verdict.BLOCK, Verdict.ALLOW)
    assert decision.bundle != bundle.version
