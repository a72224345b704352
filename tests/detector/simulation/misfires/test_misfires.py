from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from detector.contracts.errors import InvalidValue
from detector.contracts.events import Act, IntentEvent
from detector.household.grouping import sessions_by_household
from detector.simulation.misfires import (
    ALL_KINDS,
    KINDS,
    ChainLibrary,
    LabelledSession,
    Mixture,
    Turn,
    committed_chains,
    inject,
)
from tests.detector.builders import dialogue, send_message
from tests.detector.builders import event as one_event
from tests.detector.town import town

LIGHT = "lights.TurnOn"
HOUSEHOLDS = sessions_by_household(town(households=6))
LIBRARY = ChainLibrary.from_sessions(HOUSEHOLDS, is_risky=lambda intent: intent == LIGHT)
#: The runtime of home1 reports a confidence of the wake word; that of home0 does not.
SILENT, HEARD = HOUSEHOLDS["home0"], HOUSEHOLDS["home1"]
CHANNELS = ("wake_confidence", "asr_confidence", "intent_confidence")


def misfires(found: list[LabelledSession]) -> dict[str, list[IntentEvent]]:
    """Return the events of each misfire by its id."""
    grouped: dict[str, list[IntentEvent]] = {}
    for session in found:
        for event, name in zip(session.events, session.chain_ids, strict=True):
            if name is not None:
                grouped.setdefault(name, []).append(event)
    return grouped


def injected(
    sessions: list[list[IntentEvent]],
    *kinds: str,
    rate: float = 1.0,
    warm: float = 0.0,
    seed: int = 0,
    severity: float = 0.5,
) -> list[LabelledSession]:
    rng = np.random.default_rng(seed)
    mixture = Mixture.of(kinds or ALL_KINDS, severity=severity)
    return inject(sessions, LIBRARY, rng, mixture=mixture, rate=rate, warm=warm)


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind not in ("row", "swapped")])
def test_each_kind_ends_with_a_command(kind: str) -> None:
    found = injected(HEARD, kind)
    chains = misfires(found)
    # Misheard and repeated kinds need earlier commands.
    assert len(HEARD) - 1 <= len(chains) <= len(HEARD)
    for events in chains.values():
        assert events[-1].commits
        # Only real chains contain a command before their last turn.
        said = kind in ("spliced", "broadcast", "interleaved")
        assert said or sum(event.commits for event in events) == 1
    assert {label for session in found for label in session.labels} <= {kind, None}


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_misfire_is_contiguous_on_one_device_and_takes_time(kind: str) -> None:
    for session in injected(HEARD, kind):
        names = [name for name, _ in pairwise([*session.chain_ids, "end"]) if name is not None]
        places = [place for place, name in enumerate(session.chain_ids) if name is not None]
        whole = places == list(range(min(places, default=0), min(places, default=0) + len(names)))
        assert whole or kind == "interleaved"
        assert (
            len(
                {
                    (event.household_id, event.device_id, event.session_id)
                    for event in session.events
                }
            )
            <= 1
        )
        assert all(before.time < after.time for before, after in pairwise(session.events))


def test_labels_and_chain_ids_go_together() -> None:
    for session in injected(HEARD):
        assert len(session.events) == len(session.labels) == len(session.chain_ids)
        assert [label is None for label in session.labels] == [
            name is None for name in session.chain_ids
        ]


def test_meant_events_only_change_in_time() -> None:
    found = injected(HEARD)
    meant = [
        event
        for session in found
        for event, label in zip(session.events, session.labels, strict=True)
        if label is None
    ]
    before = [event for session in HEARD for event in session]
    assert [replace(now, time=then.time) for now, then in zip(meant, before, strict=True)] == before
    assert all(now.time >= then.time for now, then in zip(meant, before, strict=True))


def test_every_event_has_its_own_id_and_no_id_names_the_kind() -> None:
    ids = [event.event_id for session in injected(HEARD) for event in session.events]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids for kind in ALL_KINDS if kind in name]


def test_a_misfire_may_have_a_session_of_its_own_between_two_others() -> None:
    found = injected(HEARD)
    apart = [
        place
        for place, session in enumerate(found)
        if session.labels[0] and len(set(session.chain_ids)) == 1
    ]
    assert 0.05 < len(apart) / len(HEARD) < 0.5
    assert 0 not in apart
    own = {found[place].events[0].session_id for place in apart}
    assert not own & {session[0].session_id for session in HEARD}
    for place in apart:
        assert (
            found[place - 1].events[-1].time
            < found[place].events[0].time
            < found[place + 1].events[0].time
        )


def test_a_misfire_needs_time_between_two_sessions_for_a_session_of_its_own() -> None:
    begin = HEARD[0][0].time
    pieces = len(injected(HEARD))
    crowded = [
        [
            replace(event, time=begin + timedelta(milliseconds=20 * number + turn))
            for turn, event in enumerate(session)
        ]
        for number, session in enumerate(HEARD)
    ]
    assert len(injected(crowded)) == len(crowded) < pieces


def test_confidences_are_missing_if_the_stream_has_none() -> None:
    for session in injected(SILENT):
        for event in session.events:
            assert [getattr(event, channel) for channel in CHANNELS] == [None] * 3
    heard = [event for events in misfires(injected(HEARD)).values() for event in events]
    assert all(
        event.wake_confidence is not None and event.asr_confidence is None for event in heard
    )


def test_the_wake_word_is_unclear_in_phantoms_and_clear_in_misheard_commands() -> None:
    def mean(kind: str) -> float:
        chains = misfires(injected(HEARD, kind)).values()
        return float(np.mean([event.wake_confidence for events in chains for event in events]))

    phantoms = {kind.name: mean(kind.name) for kind in KINDS if not kind.spoken}
    assert max(phantoms.values()) < 0.7 < mean("misheard")
    clear = [event.wake_confidence or 0.0 for session in HEARD for event in session]
    some = [
        event.wake_confidence or 0.0
        for events in misfires(injected(HEARD, "one_shot")).values()
        for event in events
    ]
    assert max(some) > np.quantile(clear, 0.1), "the distributions must overlap"


def test_the_rate_is_the_share_of_sessions_and_the_warm_share_stays_clean() -> None:
    many = HEARD * 20
    assert len(misfires(injected(many, rate=0.25))) / len(many) == pytest.approx(0.25, abs=0.05)
    warm = injected(HEARD, warm=0.5)
    first = next(place for place, session in enumerate(warm) if any(session.labels))
    assert first == len(HEARD) // 2
    rng = np.random.default_rng(0)
    early = inject(many, LIBRARY, rng, rate=0.5, warm=0.5, early_rate=0.1)
    begin, rest = early[: len(many) // 2], early[len(many) // 2 :]
    assert len(misfires(begin)) / len(begin) == pytest.approx(0.1, abs=0.05)
    assert len(misfires(rest)) > 3 * len(misfires(begin))


def test_a_rate_of_zero_changes_nothing() -> None:
    assert [list(session.events) for session in injected(HEARD, rate=0.0)] == HEARD


def test_the_same_generator_gives_the_same_misfires() -> None:
    assert injected(HEARD, seed=3) == injected(HEARD, seed=3)
    assert injected(HEARD, seed=3) != injected(HEARD, seed=4)


def test_without_commands_there_are_no_misfires() -> None:
    empty = ChainLibrary.from_sessions({})
    found = inject(HEARD, empty, np.random.default_rng(0), rate=1.0)
    assert misfires(found) == {}


def test_a_template_initiates_informs_and_affirms() -> None:
    for events in misfires(injected(HEARD, "phantom_template")).values():
        acts = [event.act for event in events]
        assert acts in (
            [Act.INITIATE, Act.INFORM, Act.AFFIRM],
            [Act.INITIATE, Act.INFORM, Act.INFORM, Act.AFFIRM],
        )
        assert len({event.intent for event in events}) == 1


def test_a_one_shot_has_one_turn_if_its_command_permits() -> None:
    for events in misfires(injected(HEARD, "one_shot")).values():
        assert len(events) == (1 if events[0].intent in LIBRARY.one_shots else 2)


def test_a_spliced_chain_comes_from_another_household() -> None:
    # One-shot commands have values of the household itself.
    others = [
        [(turn.heard_as, {} if turn.is_one_shot else turn.slots) for turn in chain]
        for household, chain in LIBRARY.chains
        if household != "home1"
    ]
    for events in misfires(injected(HEARD, "spliced")).values():
        turns = [Turn.of(event) for event in events]
        chain = [(turn.heard_as, {} if turn.is_one_shot else turn.slots) for turn in turns]
        assert chain in others


def test_a_misheard_chain_starts_as_meant_and_ends_as_another_command() -> None:
    own = {chain[0].intent for session in HEARD for chain in committed_chains(session)}
    turned = [
        events
        for events in misfires(injected(HEARD * 3, "misheard")).values()
        if len({event.intent for event in events}) > 1
    ]
    assert turned
    for events in turned:
        assert events[0].intent in own
        assert events[-1].intent in LIBRARY.commands
        assert events[-1].intent != events[0].intent


def test_a_chain_is_the_turns_of_its_domain_up_to_the_commit_with_earlier_commands() -> None:
    turns = dialogue(
        ("weather.GetForecast", Act.INITIATE, False),
        ("music.FindSongs", Act.INITIATE, False),
        ("music.PlaySong", Act.ACCEPT, False),
        ("music.PlaySong", Act.AFFIRM, True),
        ("music.PlaySong", Act.INITIATE, True),
        ("conversation.Thanks", Act.THANK, False),
    )
    chains = committed_chains(turns)
    assert [[turn.intent for turn in chain] for chain in chains] == [
        ["music.FindSongs", "music.PlaySong", "music.PlaySong"],
        ["music.FindSongs", "music.PlaySong", "music.PlaySong", "music.PlaySong"],
    ]


def test_the_library_counts_what_was_said() -> None:
    messages = [
        send_message(first=10 * number, contact=f"k1_{number}", session=f"s{number}")
        for number in range(3)
    ]
    light = dialogue(("lights.TurnOn", Act.INITIATE, True, {"room": "k1_4a11"}), session="s9")
    library = ChainLibrary.from_sessions({"h1": [*messages, light]})
    assert library.commands == ("lights.TurnOn", "messages.SendMessage")
    assert library.weights.tolist() == [0.25, 0.75]
    assert library.one_shots == {"lights.TurnOn"}
    assert set(library.gaps) == {10.0}
    rng = np.random.default_rng(0)
    assert library.turn(rng, "messages.SendMessage", Act.INFORM).slots["contact"] in {
        "k1_0",
        "k1_1",
        "k1_2",
    }
    assert library.turn(rng, "messages.SendMessage", Act.SELECT).slots == {}
    assert library.confused_with(rng, "lights.TurnOn") == "messages.SendMessage"
    assert library.begun(rng) in {"lights.TurnOn", "messages.SendMessage"}
    assert library.value(rng, "contact", instead="k1_0") in {"k1_1", "k1_2"}
    assert library.value(rng, "room", instead="k1_4a11") is None
    assert library.value(rng, "never said", instead="") is None


def test_a_repeated_chain_was_just_said_in_the_session() -> None:
    for session in injected(HEARD * 3, "repeated"):
        if None not in session.labels or not any(session.labels):
            continue
        begin = next(place for place, label in enumerate(session.labels) if label)
        again = [
            event for event, label in zip(session.events, session.labels, strict=True) if label
        ]
        before = session.events[begin - len(again) : begin]
        assert [(event.intent, event.act, event.slots) for event in again] == [
            (event.intent, event.act, event.slots) for event in before
        ]
        assert before[-1].commits


def test_an_interleaved_misfire_alternates_with_a_dialogue() -> None:
    long = [
        dialogue(*[("music.FindSongs", Act.INFORM, False)] * 8, session=f"s{number}")
        for number in range(20)
    ]
    torn = 0
    for session in injected(long, "interleaved"):
        places = [place for place, label in enumerate(session.labels) if label]
        assert places[0] > 0
        torn += places[-1] - places[0] >= len(places)
    assert torn > 10


def test_a_monologue_begins_several_commands() -> None:
    for events in misfires(injected(HEARD, "monologue")).values():
        assert sum(event.act is Act.INITIATE for event in events) >= 3
        assert events[-1].intent in LIBRARY.commands


def test_a_wrong_detail_changes_nothing_else() -> None:
    own = [chain for session in HEARD for chain in committed_chains(session)]
    for events in misfires(injected(HEARD, "wrong_detail")).values():
        differing = [
            sum(
                turn.slots[name] != event.slots[name]
                for turn, event in zip(chain, events, strict=True)
                for name in turn.slots
            )
            for chain in own
            if [(turn.intent, turn.act) for turn in chain]
            == [(each.intent, each.act) for each in events]
            and all(
                turn.slots.keys() == event.slots.keys()
                for turn, event in zip(chain, events, strict=True)
            )
        ]
        assert 1 in differing


def test_a_misheard_command_keeps_the_slots_that_it_shares() -> None:
    chains = [
        dialogue(("alarms.SetAlarm", Act.INITIATE, True, {"time": "k1_seven"}), session="s1"),
        dialogue(("timers.SetTimer", Act.INITIATE, True, {"time": "k1_ten"}), session="s2"),
    ]
    library = ChainLibrary.from_sessions({"h1": chains})
    found = inject(
        chains * 4, library, np.random.default_rng(0), mixture=Mixture.of(["misheard"]), rate=1.0
    )
    heard = {
        (event.intent, event.slots["time"])
        for events in misfires(found).values()
        for event in events
    }
    assert heard == {("timers.SetTimer", "k1_seven"), ("alarms.SetAlarm", "k1_ten")}


def test_more_severe_misfires_are_heard_less_clearly_and_go_further() -> None:
    def mean(severity: float) -> tuple[float, float]:
        clear = misfires(injected(HEARD, "spliced", severity=severity)).values()
        turns = misfires(injected(HEARD * 5, "game", severity=severity)).values()
        return (
            float(np.mean([event.wake_confidence for events in clear for event in events])),
            float(np.mean([len(events) for events in turns])),
        )

    clear, usual, severe = mean(0.0), mean(0.5), mean(1.0)
    assert clear[0] > 0.85 > usual[0] > 0.45 > severe[0]
    assert clear[1] < usual[1] < severe[1] == 4.0


def test_kinds_are_drawn_by_their_shares() -> None:
    rng = np.random.default_rng(0)
    mixture = Mixture({"spliced": 3.0, "game": 1.0, "misheard": 0.0})
    drawn = [mixture.draw(rng).name for _ in range(400)]
    assert set(drawn) == {"spliced", "game"}
    assert drawn.count("spliced") / 400 == pytest.approx(0.75, abs=0.07)
    assert Mixture().shares == {kind.name: kind.usual for kind in KINDS}
    assert set(mixture.without({"game"}).shares) == {"spliced", "misheard"}


def test_commands_are_swapped_more_often_where_no_dialogue_shows_what_was_meant() -> None:
    mixture = Mixture({"swapped": 1.0, "spliced": 1.0})

    def swapped(*, one_shot: bool) -> int:
        rng = np.random.default_rng(0)
        drawn = [mixture.draw(rng, one_shot=one_shot).name for _ in range(400)]
        return drawn.count("swapped")

    assert swapped(one_shot=False) / 400 == pytest.approx(0.5, abs=0.07)
    assert swapped(one_shot=True) / 400 == pytest.approx(0.78, abs=0.07)


@pytest.mark.parametrize(
    ("shares", "severity", "said"),
    [
        ({"phantom_template": 1.0, "ghost": 1.0}, 0.5, "ghost is not a kind"),
        ({}, 0.5, "nothing is not a kind"),
        ({"spliced": -1.0, "game": 2.0}, 0.5, "shares"),
        ({"spliced": 0.0}, 0.5, "above zero"),
        ({"spliced": float("nan")}, 0.5, "shares"),
        ({"spliced": 1.0}, 1.5, "severity"),
    ],
)
def test_an_invalid_mixture_is_rejected(
    shares: dict[str, float], severity: float, said: str
) -> None:
    with pytest.raises(InvalidValue, match=said):
        Mixture(shares, severity)


def one_shot(number: int, intent: str) -> list[IntentEvent]:
    """Return a session of one command."""
    return [
        one_event(
            number,
            intent=intent,
            act=Act.INITIATE,
            commits=True,
            session_id=f"s{number}",
        )
    ]


ON, OFF, FAN, UNLOCK = "lights.TurnOn", "lights.TurnOff", "fans.TurnOn", "locks.Unlock"
GIVEN = [one_shot(10 * number, intent) for number, intent in enumerate([ON, OFF, ON, FAN] * 5)]
ONE_SHOTS = ChainLibrary.from_sessions(
    {"other": [*GIVEN, *[one_shot(900 + number, UNLOCK) for number in range(3)]]},
    is_risky=lambda intent: intent == UNLOCK,
)


def one_shot_misfires(kind: str) -> list[LabelledSession]:
    return inject(GIVEN, ONE_SHOTS, np.random.default_rng(0), mixture=Mixture.of([kind]), rate=1.0)


def test_a_swapped_command_takes_the_place_of_a_similar_one() -> None:
    found = one_shot_misfires("swapped")
    assert [len(session.events) for session in found] == [1] * len(GIVEN)
    swapped = [
        (meant[0], session.events[0])
        for meant, session in zip(GIVEN, found, strict=True)
        if session.labels[0] is not None
    ]
    assert len(swapped) > len(GIVEN) / 2
    for meant, heard in swapped:
        assert heard.intent != meant.intent
        assert heard.time == meant.time
        assert heard.domain == meant.domain or heard.intent.endswith("TurnOn")


def test_a_row_has_up_to_three_commands_of_another_home() -> None:
    lengths = {len(events) for events in misfires(one_shot_misfires("row")).values()}
    assert lengths == {1, 2, 3}


def test_a_risky_command_is_one_that_does_harm() -> None:
    heard = [events[0].intent for events in misfires(one_shot_misfires("risky")).values()]
    assert heard == [UNLOCK] * len(GIVEN)


@pytest.mark.parametrize("kind", ["phantom_template", "game"])
def test_dialogues_are_not_made_up_for_one_shot_commands(kind: str) -> None:
    assert misfires(one_shot_misfires(kind)) == {}
