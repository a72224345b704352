from pathlib import Path

from detector.contracts.outcome_table import TABLE, OutcomeRefused
from streams.gateway.documents import outcomes_page as outcomes

PAGE = Path(outcomes.__file__).with_name("outcomes.md")


def test_the_page_is_generated_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == outcomes.page(), (
        "run: python -m streams.gateway.documents.outcomes_page "
        "> streams/gateway/documents/outcomes.md"
    )


def test_the_page_has_a_row_for_every_entry_and_a_sentence_for_every_reason() -> None:
    page = outcomes.page()
    assert page.count("\n| ") == 2 * 2 + sum(map(len, TABLE.values())) + len(OutcomeRefused)
