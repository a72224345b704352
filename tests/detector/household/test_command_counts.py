import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.household.command_counts import (
    HOME,
    MAX_CHARACTERS,
    MAX_COMMANDS,
    MAX_CONTEXTS,
    MAX_USES,
    MOST,
    Commands,
    after,
    after_at_device,
    at_device,
    contexts_of,
    device_name,
    hours_of,
    latest_at,
    predictive,
    with_acceptance,
    with_command,
    with_meant,
)
from tests.detector.builders import event

ON, OFF, UNLOCK = "lights.TurnOn", "lights.TurnOff", "locks.Unlock"
KITCHEN = device_name("kitchen")


def meant(known: Commands, intent: str = ON, at: float = 0.0, device: str = KITCHEN) -> Commands:
    contexts = (HOME, at_device(device))
    return with_meant(known, intent, contexts, device, device_seconds=at, at=at)


def test_a_command_is_counted_in_the_home_the_device_and_after_the_commands_before() -> None:
    known = with_command(Commands(), event(intent=ON, device_id="kitchen"), 1.0, accepted=True)
    known = with_command(known, event(intent=OFF, device_id="hall"), 2.0, accepted=True)
    third = event(intent=UNLOCK, device_id="kitchen")
    assert contexts_of(third, ()) == (HOME, at_device(KITCHEN))
    assert contexts_of(third, known.latest) == (
        HOME,
        at_device(KITCHEN),
        after(OFF),
        after_at_device(ON),
    )
    here = latest_at(known.latest, KITCHEN)
    assert here is not None
    assert here.intent == ON
    assert latest_at(known.latest, device_name("attic")) is None


def test_a_use_also_counts_in_the_hours_beside_its_own() -> None:
    known = meant(Commands(), at=3600.0)
    assert known.counts[hours_of(ON)] == {"1": 2, "0": 1, "2": 1}
    assert known.counts[hours_of(HOME)] == known.counts[hours_of(ON)]


def test_the_last_use_is_known_in_the_home_and_at_the_device() -> None:
    known = meant(meant(Commands(), at=10.0), at=20.4)
    assert known.last_used == {ON: 20, f"{KITCHEN} {ON}": 20}


def test_counts_are_halved_when_a_context_is_full_so_old_habits_fade() -> None:
    known = meant(Commands(), OFF)
    for _ in range(MOST):
        known = meant(known, ON)
    assert OFF not in known.counts[HOME]
    assert MOST // 2 <= known.counts[HOME][ON] < MOST


def test_everything_is_bounded_and_the_latest_is_kept() -> None:
    known = Commands()
    for number in range(3 * MAX_CONTEXTS):
        heard = event(intent=f"skill{number}.Run", device_id=f"d{number}")
        known = with_command(known, heard, number, accepted=True)
        known = meant(known, heard.intent, at=number, device=device_name(heard.device_id))
    assert len(known.latest) == MAX_COMMANDS
    assert len(known.counts) == MAX_CONTEXTS
    assert len(known.last_used) == MAX_USES
    assert heard.intent in known.last_used


def test_long_names_displace_the_contexts_that_were_used_first() -> None:
    def long(number: int) -> str:
        return f"{'a' * 64}.{'b' * 60}{number:04}"

    known = meant(Commands(), ON)
    for number in range(MAX_CONTEXTS):
        contexts = (HOME, after(long(number // 8)), after_at_device(long(number // 8)))
        known = with_meant(known, long(number), contexts, KITCHEN, device_seconds=0.0, at=0.0)
    kept = sum(len(context) + sum(map(len, found)) for context, found in known.counts.items())
    assert MAX_CHARACTERS * 0.7 < kept <= MAX_CHARACTERS
    assert HOME in known.counts
    assert hours_of(ON) not in known.counts


def test_a_command_that_was_not_meant_is_not_accepted_afterwards() -> None:
    known = with_command(Commands(), event(intent=ON), 5.0, accepted=True)
    undone = with_acceptance(known, ON, 5.0, accepted=False)
    assert [each.accepted for each in undone.latest] == [False]
    assert with_acceptance(known, ON, 6.0, accepted=False) == known


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 50)),
    st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6),
)
def test_a_predictive_is_a_distribution_that_backs_off_to_its_base(
    counts: dict[str, int], weights: list[float]
) -> None:
    base = {key: weight / sum(weights) for key, weight in zip("abcdef", weights, strict=True)}
    shares = {key: predictive(counts, key, base[key]) for key in base}
    assert math.isclose(sum(shares.values()), 1.0)
    assert all(share > 0.0 for share in shares.values())
    if not counts:
        assert shares == base


def test_a_frequent_command_is_likelier_than_its_base() -> None:
    assert predictive({ON: 9, OFF: 1}, ON, 0.01) == pytest.approx((9 - 0.3 + 1.6 * 0.01) / 11)
