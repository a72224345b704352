from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.rules import Rule, RuleAct
from detector.decision.rule_timeline import RuleTimeline
from streams.files.bundles import write_bundle
from streams.kafka.topics import DECISIONS
from streams.lifecycle.library import reference_to
from streams.telemetry import metrics
from streams.wire.announcements import Announcement, BundleReference, Channel
from streams.wire.shadow_verdict import ShadowVerdict
from streams.worker import shadow
from streams.worker.shadow import Shadows
from tests.detector.builders import SURE, hand_bundle, heard, run, send_message
from tests.detector.decision.test_shadow import CAREFUL
from tests.detector.rules import rule
from tests.streams.fakes import Bench, intent_record
from tests.streams.worker.shadow_faults import broken, ending, pausing

EVENTS = heard(send_message(), SURE)
COMMAND = EVENTS[-1]
TRACE = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"
#: Seconds until a spawned process has surely answered, on a machine that is busy.
PATIENCE = 250.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def counted(verdict: Verdict, active: Verdict = Verdict.ALLOW) -> float:
    return sum(
        sample.value
        for metric in metrics.SHADOW_COMMANDS.collect()
        for sample in metric.samples
        if sample.labels.get("bundle") == CAREFUL.version
        and (sample.labels["active"], sample.labels["verdict"]) == (active.value, verdict.value)
    )


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture
def careful(tmp_path: Path) -> BundleReference:
    write_bundle(CAREFUL, tmp_path / "careful")
    return reference_to(tmp_path / "careful", CAREFUL)


@pytest.fixture
def closing() -> Iterator[list[Shadows]]:
    made: list[Shadows] = []
    yield made
    for each in made:
        each.close()


async def decide(shadows: Shadows | None, *rules: Rule) -> Bench:
    """Let a worker decide on the three turns of Portland."""
    bench = Bench(hand_bundle())
    bench.worker.context.rules = RuleTimeline({each.rule_id: each for each in rules})
    bench.worker.context.shadows = shadows
    await bench.intents(*(intent_record(each, number) for number, each in enumerate(EVENTS)))
    return bench


async def test_a_shadow_decides_in_its_process_and_changes_nothing(
    careful: BundleReference, closing: list[Shadows], caplog: pytest.LogCaptureFixture
) -> None:
    before, published = counted(Verdict.CONFIRM), list[ShadowVerdict]()
    shadows = Shadows(careful, publish=published.append)
    closing.append(shadows)
    with caplog.at_level(logging.INFO, "streams.worker.shadow"):
        alone, watched = await decide(None), await decide(shadows)
        until(lambda: counted(Verdict.CONFIRM) == before + 1)

    assert watched.table.data == alone.table.data
    assert [(each.topic, each.value) for each in watched.kafka.records] == [
        (each.topic, each.value) for each in alone.kafka.records
    ]
    (line,) = [record for record in caplog.records if record.message == "shadow"]
    assert line.fields["active"] == "allow"  # type: ignore[attr-defined]
    (verdict,) = published
    decisions, _ = run(EVENTS, hand_bundle())
    assert (verdict.event_id, verdict.decision_id) == (COMMAND.event_id, decisions[-1].decision_id)
    assert (verdict.active, verdict.verdict) == (Verdict.ALLOW, Verdict.CONFIRM)
    assert (verdict.channel, verdict.bundle) == (None, CAREFUL.version)
    assert round(sum(verdict.chain_bits), 6) == verdict.surprisal_bits
    assert verdict.time == COMMAND.time


async def test_a_disagreement_that_a_rule_ends_is_none(
    careful: BundleReference, closing: list[Shadows], caplog: pytest.LogCaptureFixture
) -> None:
    """The rule asks about what the active bundle allows, as the shadow does."""
    before = counted(Verdict.CONFIRM, Verdict.CONFIRM)
    shadows = Shadows(careful)
    closing.append(shadows)
    with caplog.at_level(logging.INFO, "streams.worker.shadow"):
        await decide(shadows, rule(act=RuleAct.CONFIRM), rule(rule_id="r2", intent="music.*"))
        until(lambda: counted(Verdict.CONFIRM, Verdict.CONFIRM) == before + 1)

    assert [record for record in caplog.records if record.message == "shadow"] == []


@pytest.mark.parametrize("fault", [broken, ending])
async def test_a_failing_or_dying_shadow_is_counted_and_has_no_effect(
    fault: shadow.Decide, careful: BundleReference, closing: list[Shadows]
) -> None:
    before = metrics.SHADOW_FAILURES._value.get()
    shadows = Shadows(careful, decide=fault)
    closing.append(shadows)

    bench = await decide(shadows)

    assert len(bench.kafka.on(DECISIONS)) == len(EVENTS)
    until(lambda: metrics.SHADOW_FAILURES._value.get() == before + 1)


async def test_answers_do_not_wait_for_a_shadow_that_pauses(
    careful: BundleReference, closing: list[Shadows]
) -> None:
    """All answers are written before the shadow, which pauses for a second, has decided."""
    before = counted(Verdict.CONFIRM)
    shadows = Shadows(careful, decide=pausing)
    closing.append(shadows)

    bench = await decide(shadows)

    assert len(bench.kafka.on(DECISIONS)) == len(EVENTS)
    assert counted(Verdict.CONFIRM) == before
    until(lambda: counted(Verdict.CONFIRM) == before + 1)


def test_commands_beyond_the_places_are_skipped_and_counted(
    careful: BundleReference, closing: list[Shadows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "_WAITING", 1)
    before = metrics.SHADOW_SKIPPED._value.get()
    shadows = Shadows(careful, decide=pausing)
    closing.append(shadows)
    decisions, state = run(EVENTS, hand_bundle())
    for _ in range(3):
        shadows.decided(state, None, COMMAND, decisions[-1], TRACE, at=COMMAND.seconds)

    assert metrics.SHADOW_SKIPPED._value.get() == before + 2


def test_a_process_that_ended_is_started_again_after_a_pause(careful: BundleReference) -> None:
    now = [0.0]
    shadows = Shadows(careful, clock=lambda: now[0])
    pool = shadows._running()
    assert pool is not None
    shadows._ended(pool, RuntimeError())

    assert shadows._running() is None
    now[0] = 10.0
    again = shadows._running()
    assert again is not None
    assert again is not pool
    for each in (pool, again):
        each.shutdown()


def test_each_shadow_channel_has_its_bundle(careful: BundleReference) -> None:
    other = BundleReference(version="0" * 16, location="/nowhere", sha256="0" * 64)
    shadows = Shadows(careful)

    shadows.update(
        {
            name: Channel(channel=name, announcements=(announcement(reference),))
            for name, reference in (("active", None), ("shadow-a", other), ("shadow-b", careful))
        }
    )

    assert shadows.versions == [CAREFUL.version, other.version]
    assert shadows._channels == {other.sha256: "shadow-a", careful.sha256: "shadow-b"}
    shadows.update({})
    assert shadows.versions == [CAREFUL.version]


def announcement(reference: BundleReference | None) -> Announcement:
    return Announcement(
        number=1, bundle=reference, who="ann", why="a test", time=datetime(2026, 1, 5, tzinfo=UTC)
    )
