import pytest

from detector.contracts.decisions import RiskClass
from detector.simulation.households import CATALOGUE, DOMAINS, Shape
from tests.detector.builders import policy

#: The risk class of every command under the packaged policy; all others are reversible.
RISKS = {
    "messages.SendMessage": RiskClass.PRIVATE_OUTBOUND,
    "calls.PlaceCall": RiskClass.PRIVATE_OUTBOUND,
    "photos.ShareAlbum": RiskClass.PRIVATE_OUTBOUND,
    "security.LockDoor": RiskClass.PHYSICAL,
    "security.UnlockDoor": RiskClass.PHYSICAL,
    "kitchen.StartOven": RiskClass.PHYSICAL,
    "shopping.BuyItem": RiskClass.PURCHASE,
    "restaurants.ReserveTable": RiskClass.PURCHASE,
    "rides.OrderRide": RiskClass.PURCHASE,
    "services.BookAppointment": RiskClass.PURCHASE,
}
COMMANDS = [skill.intent for skill in CATALOGUE if skill.shape is not Shape.QUESTION]


def test_intents_are_unique_and_every_domain_has_its_skills() -> None:
    names = [skill.intent for skill in CATALOGUE]
    assert len(set(names)) == len(names) >= 35
    assert sorted(skill.intent for skills, _ in DOMAINS.values() for skill in skills) == sorted(
        names
    )
    assert len(DOMAINS) >= 12


def test_a_preceding_search_is_a_question_in_the_same_domain() -> None:
    by_name = {skill.intent: skill for skill in CATALOGUE}
    for skill in CATALOGUE:
        assert (skill.search is not None) == (skill.shape is Shape.AFTER_SEARCH)
        if skill.search:
            assert by_name[skill.search].shape is Shape.QUESTION
            assert by_name[skill.search].domain == skill.domain


@pytest.mark.parametrize("intent", COMMANDS)
def test_the_packaged_policy_classifies_every_skill(intent: str) -> None:
    assert policy().risk_class(intent) is RISKS.get(intent, RiskClass.REVERSIBLE)


def test_slot_shares_are_probabilities() -> None:
    assert all(0.0 < often <= 1.0 for skill in CATALOGUE for often in skill.slots.values())
