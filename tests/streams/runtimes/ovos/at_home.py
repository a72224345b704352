"""An OVOS that plays a month, in its own environment.

``python -m tests.streams.runtimes.ovos.at_home PORT GATEWAY_PORT MONTH`` serves it for ``misfire
runtimes play http://127.0.0.1:PORT``. With ``bare`` as a fourth word, it has no plugin.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detector.contracts.challenge_words import words_in
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn
from tests.streams.runtimes.ovos.configured import configure
from tests.streams.runtimes.served import serve_runtime

if TYPE_CHECKING:
    from tests.streams.runtimes.ovos.assistant import Assistant

_LETTERS = str.maketrans("0123456789_", "ghijklmnopq")
Form = tuple[str, ...]


class AtHome:
    """Says the commands of a month in sentences, at their times."""

    def __init__(
        self, assistant: Assistant, forms: Mapping[Form, str], clock: list[datetime]
    ) -> None:
        self._assistant, self._forms, self._clock = assistant, forms, clock
        self._said = ""
        # Devices of a home that have no sessions of their own.
        assistant.session = "default"

    def say(self, command: Command) -> Turn:
        self._clock[:] = [command.time or datetime.now(UTC)]
        values = {name: _word(value) for name, value in command.slots.items()}
        self._assistant.device = command.device
        turn = self._assistant.utter(self._forms[_form(command)].format(**values))
        self._said = turn.said
        return turn

    def answer(self, accepted: bool) -> Turn:
        words = ("yes", PIN, *words_in(self._said)) if accepted else ("no",)
        return self._assistant.utter(" ".join(words))


def _form(command: Command) -> Form:
    return command.intent, *sorted(command.slots)


def _word(value: str) -> str:
    """Return a value as a word that the parser leaves alone."""
    return value.lower().translate(_LETTERS)


def _sentences(month: Path) -> dict[Form, str]:
    """Return a sentence for each combination of an intent and its slots."""
    found = dict[Form, str]()
    for line in month.read_text("utf-8").splitlines():
        event: dict[str, Any] = json.loads(line)
        form = event["intent"], *sorted(event.get("slots") or ())
        first = f"please {_word(f'n{len(found)}')}"
        found.setdefault(form, " ".join((first, *(f"{name} {{{name}}}" for name in form[1:]))))
    return found


def _main(port: int, gateway: int, month: Path, *, bare: bool) -> None:
    folder = Path(tempfile.mkdtemp(prefix="misfire-ovos-"))
    key = folder / "proof.key"
    key.write_bytes(PROOF_KEY)
    configure(folder, gateway, pin=PIN, key_file=str(key), deadline_ms=60_000)
    if bare:
        (folder / "misfire_detector-0.dist-info" / "entry_points.txt").write_text("")
    # OVOS reads these when it is imported.
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        os.environ[f"XDG_{name}_HOME"] = str(folder)
    sys.path.insert(0, str(folder))
    # The parser would start processes for each utterance.
    concurrent.futures.ProcessPoolExecutor = concurrent.futures.ThreadPoolExecutor  # type: ignore[assignment,misc]
    from tests.streams.runtimes.ovos.assistant import Assistant

    forms, clock = _sentences(month), [datetime.now(UTC)]
    reported: list[object] = []
    by_intent = dict[str, list[str]]()
    for form, sentence in forms.items():
        by_intent.setdefault(form[0], []).append(sentence)
    assistant = Assistant(
        folder / "skills",
        lambda: len(assistant.ran) if bare else len(reported),
        by_intent,
    )
    if not bare:
        gate = assistant.core.intent_plugins.loaded_plugins["misfire-guard"]._gate
        gate._now = lambda: clock[0]
        report = gate.report

        def reporting(*given: Any) -> None:
            report(*given)
            reported.append(given)

        gate.report = reporting
    print("ready", flush=True)
    serve_runtime(AtHome(assistant, forms, clock), port)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), bare="bare" in sys.argv)
