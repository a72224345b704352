from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle, make_bundle
from detector.decision.canary import in_canary
from streams.files.bundles import write_bundle
from streams.kafka.topics import DECISIONS, INTENTS, REPLIES
from streams.lifecycle.library import Library, reference_to
from streams.wire.announcements import ACTIVE, ANNOUNCEMENT, IN_USE, Announcement, BundleReference
from streams.wire.records import CORRELATION_ID, DECISION, PROBE, REPLY_PARTITION
from streams.wire.state.packing import Stored, unpack
from streams.worker.deciding import Deciding
from tests.detector.builders import SURE, hand_bundle, heard, run, send_message
from tests.detector.decision.test_carrying import OTHER
from tests.streams.fakes import Bench, FakeEvent, home_of, intent_record
from tests.streams.lifecycle.announcements import TOPIC, announcement, channel, reference

HOME = home_of(b"h1")


@pytest.fixture
def other(tmp_path: Path) -> BundleReference:
    write_bundle(OTHER, tmp_path / "other")
    return reference_to(tmp_path / "other", OTHER)


def turns(number: int) -> list[IntentEvent]:
    """Return the three turns of a session of its own."""
    return heard(send_message(first=3 * number, session=f"s{number}", days=number), SURE)


def mark(number: int, offset: int) -> FakeEvent:
    headers = [("ce_type", PROBE.encode()), (ANNOUNCEMENT, str(number).encode())]
    return FakeEvent(INTENTS, offset, None, b"{}", headers, partition=HOME)


def unfinished(number: int, where: BundleReference, **fields: object) -> Announcement:
    return announcement(number, where, since=None, **fields)


def decided_by(bench: Bench) -> list[str]:
    return [DECISION.decode(record.value).bundle for record in bench.kafka.on(DECISIONS)]


async def test_the_bundle_changes_at_the_mark(other: BundleReference) -> None:
    bench = Bench(hand_bundle())
    bench.deciding.update({ACTIVE: channel(unfinished(1, other))})
    before, after = turns(0), turns(1)

    await bench.intents(
        *(intent_record(each, number) for number, each in enumerate(before)),
        mark(1, 3),
        *(intent_record(each, 4 + number) for number, each in enumerate(after)),
    )

    assert decided_by(bench) == [hand_bundle().version] * 3 + [OTHER.version] * 3
    assert unpack(bench.table.data[b"h1"]).bundle == OTHER.version


async def test_a_record_that_is_processed_again_gets_the_same_bundle(
    other: BundleReference,
) -> None:
    """A worker dies without writing a state; the next one begins before the mark, or after it."""
    finished = announcement(1, other, since=(3,) * 4)
    records = [intent_record(each, number) for number, each in enumerate(turns(0))]
    again = Bench(hand_bundle())
    again.deciding.update({ACTIVE: channel(finished)})
    await again.intents(*records, mark(1, 3), intent_record(turns(1)[0], 4))
    later = Bench(hand_bundle())
    later.deciding.update({ACTIVE: channel(finished)})
    await later.intents(intent_record(turns(1)[0], 4))

    assert decided_by(again) == [hand_bundle().version] * 3 + [OTHER.version]
    assert decided_by(later) == [OTHER.version]


async def test_the_mark_of_an_unfinished_announcement_is_not_committed(
    other: BundleReference,
) -> None:
    bench = Bench(hand_bundle())
    bench.deciding.update({ACTIVE: channel(unfinished(1, other))})
    await bench.intents(mark(1, 3), intent_record(turns(0)[0], 4))

    assert bench.worker._uncommitted(INTENTS, HOME) == 3
    assert bench.worker._uncommitted(INTENTS, HOME + 1) is None
    bench.deciding.update({ACTIVE: channel(announcement(1, other, since=(3,) * 4))})
    assert bench.worker._uncommitted(INTENTS, HOME) is None


async def test_only_the_first_mark_after_the_announcement_counts(other: BundleReference) -> None:
    bench = Bench(hand_bundle())
    bench.deciding.update({ACTIVE: channel(unfinished(1, other, floor=(2,) * 4))})
    first, second, third = turns(0)

    await bench.intents(
        mark(1, 1),
        intent_record(first, 2),
        mark(1, 3),
        intent_record(second, 4),
        mark(1, 5),
        mark(7, 6),
        intent_record(third, 7),
    )

    assert decided_by(bench) == [hand_bundle().version, OTHER.version, OTHER.version]
    assert bench.deciding.uncommitted(HOME) == 3
    assert not bench.failures


async def test_a_mark_waits_for_its_announcement(other: BundleReference) -> None:
    bench = Bench(hand_bundle())

    async def announced(number: int) -> bool:
        bench.deciding.update({ACTIVE: channel(unfinished(number, other))})
        return True

    bench.worker.context.announced = announced
    await bench.intents(mark(1, 0), intent_record(turns(0)[0], 1))

    assert decided_by(bench) == [OTHER.version]


async def test_a_bundle_that_cannot_be_read_leaves_the_one_before(
    tmp_path: Path, other: BundleReference, caplog: pytest.LogCaptureFixture
) -> None:
    lost = replace(other, location=str(tmp_path / "gone"))
    bench = Bench(hand_bundle())
    bench.deciding.update({ACTIVE: channel(announcement(1, lost, since=(0,) * 4))})

    await bench.intents(intent_record(turns(0)[0], 5))

    assert decided_by(bench) == [hand_bundle().version]
    used = bench.deciding.in_use(HOME, 5)
    assert (used.announcement, used.bundle) == (0, hand_bundle().version)
    assert "there is no bundle" in used.refused["1"]
    assert "cannot be used; the one before it stays" in caplog.text

    (tmp_path / "other").rename(tmp_path / "gone")
    bench.deciding.library.retry()
    assert bench.deciding.at(HOME, 6, "h1").version == OTHER.version
    assert not bench.deciding.in_use(HOME, 6).refused


def test_a_bundle_other_than_the_announced_one_is_refused(
    tmp_path: Path, other: BundleReference
) -> None:
    library = Library(hand_bundle())
    write_bundle(replaced(), tmp_path / "other")

    assert library.get(announcement(1, other)) is None
    assert "not the one that was announced" in (library.why_refused(announcement(1, other)) or "")


def replaced() -> Bundle:
    own = hand_bundle()
    return make_bundle(own.model, OTHER.judge, own.calibration, own.policy, report=own.report)


async def test_a_probe_is_answered_with_what_decides(other: BundleReference) -> None:
    bench = Bench(hand_bundle())
    canary = announcement(2, other, canary=0.1, since=(10,) * 4)
    bench.deciding.update({ACTIVE: channel(announcement(1, None, since=(0,) * 4), canary)})
    asking = [
        ("ce_type", PROBE.encode()),
        (REPLY_PARTITION, b"0"),
        (CORRELATION_ID, b"c"),
    ]

    await bench.intents(FakeEvent(INTENTS, 11, None, b"{}", asking, partition=HOME))

    (sent,) = bench.kafka.on(REPLIES)
    used = IN_USE.decode(sent.value)
    assert (used.announcement, used.bundle, used.canary) == (
        2,
        hand_bundle().version,
        OTHER.version,
    )
    assert used.loaded == (1, 2)


def test_a_canary_decides_for_its_households(other: BundleReference) -> None:
    deciding = Deciding(Library(hand_bundle()), TOPIC)
    deciding.update({ACTIVE: channel(announcement(1, other, canary=0.3, since=(0,) * 4))})

    for name in (f"home{number}" for number in range(50)):
        wanted = OTHER if in_canary(name, 0.3) else hand_bundle()
        assert deciding.at(0, 1, name).version == wanted.version


def test_a_state_whose_bundle_is_gone_loses_its_open_conversations() -> None:
    deciding = Deciding(Library(hand_bundle()), TOPIC)
    deciding.update({ACTIVE: channel(announcement(1, reference("f" * 16)))})
    own = hand_bundle()
    named = deciding.carried(stored_under(own), own)
    assert named.state.sessions
    assert deciding.carried(named, own) is named

    lost = deciding.carried(replace(named, bundle="f" * 16), own)

    assert not lost.state.sessions
    assert lost.bundle == own.version


def stored_under(bundle: Bundle) -> Stored:
    return Stored(state=run(turns(0)[:2], bundle)[1])
