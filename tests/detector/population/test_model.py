import math

import numpy as np
import pytest

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import Act
from detector.population.model import perplexity
from detector.training.fit_model import fit_model
from tests.detector.builders import dialogue, small_model, training_sessions


def test_perplexity_is_two_to_the_mean_surprisal() -> None:
    model, sessions = small_model(), training_sessions()
    bits = [
        surprisal
        for session in sessions
        for surprisal in model.sequence.surprisals(
            model.vocabulary.index(event.intent, event.act) for event in session
        )
    ]
    assert perplexity(model, sessions) == pytest.approx(2 ** (sum(bits) / len(bits)))


def test_training_data_is_less_perplexing_than_nonsense() -> None:
    nonsense = [dialogue(("ovens.Ignite", Act.AFFIRM, True), ("music.PlaySong", Act.END, False))]
    assert (
        perplexity(small_model(), training_sessions())
        < 2.5
        < perplexity(small_model(), nonsense)
        < math.inf
    )


def test_pairs_across_sessions_are_not_learned() -> None:
    """The pair of a session's last event and the next session's first is not learned."""
    model = small_model()
    last, first = (
        model.vocabulary.index("messages.SendMessage", "affirm"),
        model.vocabulary.index("music.FindSongs", "initiate"),
    )
    assert [last, first] not in model.sequence.pairs.tolist()


def test_the_same_seed_gives_the_same_model() -> None:
    first, again, other = (
        fit_model(training_sessions(), seed=seed, clones=3, iterations=3) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.sequence.blocks, again.sequence.blocks)
    assert not np.array_equal(first.sequence.blocks, other.sequence.blocks)


def test_an_empty_stream_is_rejected() -> None:
    with pytest.raises(NotEnoughData, match="no events"):
        fit_model([])
    with pytest.raises(NotEnoughData, match="at least one event"):
        perplexity(small_model(), [])
