from __future__ import annotations

import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import PolicyError
from streams.desk.dry_run import dry_run
from streams.desk.index import Index
from streams.desk.policy_text import changed_policy, fields_of
from streams.desk.queries import Queries
from tests.detector.builders import ABSURD, DOUBTFUL, SURE, policy
from tests.streams.desk.desk import ACME, BOLT, Desk, desk_of_every_tenant, fill, sessions_of


def test_only_the_changed_lines_change() -> None:
    before = policy()
    given = {"classes.physical.harm": "900", "classes.purchase.fallback": "block"}

    after = changed_policy(before, {f.name: f.value for f in fields_of(before)} | given)

    lines = zip(before.text.splitlines(), after.text.splitlines(), strict=True)
    assert [two for one, two in lines if one != two] == ['fallback = "block"', "harm = 900"]
    assert after.classes[RiskClass.PHYSICAL].harm == 900
    assert after.classes[RiskClass.PURCHASE].fallback is Verdict.BLOCK


def test_a_comment_beside_a_value_stays() -> None:
    text = policy().text.replace("base_rate = 0.001", "base_rate = 0.001 # measured")

    after = changed_policy(policy(text), {"base_rate": "0.002"})

    assert "base_rate = 0.002 # measured\n" in after.text


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"base_rate": "nan"}, "base_rate"),
        ({"base_rate": '1"\nversion = "9'}, "base_rate"),
        ({"base_rate": "0.9"}, "base_rate"),
        ({"classes.physical.fallback": "maybe"}, "classes.physical.fallback"),
        ({"classes.physical.fallback": "1"}, "classes.physical.fallback"),
    ],
)
def test_an_invalid_value_is_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(PolicyError, match=problem):
        changed_policy(policy(), given)


def test_a_policy_in_another_form_is_left_to_a_person() -> None:
    text = policy().text.replace("[block_budget]\nshare = 0.1\n", "[block_budget]\n")

    with pytest.raises(PolicyError, match=r"block_budget\.share.*edit the file"):
        changed_policy(policy(text), {"block_budget.share": "0.2"})


def test_a_dry_run_counts_what_would_change() -> None:
    index = Index()
    fill(index, sessions_of(ACME, [SURE, DOUBTFUL, ABSURD]))
    rows = Queries(index, None).recent(100)

    same = dry_run(rows, policy(), policy())
    assert (same.commands, same.reproduced, same.changed) == (3, 3, 0)

    never = changed_policy(policy(), {"classes.private_outbound.budget": "0"})
    found = dry_run(rows, policy(), never)
    assert found.changed == 2
    (change,) = found.classes
    assert change.before == {Verdict.ALLOW: 1, Verdict.CONFIRM: 1, Verdict.BLOCK: 1}
    assert change.after == {Verdict.ALLOW: 3}
    assert [verdict for _, verdict in found.examples] == [Verdict.ALLOW, Verdict.ALLOW]


@pytest.fixture
def desk() -> Desk:
    return desk_of_every_tenant()


def test_the_form_is_tried_out_and_downloaded(desk: Desk) -> None:
    form = {"csrf": desk.csrf(), "classes.private_outbound.budget": "0"}

    tried = desk.client.post("/desk/policy", data=form)
    assert tried.status_code == 200
    assert "<strong>4</strong> of 6 recent commands" in " ".join(tried.text.split())
    assert ACME not in tried.text.replace(f"household={ACME}", "")
    assert BOLT not in tried.text.replace(f"household={BOLT}", "")

    file = desk.client.post("/desk/policy/file", data=form)
    assert file.headers["content-disposition"] == 'attachment; filename="policy.toml"'
    assert policy(file.text).classes[RiskClass.PRIVATE_OUTBOUND].budget == 0

    form["base_rate"] = "0.9"
    for path in ("/desk/policy", "/desk/policy/file"):
        answer = desk.client.post(path, data=form)
        assert answer.status_code == 422
        assert "base_rate" in answer.text
