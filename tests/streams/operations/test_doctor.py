from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from detector.contracts.decisions import RiskClass
from detector.judge.calibration import Thin
from streams.errors import DependencyUnavailable
from streams.files.bundles import write_bundle
from streams.operations import doctor
from streams.operations.doctor import _agreement, _condition, _processes
from streams.settings import Settings
from tests.detector.builders import hand_bundle, hand_report

READY = httpx.Response(200, json={"ready": True})


def info(*versions: str, key: int = 1) -> httpx.Response:
    lines = (f'misfire_bundle_info{{version="{version}",policy="p"}} 1\n' for version in versions)
    proofs = f"# TYPE misfire_proof_key_present gauge\nmisfire_proof_key_present {key}\n"
    return httpx.Response(200, text="# TYPE misfire_bundle_info gauge\n" + "".join(lines) + proofs)


def two_workers(
    monkeypatch: pytest.MonkeyPatch, **answers: httpx.Response | None
) -> list[doctor._Process]:
    """A worker at each of two addresses."""
    addresses = [(0, 0, 0, "", (ip, 8751)) for ip in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: addresses)
    monkeypatch.setattr(
        doctor,
        "fetch",
        lambda url, _: answers.get(
            url.split("//")[1].replace(".", "").replace(":8751/", "_").replace("127", "w")
        ),
    )
    return _processes("worker", "worker", 8751)


def test_each_address_of_a_name_is_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    found = two_workers(
        monkeypatch,
        w001_readyz=READY,
        w001_metrics=info("a"),
        w002_readyz=READY,
        w002_metrics=info("a"),
    )

    assert [_condition(process).text for process in found] == [
        "ready at http://127.0.0.1:8751",
        "ready at http://127.0.0.2:8751",
    ]
    assert (_agreement(found).ok, _agreement(found).text) == (True, "every process uses bundle a")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"w002_metrics": info("b")}, "processes use different bundles: a, b"),
        ({"w002_metrics": info()}, "no bundle is loaded at http://127.0.0.2:8751"),
        (
            {"w002_metrics": info("a", key=0)},
            "ready at http://127.0.0.2:8751, without a key for proofs",
        ),
        (
            {"w002_readyz": None},
            "nothing answers at http://127.0.0.2:8751; start it with 'misfire worker'",
        ),
        ({"w002_readyz": httpx.Response(503, json={"missing": ["kafka"]})}, "it waits for kafka"),
        (
            {"w002_readyz": httpx.Response(503, json={"ready": False})},
            "it waits for its partitions or its table",
        ),
    ],
)
def test_findings_name_the_problem(
    answers: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy: dict[str, Any] = {
        "w001_readyz": READY,
        "w002_readyz": READY,
        "w001_metrics": info("a"),
        "w002_metrics": info("a"),
    }
    found = two_workers(monkeypatch, **(healthy | answers))

    wrong = [finding for finding in (*map(_condition, found), _agreement(found)) if not finding.ok]

    assert said in " ".join(finding.text for finding in wrong)


def test_an_unresolvable_name_is_reported_as_an_unresponsive_part() -> None:
    (process,) = _processes("gateway", "unknown.invalid", 8750)

    assert "nothing answers at http://unknown.invalid:8750" in _condition(process).text


@pytest.mark.parametrize(
    ("trained_on", "recent", "ok", "said"),
    [
        ([], {}, True, "the policy names every recently used intent"),
        (
            [],
            {"quiz.Start": 3, "a.B": 5},
            False,
            "no rule of the policy names a.B (5 times), quiz.Start (3 times); each",
        ),
        (["quiz.Start"], {}, False, "quiz.Start (0 times)"),
        (
            [],
            {f"quiz.Start_{number}": 1 for number in range(12)},
            False,
            "and 2 more; each of their commands needs a confirmation",
        ),
    ],
)
def test_intents_without_a_rule_are_listed(
    trained_on: list[str],
    recent: dict[str, int],
    ok: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "read_deciding", lambda _: SimpleNamespace(unclassified=trained_on))
    finding = doctor._classified(Settings(), recent)
    assert (finding.part, finding.ok) == ("intents", ok)
    assert said in finding.text


def about_the_bundle(settings: Settings) -> dict[str, tuple[bool, str]]:
    return {finding.part: (finding.ok, finding.text) for finding in doctor._bundle(settings)}


def test_thin_classes_are_listed(tmp_path: Path) -> None:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    found = about_the_bundle(Settings(bundle=tmp_path / "bundle"))
    assert found["bundle"] == (True, f"version {hand_bundle().version} ({tmp_path / 'bundle'})")
    assert found["calibration"] == (
        True,
        "purchase: 44 of 99 scores; at most 2.2% of false interruptions can be promised",
    )


def test_a_class_that_always_asks_is_wrong(tmp_path: Path) -> None:
    thin = (Thin(RiskClass.PHYSICAL, 3, 99, None, True),)
    report = replace(hand_report(), thin=thin)
    write_bundle(hand_bundle(report=report), tmp_path / "bundle")
    ok, text = about_the_bundle(Settings(bundle=tmp_path / "bundle"))["calibration"]
    assert not ok
    assert text == "physical: 3 of 99 scores; the policy's fallback decides every command"


@pytest.mark.parametrize(
    ("allowed", "said"), [(False, "no process accepts it"), (True, "allow_unready is set")]
)
def test_an_unready_bundle_is_wrong(tmp_path: Path, allowed: bool, said: str) -> None:
    write_bundle(hand_bundle(report=hand_report(ours=5.0)), tmp_path / "bundle")
    settings = Settings(bundle=tmp_path / "bundle", allow_unready=allowed)
    ok, text = about_the_bundle(settings)["bundle"]
    assert not ok
    assert "1,000 commands cost 5.0 by its decisions, but 2.0 by the rule 'always allow'" in text
    assert said in text


def test_a_missing_bundle_hides_no_unclassified_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> None:
        raise DependencyUnavailable("there is no bundle")

    monkeypatch.setattr(doctor, "read_deciding", missing)
    assert not doctor._classified(Settings(), {"quiz.Start": 1}).ok


def test_a_wildcard_address_is_reached_over_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls: list[str] = []
    monkeypatch.setattr(doctor, "_process", lambda _, url, __: urls.append(url))

    for host in ("0.0.0.0", "::"):
        _processes("gateway", host, 8750)

    assert urls == ["http://127.0.0.1:8750"] * 2
