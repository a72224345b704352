"""A shadow's verdict beside the decision: in the queue, in the chain and in the evidence."""

from __future__ import annotations

from typing import Any

import pytest

from detector.contracts.decisions import Verdict
from tests.detector.builders import SURE
from tests.streams.desk.desk import ACME, Desk, desk_of_every_tenant, sessions_of
from tests.streams.shadow_verdicts import shadowed

EVENTS = sessions_of(ACME, [SURE])


@pytest.fixture
def desk() -> Desk:
    """Return a desk with the decision ``e2``, which was allowed."""
    return desk_of_every_tenant()


def shown(desk: Desk, path: str, **query: Any) -> str:
    text: str = desk.client.get(f"/desk/{path}", params=query).text
    return " ".join(text.split())


def decision(desk: Desk) -> str:
    return shown(desk, "decision", household=ACME, event="e2")


def test_the_queue_says_what_the_shadow_would_have_decided(desk: Desk) -> None:
    assert "Nothing to review" in shown(desk, "", kind="shadow")

    desk.index.add_shadow(shadowed(EVENTS))
    desk.index.add_shadow(shadowed(EVENTS, bundle="1" * 16, verdict=Verdict.CONFIRM))

    listed = shown(desk, "", kind="shadow", bundle="1" * 16)
    assert listed.count('<a class="row"') == 1
    assert '<span class="tag">shadow: block, confirm</span>' in listed
    assert f'<option value="{"1" * 16}" selected>' in listed
    assert "Only a shadow has a reason." in listed


def test_the_chain_has_the_bits_of_both(desk: Desk) -> None:
    assert 'class="beside"' not in decision(desk)

    desk.index.add_shadow(shadowed(EVENTS, chain_bits=(99.5, 88.5), surprisal_bits=188.0))

    text = decision(desk)
    assert [f"{bits} bits shadow-a" in text for bits in ("99.5", "88.5", "188.0")] == [True] * 3
    # The first turn is not in the shadow's chain.
    assert text.count('class="beside"') == 4
    assert "Verdict of shadow-a" in text
    assert text.count("Sum: log-odds of a misfire") == 2


def test_a_shadow_without_a_channel_or_evidence_is_shown(desk: Desk) -> None:
    found = shadowed(EVENTS, channel=None, misfire_probability=None, reasons=(), chain_bits=())
    desk.index.add_shadow(found)

    assert "Verdict of shadow 00000000" in decision(desk)


def test_a_hostile_channel_stays_text(desk: Desk) -> None:
    hostile = "<img/src=x/onerror=alert(1)>"
    desk.index.add_shadow(shadowed(EVENTS, channel=hostile, bundle=f"{hostile} {hostile}"))

    for text in (decision(desk), shown(desk, "", kind="shadow")):
        assert "<img" not in text
        assert "&lt;img" in text
