from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.contracts.rules import RuleAct
from detector.decision.bundle import Bundle
from detector.decision.rule_timeline import RuleTimeline
from detector.evaluation.backtest import Outcome
from detector.evaluation.truth import Report, Truth
from streams.errors import UsageError
from streams.kafka.reading import Place
from streams.kafka.topics import INTENTS
from streams.lifecycle.backtest import Player
from streams.lifecycle.backtest_file import BacktestFile
from streams.lifecycle.file_items import file_items
from streams.lifecycle.log_items import Erased, Item, Reported
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    START,
    SURE,
    event,
    hand_bundle,
    hand_judge,
    heard,
    run,
    send_message,
)
from tests.detector.rules import rule

ACTIVE = hand_bundle()
#: It stops nothing.
BLIND = hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0)))
WHAT = {"active": ACTIVE.version, "candidate": BLIND.version}

Value = IntentEvent | Decision | Reported | Erased


def said(*values: Value) -> list[Item]:
    """Return items a second apart; events at their own time."""
    numbers = count()
    return [
        Item(
            Place(INTENTS, 0, next(numbers)),
            each.seconds if isinstance(each, IntentEvent) else 2e9,
            each,
        )
        for each in values
    ]


def played(
    items: Sequence[Item],
    path: Path | str = ":memory:",
    candidate: Bundle = BLIND,
    rules: RuleTimeline | None = None,
) -> BacktestFile:
    file = BacktestFile(path, WHAT | {"candidate": candidate.version})
    Player(file, ACTIVE, candidate, rules).play(items)
    return file


def outcomes(*values: Value) -> list[Outcome]:
    return list(played(said(*values)).outcomes(0.0))


def report(what: Report, event_id: str = "e2") -> Reported:
    return Reported("h1", what, event_id)


def test_a_disagreement_has_its_chain_and_the_costs_of_both_bundles() -> None:
    (found,) = outcomes(*heard(send_message(), ABSURD))
    # A block of a meant command costs 30, and a misfire that runs costs 400.
    assert found.costs == ((30.0, 0.0), (0.0, 400.0))
    assert found.differing is not None
    assert found.differing.verdicts == (Verdict.BLOCK, Verdict.ALLOW)
    assert found.differing.chain == tuple(
        f"messages.SendMessage, {act}" for act in ("initiate", "inform", "affirm")
    )
    assert (found.truth, found.differing.misfire) == (Truth.UNSEEN, None)


def test_what_was_published_says_whether_a_command_ran() -> None:
    events = heard(send_message(), SURE)
    decided = run(events, ACTIVE)[0][-1]
    stopped = replace(decided, effective_verdict=Verdict.BLOCK)
    assert outcomes(*events)[0].truth is Truth.MEANT
    assert outcomes(*events, decided)[0].truth is Truth.MEANT
    assert outcomes(*events, stopped)[0].truth is Truth.UNSEEN


def test_outcomes_answers_and_labels_say_what_a_command_was() -> None:
    events = heard(send_message(), DOUBTFUL)
    question = run(events, ACTIVE)[0][-1].confirm
    assert question is not None
    yes = Reported("h1", Report.ACCEPTED, confirmation_id=question.confirmation_id or "")
    assert outcomes(*events, yes)[0].truth is Truth.UNSEEN
    assert outcomes(*events, yes, report(Report.EXECUTED))[0].truth is Truth.MEANT
    assert outcomes(*events, report(Report.REFUSED), yes)[0].truth is Truth.MISFIRE
    labelled = outcomes(*events, report(Report.REFUSED), report(Report.MEANT))
    assert labelled[0].truth is Truth.MEANT
    assert labelled[0].differing is not None
    assert labelled[0].differing.misfire is False


def test_the_rules_of_an_events_time_apply_to_both_bundles() -> None:
    """A rule that blocks both is not a disagreement; without it, the active one blocks alone."""
    before = heard(send_message(), ABSURD)
    under = heard(send_message(first=10, days=1.0, session="s2"), ABSURD)
    after = heard(send_message(first=20, days=2.0, session="s3"), ABSURD)
    rules = RuleTimeline()
    rules.change("r1", rule(), under[0].seconds - 60.0)
    rules.change("r1", None, after[0].seconds - 60.0)

    file = played(said(*before, *under, *after), rules=rules)

    found = [each.differing and each.differing.verdicts for each in file.outcomes(0.0)]
    both = (Verdict.BLOCK, Verdict.ALLOW)
    assert found == [None, both, both]  # by the event's id: e12, e2, e22
    counts = file.counts()
    assert counts["disagreements that a rule settled"] == 1
    assert counts["commands that a rule changed"] == 1


def test_a_command_that_only_a_rule_let_run_says_nothing_about_its_truth() -> None:
    light = event(0, intent="lights.TurnOn", commits=True, wake_confidence=ABSURD)
    lets = rule(act=RuleAct.ALLOW, expires=START + timedelta(days=30))

    (found,) = played(said(light), rules=RuleTimeline({"r1": lets})).outcomes(0.0)

    assert (found.truth, found.differing) == (Truth.UNSEEN, None)


def test_an_erased_household_is_left_out() -> None:
    events = heard(send_message(), ABSURD)
    others = [replace(each, household_id="h2") for each in events]
    found = outcomes(*events, *others, Erased("h1"))
    assert [each.household_id for each in found] == ["h2"]


def test_a_repeated_event_counts_once_and_older_commands_only_teach() -> None:
    events = heard(send_message(), ABSURD)
    later = send_message(first=10, days=1.0, session="s2")
    file = played(said(*events, events[-1], *later))
    assert len(list(file.outcomes(0.0))) == 2
    assert len(list(file.outcomes(later[0].seconds))) == 1
    assert file.counts()["repeated"] == 1
    assert file.unpublished(0.0) == 2


def test_a_resumed_backtest_gives_the_same_result(tmp_path: Path) -> None:
    events = [
        each
        for number in range(6)
        for each in heard(
            send_message(first=10 * number, days=number, session=f"s{number}"),
            (SURE, DOUBTFUL, ABSURD)[number % 3],
        )
    ]
    misfires = {"e22", "e52"}
    whole = list(played(list(file_items("log", events, misfires))).outcomes(0.0))

    for stop in (1, 5, 7, 16, 23):
        path = tmp_path / f"{stop}.sqlite"
        played(list(file_items("log", events, misfires))[:stop], path).close()
        file = BacktestFile(path, WHAT)
        player = Player(file, ACTIVE, BLIND)
        player.play(file_items("log", events, misfires, player.begin("log/0")))
        assert list(file.outcomes(0.0)) == whole
        file.close()
    assert [each.truth for each in whole].count(Truth.MISFIRE) == 2


def test_what_was_not_committed_is_played_again(tmp_path: Path) -> None:
    items = said(*heard(send_message(), ABSURD))
    file = BacktestFile(tmp_path / "file", WHAT)
    player = Player(file, ACTIVE, BLIND)
    for each in items:
        player._take(each)
    file.close()
    again = played(items, tmp_path / "file")
    assert len(list(again.outcomes(0.0))) == 1


def test_the_file_of_another_backtest_is_refused(tmp_path: Path) -> None:
    played([], tmp_path / "file").close()
    with pytest.raises(UsageError, match=r"another backtest.*candidate was"):
        played([], tmp_path / "file", candidate=ACTIVE)
    (tmp_path / "text").write_text("this is a page of text, and certainly not a database" * 99)
    with pytest.raises(UsageError, match="cannot be used as a checkpoint"):
        played([], tmp_path / "text")
