from __future__ import annotations

from streams.local.bench.soak import Grown, Samples, Soak, judged
from streams.local.bench.trend import Trend

SECONDS = [5.0 * number for number in range(400)]


def samples(leak: float = 0.0, files: int = 0) -> Samples:
    """Samples of a part that grows in its first minutes, and then by ``leak`` MiB an hour."""
    return Samples(
        seconds=SECONDS,
        mib=[100.0 + min(at / 20.0, 10.0) + leak * at / 3600.0 for at in SECONDS],
        files=[20 + files * number // 50 for number in range(400)],
    )


def test_growth_during_the_first_minutes_is_not_judged() -> None:
    found = judged(samples(), 900)
    assert found == Grown(110.0, Trend(0.0, 0.0), files_before=20, files_after=20, cpu_us=900)
    assert found.ok


def test_memory_that_rises_is_found() -> None:
    found = judged(samples(leak=2.0), 900)
    assert found.memory.per_hour == 2.0
    assert not found.ok


def test_open_files_that_are_never_closed_are_found() -> None:
    found = judged(samples(files=1), 900)
    assert (found.files_before, found.files_after) == (24, 26)
    assert not found.ok


def soak(**changes: object) -> Soak:
    fine = judged(samples(), 900)
    given = {
        "broker": "Apache Kafka",
        "minutes": 30.0,
        "rate": 5.0,
        "load_average": 0.1,
        "calls": 9_000,
        "answers": {"worker": 9_000},
        "p50_ms": 5.0,
        "p99_ms": 9.0,
        "events": 9_000,
        "dead_letters": 0,
        "core_share": 0.1,
        "parts": {"worker": fine, "gateway": fine},
    }
    return Soak(**{**given, **changes})  # type: ignore[arg-type]


def test_a_soak_fails_by_growth_dead_letters_or_a_missing_answer() -> None:
    leaking = judged(samples(leak=2.0), 900)
    assert soak().ok
    assert not soak(parts={"worker": leaking}).ok
    assert not soak(dead_letters=1).ok
    assert not soak(answers={"worker": 8_999, "no answer": 1}).ok
    assert soak(answers={"worker": 4_501, "gateway": 4_499}).ok
    assert not soak(answers={"worker": 4_500, "gateway": 4_500}).ok


def test_growth_of_the_broker_is_shown_but_not_judged() -> None:
    assert soak(parts={"broker": judged(samples(leak=9.0), 900)}).ok
