from __future__ import annotations

import pytest

from streams.cli.output import console, table


def test_square_brackets_in_a_cell_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    console.cache_clear()  # the console keeps the standard error of the test before

    table("addresses", ["where", "advice"], [["http://[::1]:8751", "add it under [[intents]]"]])

    printed = capsys.readouterr().err
    assert "http://[::1]:8751" in printed
    assert "add it under [[intents]]" in printed
    console.cache_clear()
