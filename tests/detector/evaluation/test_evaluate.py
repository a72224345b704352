import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.errors import InvalidValue, NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.curves import KindRecall
from detector.evaluation.evaluate import RATES, evaluate
from detector.evaluation.ngram_gates import GATES
from detector.evaluation.playing import play
from detector.population.model import perplexity
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    SURE,
    dialogue,
    hand_bundle,
    hand_judge,
    heard,
    run,
    send_message,
)

BUNDLE = hand_bundle()


def stream(
    days: int = 20, misfires: frozenset[int] = frozenset({5, 11})
) -> tuple[list[IntentEvent], dict[str, str]]:
    """Return one message a day; on some days it is a misfire with a low wake word confidence."""
    events: list[IntentEvent] = []
    for day in range(days):
        session = send_message(first=10 * day, session=f"s{day}", days=float(day))
        events += heard(session, ABSURD if day in misfires else SURE)
    return events, {f"e{10 * day + 2}": "phantom" for day in misfires}


def test_a_perfect_judge_on_a_stream_worked_by_hand() -> None:
    events, misfires = stream()
    found = evaluate(events, BUNDLE, misfires)
    assert (found.events, found.committing, found.misfires) == (60, 20, 2)
    assert (found.auroc, found.stopped) == (1.0, 1.0)
    assert found.recall == {f"{rate:g}": 1.0 for rate in RATES}
    assert found.recall_by_kind == {"phantom": KindRecall(2, found.recall)}
    assert found.roc.keys() == {"misfire", "surprisal of the chain", *GATES}
    assert set(found.roc["misfire"]) == {(rate, 1.0) for rate, _ in found.roc["misfire"]}
    assert found.cost_curve.keys() == found.cost_per_thousand.keys()
    assert found.realised_false_interruptions == {"all": 0.0, "private_outbound": 0.0}
    assert found.bundle == BUNDLE.version


def test_commands_are_grouped_by_what_was_known_of_the_home() -> None:
    events, misfires = stream()
    found = evaluate(events, BUNDLE, misfires)
    # Each of the 20 days has one command of three turns, so the commands of days 0 to 2 are new.
    assert {name: each.commands for name, each in found.learning_curve.items()} == {
        "0 to 9": 3,
        "10 to 99": 17,
    }
    assert found.by_class.keys() == {"private_outbound"}
    assert found.by_class["private_outbound"].stopped == 1.0


def test_perplexity_covers_meant_events_only() -> None:
    events, misfires = stream()
    meant = [event for event in events if event.event_id not in misfires]
    by_day = [[event for event in meant if event.session_id == f"s{day}"] for day in range(20)]
    found = evaluate(events, BUNDLE, misfires)
    assert found.population_perplexity == pytest.approx(perplexity(BUNDLE.model, by_day), abs=1e-3)


def test_a_known_household_is_less_surprising() -> None:
    events, misfires = stream()
    found = evaluate(events, BUNDLE, misfires)
    assert found.perplexity < found.population_perplexity


def test_a_false_interruption_is_counted_where_it_happened() -> None:
    events, _ = stream()
    found = evaluate(events, BUNDLE, {"e52": "phantom"})
    # The misfire of day 11 is now labelled as meant: one of nineteen meant commands is interrupted.
    assert found.realised_false_interruptions == {"all": 0.05263, "private_outbound": 0.05263}


def test_without_misfires_there_is_no_recall() -> None:
    events, _ = stream(misfires=frozenset())
    found = evaluate(events, BUNDLE, {})
    assert (found.auroc, found.recall, found.stopped, found.misfires) == (None, {}, None, 0)
    assert (found.roc, found.cost_curve, found.recall_by_kind, found.reliability) == (
        {},
        {},
        {},
        None,
    )


def test_labels_of_another_stream_are_refused() -> None:
    with pytest.raises(
        InvalidValue, match="1 labels are for events that are not in the stream, such as 'x'"
    ):
        evaluate(stream()[0], BUNDLE, {"x": "phantom", "e52": "phantom"})


def test_a_stream_without_meant_commands_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="no meant committing event"):
        evaluate(send_message(), BUNDLE, {"e2": "phantom"})


def test_a_misfire_is_reported_after_its_verdict_and_never_learned() -> None:
    """The judge asks whether a command was ever meant here: a misfire is stopped both times."""
    bundle = hand_bundle(judge=hand_judge("intent_count", (0.5, 0.6), (6.0, 6.0, -6.0)))
    events, _ = stream(days=3, misfires=frozenset())
    ids = [f"e{10 * day + 2}" for day in range(3)]

    def verdicts(misfires: set[str] | None) -> list[Verdict]:
        return [
            decision.verdict
            for event, decision in play(events, bundle, misfires)
            if event.event_id in ids
        ]

    ask, allow = Verdict.CONFIRM, Verdict.ALLOW
    assert verdicts(set()) == [ask, allow, allow]
    assert verdicts({ids[0]}) == [ask, ask, allow]
    assert verdicts(set(ids)) == [ask, ask, ask]
    assert verdicts(None) == [ask, ask, ask]


def test_a_refused_misfire_is_answered_before_the_next_event() -> None:
    """A command that starts anew in the same session is then judged on its own."""
    refused = heard(send_message(), ABSURD)
    anew = heard(send_message(first=3), SURE)
    verdicts = [
        decision.verdict for _, decision in play([*refused, *anew], BUNDLE, {"e2": "phantom"})
    ]
    assert verdicts[2] is not Verdict.ALLOW
    assert verdicts[5] is Verdict.ALLOW
    assert [decision.verdict for _, decision in play([*refused, *anew], BUNDLE)][
        5
    ] is not Verdict.ALLOW


def test_without_labels_a_stream_is_decided_as_the_worker_does(bundle: Bundle) -> None:
    events, _ = stream(days=4)
    assert [decision for _, decision in play(events, bundle)] == run(events, bundle)[0]


def test_progress_reaches_the_total() -> None:
    calls: list[tuple[str, int, int]] = []
    events, misfires = stream()
    evaluate(events, BUNDLE, misfires, progress=lambda *call: calls.append(call))
    assert {stage: (done, total) for stage, done, total in calls} == {
        "deciding": (60, 60),
        "perplexity": (1, 1),
    }


def test_a_conversation_without_commands_is_rejected() -> None:
    from detector.contracts.events import Act

    with pytest.raises(NotEnoughData):
        evaluate(dialogue(("messages.SendMessage", Act.INITIATE, False)), BUNDLE, {})


def test_fatigue_reduces_questions_and_prevents_two_in_a_row() -> None:
    """A user who is hardly understood repeats the same command after every yes."""
    events = [
        event
        for number in range(12)
        for event in heard(
            send_message(10 * number, session=f"s{number}", days=number / 1440), DOUBTFUL
        )
    ]
    found = evaluate(events, BUNDLE, {"e2": "phantom"})
    assert (
        0.0 < found.questions_per_thousand["with fatigue"] < found.questions_per_thousand["without"]
    )
    assert found.questions_per_thousand["without"] == 1000.0
