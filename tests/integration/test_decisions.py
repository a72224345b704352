from __future__ import annotations

import json
from subprocess import CompletedProcess

from detector.decision.bundle import Bundle
from streams.kafka.topics import DECISIONS, SHADOWS
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.records import DECISION
from streams.wire.shadow_verdict import SHADOW_VERDICT
from tests.commands import misfire
from tests.detector.builders import hand_bundle, run, send_message
from tests.integration.worker import prepare, producing
from tests.streams.shadow_verdicts import shadowed


def test_an_invalid_decision_is_reported_by_position_and_skipped(embedded: EmbeddedBroker) -> None:
    bundle: Bundle = hand_bundle()
    decision = run(send_message(), bundle)[0][-1]
    prepare(embedded)

    def decisions(*arguments: str) -> CompletedProcess[str]:
        return misfire("decisions", *arguments, "--broker", embedded.bootstrap)

    with producing(embedded) as producer:
        for value in (
            b"",
            b"not JSON " + decision.decision_id.encode(),
            None,
            DECISION.encode(decision),
        ):
            producer.send(DECISIONS, value, key=b"h1").get(30)

    tail = decisions("tail", "--from-beginning", "--limit", "4")
    lines = decisions("tail", "--from-beginning", "--limit", "4", "--json")
    shown = decisions("show", decision.decision_id, "--json", "-")

    with producing(embedded) as producer:
        shadow = SHADOW_VERDICT.encode(shadowed(send_message()))
        producer.send(SHADOWS, shadow, key=b"h1").get(30)
    seen = decisions("shadows", "--from-beginning", "--limit", "1")
    assert "decided allow, shadow-a (bundle 0000000000000000) would block" in seen.stdout

    assert (tail.returncode, lines.returncode, shown.returncode) == (0, 0, 0), (
        tail.stderr + shown.stderr
    )
    assert tail.stdout.count("\n") == 1
    assert tail.stderr.count("skipped") == 3
    assert f"{DECISIONS}, partition" in tail.stderr
    assert json.loads(lines.stdout.splitlines()[-1])["decision_id"] == decision.decision_id
    assert json.loads(shown.stdout)["decision_id"] == decision.decision_id
