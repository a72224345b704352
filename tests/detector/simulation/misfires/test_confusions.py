import numpy as np
import pytest

from detector.simulation.misfires import SLURP, Heard, count_confusions
from detector.simulation.misfires.confusions import Relation, affinities, relation


@pytest.mark.parametrize(
    ("meant", "heard", "wanted"),
    [
        ("alarms.SetAlarm", "alarms.GetAlarms", Relation.DOMAIN),
        ("alarms.SetAlarm", "timers.SetTimer", Relation.VERB),
        ("alarms.set_alarm", "timers.set_timer", Relation.VERB),
        ("alarms.SetAlarm", "music.PlaySong", Relation.OTHER),
        ("play.Music", "music.Music", Relation.VERB),
    ],
)
def test_each_pair_of_intents_has_its_relation(meant: str, heard: str, wanted: Relation) -> None:
    assert relation(meant, heard) is relation(heard, meant) is wanted


def test_a_vocabulary_has_the_published_affinities() -> None:
    intents = ("alarms.SetAlarm", "alarms.GetAlarms", "timers.SetTimer", "music.PlaySong")
    assert affinities("alarms.SetAlarm", intents).tolist() == [0.0, 20.21, 5.24, 1.0]
    assert affinities("unknown.Thing", intents).tolist() == [1.0] * 4


def utterances(
    meant: str, intent: str, count: int, said: str = "a b", words: str = "a b"
) -> list[Heard]:
    return [Heard(said, words, meant, intent) for _ in range(count)]


def test_affinities_explain_the_counts() -> None:
    """Of three equally common intents, the same domain is heard four times as often as another."""
    heard = [
        *utterances("a.GetX", "a.SetX", 8),
        *utterances("a.GetX", "b.PlayY", 2, said="a b", words="a c"),
        *utterances("a.GetX", "a.GetX", 10),
        *utterances("a.SetX", "a.SetX", 20),
        *utterances("b.PlayY", "b.PlayY", 20),
    ]
    found = count_confusions(heard)
    assert (found.utterances, found.misheard) == (60, 10)
    assert found.counts == {Relation.DOMAIN: 8, Relation.VERB: 0, Relation.OTHER: 2}
    assert found.affinity[Relation.DOMAIN] == pytest.approx(4.0)
    assert found.words_right == pytest.approx(0.8)
    assert found.words_shared == pytest.approx(0.5)


def test_affinities_account_for_the_frequency_of_intents() -> None:
    rare = [
        *utterances("a.GetX", "a.SetX", 5),
        *utterances("a.GetX", "b.PlayY", 5),
        *utterances("a.SetX", "a.SetX", 10),
        *utterances("b.PlayY", "b.PlayY", 40),
    ]
    assert count_confusions(rare).affinity[Relation.DOMAIN] == pytest.approx(4.0)


def test_the_numbers_of_slurp_are_consistent() -> None:
    assert sum(SLURP.counts.values()) == SLURP.misheard
    assert (
        SLURP.affinity[Relation.DOMAIN]
        > SLURP.affinity[Relation.VERB]
        > SLURP.affinity[Relation.OTHER]
    )
    assert np.isclose(SLURP.affinity[Relation.OTHER], 1.0)
