import re
from dataclasses import replace
from datetime import UTC
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from detector.contracts.decisions import Expected, Reason
from detector.contracts.events import Act
from detector.evaluation.scan import Scan, Step, scan
from streams.cli.scan_page import Source, draw_page
from streams.files.tolerant import BadLine
from tests.detector.builders import ABSURD, SURE, dialogue, hand_bundle

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"
SOURCE = Source(Path("home.jsonl"), Path("my bundle"), UTC, 0, [])


@pytest.fixture(scope="module")
def found() -> Scan:
    wakes = [SURE, SURE, ABSURD, SURE]
    events = [
        each
        for number, wake in enumerate(wakes)
        for each in dialogue(
            ("messages.SendMessage", Act.INITIATE, False),
            ("messages.SendMessage", Act.AFFIRM, True),
            first=10 * number,
            session=f"s{number}",
            days=float(number),
            wake_confidence=wake,
        )
    ]
    return scan(events, hand_bundle())


def text_of(page: str) -> str:
    body = page.partition("<body>")[2]
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def test_the_page_shows_the_week_the_chains_and_the_labels(found: Scan) -> None:
    page = draw_page(found, SOURCE)

    text = text_of(page)
    assert "4 commands of 1 household in home.jsonl" in text
    # The command of Wednesday at 18:00 is the suspicious one.
    assert re.search(r"Wednesday (0 ){18}1 ▲ ?1 interrupted", text)
    assert "1. messages.SendMessage" in text
    assert "Verdict: block" in text
    assert '{"event_id": "e21", "label": "unmeant", "chain_id": "e21"}' in text
    assert "misfire evaluate --stream home.jsonl --labels labels.jsonl --bundle 'my bundle'" in text
    assert page.count("<article") == 4


def test_each_step_has_its_bits(found: Scan) -> None:
    text = text_of(draw_page(found, SOURCE))

    for step in found.findings[0].steps:
        assert f"{step.intent} {step.act} {step.bits:.1f}" in text


def test_times_are_in_the_chosen_zone(found: Scan) -> None:
    text = text_of(draw_page(found, replace(SOURCE, zone=ZoneInfo("Asia/Tokyo"))))

    assert "Thursday, 2026-01-08 03:00:10" in text
    assert "Times are in Asia/Tokyo" in text


def test_hostile_names_are_escaped(found: Scan) -> None:
    finding = replace(
        found.findings[0],
        intent=HOSTILE,
        household_id=HOSTILE,
        event_id=HOSTILE,
        steps=(Step(HOSTILE, HOSTILE, 3.0),),
        expected=(Expected(intent=HOSTILE, act=HOSTILE, probability=0.5),),
        reasons=(Reason(code="x", event_id="e", bits=1.0, text=HOSTILE),),
    )
    hostile = replace(
        found,
        findings=(finding,),
        thin=(HOSTILE,),
        classes={HOSTILE: found.classes["private_outbound"]},
    )
    source = Source(Path(HOSTILE), Path(HOSTILE), UTC, 1, [BadLine(1, HOSTILE)])

    page = draw_page(hostile, source)

    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert HOSTILE in text_of(page)


def test_the_page_loads_nothing_and_runs_no_script(found: Scan) -> None:
    page = draw_page(found, SOURCE)

    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img|iframe)|https?://|url\(|@import| on\w+=", page)


def test_an_empty_log_gives_a_page_that_says_so() -> None:
    page = draw_page(scan([], hand_bundle()), SOURCE)

    assert "The log contains no commands" in text_of(page)
    assert "<article" not in page


def test_bad_lines_are_on_the_page(found: Scan) -> None:
    source = replace(SOURCE, bad=2_000, listed=[BadLine(3, "the value is not JSON")])

    assert "2,000 bad lines of the log were skipped: line 3: the value is not JSON" in text_of(
        draw_page(found, source)
    )
