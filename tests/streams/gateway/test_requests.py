from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.errors import RecordError
from streams.gateway.requests import context_of, event_number
from streams.serving.access.guard import Caller, Guard
from streams.serving.access.token_file import Scope, new_token
from streams.settings import Settings

SETTINGS = Settings(callback_urls="https://runtime.home.arpa/late,acme=https://acme.example/late")
ANYBODY = Caller(Guard(None))
ACME = Caller(Guard(None), new_token("acme", frozenset(Scope), 1)[1], "hacme")


def deadline(seconds: float) -> dict[str, str]:
    return {"x-misfire-deadline": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}


def test_the_default_deadline_comes_from_the_settings() -> None:
    assert context_of({}, SETTINGS, ANYBODY).seconds == SETTINGS.deadline_ms / 1000


def test_time_spent_in_transit_is_subtracted() -> None:
    left = context_of(
        {"x-misfire-deadline-ms": "10000", **deadline(2.0)}, SETTINGS, ANYBODY
    ).seconds

    assert 0.0 < left <= 2.0


@pytest.mark.parametrize("seconds", [-30.0, 30.0])
def test_an_absolute_deadline_never_extends_the_deadline_and_a_skewed_clock_is_ignored(
    seconds: float,
) -> None:
    assert (
        context_of({"x-misfire-deadline-ms": "500", **deadline(seconds)}, SETTINGS, ANYBODY).seconds
        == 0.5
    )


@pytest.mark.parametrize("absolute", ["soon", "2026-01-05T18:00:00", "", "1"])
def test_an_invalid_absolute_deadline_is_refused(absolute: str) -> None:
    with pytest.raises(RecordError) as refused:
        context_of({"x-misfire-deadline": absolute}, SETTINGS, ANYBODY)

    assert refused.value.code == "bad_deadline"


@pytest.mark.parametrize("seconds", [0.001, 0.004, 0.15, 10.0])
def test_time_is_reserved_for_writing_the_answer(seconds: float) -> None:
    context = context_of({"x-misfire-deadline-ms": str(int(1000 * seconds))}, SETTINGS, ANYBODY)

    assert context.wait <= context.seconds - 0.004


@pytest.mark.parametrize(
    ("caller", "url"),
    [(ANYBODY, "https://runtime.home.arpa/late"), (ACME, "https://acme.example/late/1")],
)
def test_a_callback_is_accepted_from_the_tenant_that_it_is_listed_for(
    caller: Caller, url: str
) -> None:
    assert context_of({"x-misfire-late-url": url}, SETTINGS, caller).callback == url


@pytest.mark.parametrize(
    ("caller", "url"),
    [
        (ACME, "https://runtime.home.arpa/late"),
        (ANYBODY, "https://acme.example/late"),
        (ANYBODY, "http://127.0.0.1:8752/v1/households/h1/erasure"),
    ],
)
def test_a_callback_is_refused_from_other_callers(caller: Caller, url: str) -> None:
    with pytest.raises(RecordError) as refused:
        context_of({"x-misfire-late-url": url}, SETTINGS, caller)

    assert refused.value.code == "bad_callback"


def test_last_event_id_must_be_a_number_that_we_issued() -> None:
    assert event_number("") is None
    assert event_number("1767571200000") == 1_767_571_200_000

    for other in ("9" * 5_000, "²", "-1", "1.0", " 1", "x"):
        with pytest.raises(RecordError) as refused:
            event_number(other)
        assert refused.value.code == "bad_event_id"
