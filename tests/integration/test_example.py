"""Run the example of a runtime with a gateway and a worker: check its output, and that the printed
words confirm.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streams.files.bundles import write_bundle
from streams.hook import examples
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from tests.detector.builders import hand_bundle, hand_calibration
from tests.integration.test_gateway import gateway
from tests.integration.worker import Worker, prepare

EXAMPLE = Path(str(examples.__file__)).parent / "runtime.py"


def conversation(url: str, *commands: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLE), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("".join(f"{command}\n" for command in commands))
    process.stdin.flush()
    return process


def test_the_example_has_at_most_forty_lines() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 40


def test_without_a_gateway_the_example_runs_what_the_policy_allows_and_confirms_nothing() -> None:
    process = conversation(
        f"http://127.0.0.1:{free_port()}",
        "lights.TurnOn k1_9a",
        "messages.SendMessage k1_5f0c",
        "right",
    )
    said, _ = process.communicate(timeout=60)
    lights, question, refusal = said.splitlines()
    assert lights == "lights.TurnOn k1_9a runs"
    assert question.endswith("Was this intended?")
    assert refusal.startswith("messages.SendMessage: confirm. The answer could not be checked")


def test_the_printed_challenge_words_confirm_the_command(tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    # There are no commands for calibration, so the worker applies the policy's rule, which
    # confirms messages.
    write_bundle(hand_bundle(calibration=hand_calibration(0)), place)
    with EmbeddedBroker(port=0) as broker:
        prepare(broker)
        with (
            Worker(broker, place, tmp_path / "log", MISFIRE_DEADLINE_MS="5000") as worker,
            gateway(broker.bootstrap, place, tmp_path / "gw") as url,
        ):
            worker.wait_ready()
            process = conversation(url, "lights.TurnOn k1_9a", "messages.SendMessage k1_5f0c")
            assert process.stdin is not None
            assert process.stdout is not None
            lights, question = process.stdout.readline(), process.stdout.readline()
            process.stdin.write(f"all right, {question.rpartition('say: ')[2]}")
            said, _ = process.communicate(timeout=60)

            assert lights == "lights.TurnOn k1_9a runs\n"
            assert said == "messages.SendMessage k1_5f0c runs\n"
            assert (
                worker.metric("misfire_confirmations_total", method="challenge", result="confirmed")
                == 1
            )
