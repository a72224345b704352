"""Every command: its help, its normal case if it needs no broker, and its errors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from detector.contracts.events import IntentEvent
from detector.simulation.misfires import ALL_KINDS
from streams.cli.evaluate import _kinds_of
from streams.files.bundles import write_bundle
from streams.files.events import read_events, write_events, write_labels
from streams.files.household_secrets import SecretsFile
from streams.kafka.connection import Brokers
from streams.local.processes import free_port
from streams.wire.records import INTENT
from tests.commands import misfire
from tests.detector.builders import event, hand_bundle, hand_judge, hand_report
from tests.detector.town import town

COMMANDS = [
    ["demo"],
    ["broker"],
    ["topics", "create"],
    ["topics", "check"],
    ["worker"],
    ["gateway"],
    ["simulate"],
    ["train"],
    ["scan"],
    ["schema"],
    ["evaluate"],
    ["evaluate", "daily"],
    ["evaluate", "sequences"],
    *(["bundle", verb] for verb in ("show", "check", "sign", "verify", "compare")),
    *(["bundle", verb] for verb in ("promote", "rollback", "channels")),
    ["starter", "show"],
    ["starter", "train"],
    ["backtest"],
    ["drift"],
    ["replay"],
    ["decide"],
    ["decisions", "tail"],
    ["doctor"],
    ["config", "show"],
    ["token", "new"],
    ["token", "list"],
    ["token", "revoke"],
    ["bench", "train"],
    ["bench", "step"],
    ["bench", "state"],
    ["bench", "change"],
    *(["bench", scale] for scale in ("recovery", "soak", "traffic", "hot")),
    ["plan"],
    ["bench", "hdfs"],
    ["bench", "schonlau"],
    ["bench", "slurp"],
]


def assert_said(ended: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    said = ended.stderr.strip().splitlines()
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert any(line.startswith("misfire: ") or '"level":"critical"' in line for line in said)
    assert text in ended.stderr


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "town.jsonl.gz"
    events: list[IntentEvent] = sorted(
        town(households=4), key=lambda event: (event.time, event.event_id)
    )
    write_events(path, events)
    return path


@pytest.fixture(scope="module")
def small_stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the stream of a few households: enough to train on."""
    path = tmp_path_factory.mktemp("streams") / "small.jsonl.gz"
    events = town(households=8, sessions=12)
    write_events(path, sorted(events, key=lambda event: (event.time, event.event_id)))
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(hand_bundle(), path)
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_a_help_text(command: list[str]) -> None:
    ended = misfire(*command, "--help")

    assert ended.returncode == 0
    assert f"misfire {' '.join(command)}".removeprefix("misfire ") in ended.stdout
    assert len(ended.stdout.splitlines()) > 5


def test_a_usage_error_is_exit_code_2() -> None:
    assert misfire("bogus").returncode == 2
    assert misfire("train").returncode == 2


@pytest.mark.slow
def test_training_is_reproducible(small_stream: Path, tmp_path: Path) -> None:
    places = tmp_path / "first", tmp_path / "second"
    ended = [misfire("train", small_stream, "--out", place, "--json", "-") for place in places]

    assert [each.returncode for each in ended] == [0, 0], ended[0].stderr
    first, second = ({path.name: path.read_bytes() for path in place.iterdir()} for place in places)
    assert first == second
    assert json.loads(first["report.json"])["data"]["events"] == len(read_events(small_stream))


def test_evaluate_reports_its_measures(small_stream: Path, bundle: Path, tmp_path: Path) -> None:
    misfires = [event.event_id for event in read_events(small_stream) if event.commits][-5:]
    write_labels(tmp_path / "labels", [(event_id, "phantom", "c1") for event_id in misfires])

    ended = misfire(
        "evaluate",
        "--stream",
        small_stream,
        "--labels",
        tmp_path / "labels",
        "--bundle",
        bundle,
        "--json",
        "-",
    )

    found: dict[str, Any] = json.loads(ended.stdout)
    wanted = {
        "events",
        "committing",
        "misfires",
        "auroc",
        "recall",
        "perplexity",
        "realised_false_interruptions",
    }
    assert wanted <= found.keys()
    assert found["misfires"] == 5
    assert [each["budget"] for each in found["budgets"]["all"]] == [0.001, 0.005, 0.01, 0.05]
    assert found["reliability"]["bins"]
    assert found["cost_per_thousand"].keys() >= {
        "misfire",
        "always allow",
        "bigram gate",
        "order-2 Markov gate",
    }
    assert found["without"] == []
    assert found["recall"].keys() == {"0.001", "0.01", "0.05"}


@pytest.mark.slow
def test_baselines_are_measured_beside_the_model(
    small_stream: Path, bundle: Path, tmp_path: Path
) -> None:
    misfires = [event.event_id for event in read_events(small_stream) if event.commits][-5:]
    write_labels(tmp_path / "labels", [(event_id, "phantom", "c1") for event_id in misfires])

    ended = misfire(
        "evaluate", "--stream", small_stream, "--labels", tmp_path / "labels", "--bundle", bundle,
        "--baselines", small_stream, "--json", "-",
    )  # fmt: skip

    found: dict[str, Any] = json.loads(ended.stdout)
    assert [each["name"] for each in found["baselines"]] == [
        "never seen here",
        "frequency here",
        "bigram with household prior",
        "time of day",
        "gradient boosting on counts",
    ]
    assert "its keep" in " ".join(ended.stderr.split())
    assert isinstance(found["earns_its_keep"], bool)


def test_evaluate_daily_measures_new_homes(
    small_stream: Path, bundle: Path, tmp_path: Path
) -> None:
    misfires = [event.event_id for event in read_events(small_stream) if event.commits][-5:]
    write_labels(tmp_path / "labels", [(event_id, "phantom", "c1") for event_id in misfires])
    given = ("--stream", small_stream, "--labels", tmp_path / "labels", "--json", "-")

    found = json.loads(misfire("evaluate", "daily", *given, "--bundle", bundle).stdout)

    assert [each["name"] for each in found["periods"]][:4] == ["day 1", "day 7", "day 30", "week 1"]
    assert found["periods"][-1]["misfires"]["commands"] == 5


def test_starter_shows_what_it_was_trained_on() -> None:
    found = json.loads(misfire("starter", "show", "--json", "-").stdout)
    assert found["recipe"]["homes"] > 0
    assert "lock.HassTurnOff" in found["commands_by_intent"]


@pytest.mark.slow
def test_change_counts_the_sessions_until_a_household_is_back_within_budget(
    stream: Path, bundle: Path, tmp_path: Path
) -> None:
    misfire_id = next(event.event_id for event in read_events(stream) if event.commits)
    write_labels(tmp_path / "labels", [(misfire_id, "phantom", "c1")])
    ended = misfire(
        "bench", "change", stream, "--labels", tmp_path / "labels", "--bundle", bundle,
        "--plot", tmp_path / "p", "--json", "-",
    )  # fmt: skip

    found: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == int(
        found["learned"] or any(each["sessions"] is None for each in found["recoveries"])
    )
    assert {each["change"] for each in found["recoveries"]} >= {
        "nothing",
        "a new device",
        "a guest's week",
    }
    assert (tmp_path / "p" / "change.svg").is_file()
    assert_said(misfire("bench", "change", "--labels", tmp_path / "labels"), 2, "STREAM")


def test_evaluate_can_leave_out_a_channel(small_stream: Path, bundle: Path, tmp_path: Path) -> None:
    misfire_id = next(event.event_id for event in read_events(small_stream) if event.commits)
    write_labels(tmp_path / "labels", [(misfire_id, "phantom", "c1")])
    arguments: list[str | Path] = [
        "evaluate",
        "--stream",
        small_stream,
        "--labels",
        tmp_path / "labels",
    ]
    arguments += ["--bundle", bundle]

    ended = misfire(*arguments, "--without", "history", "--without", "confidences", "--json", "-")

    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["without"] == ["confidences", "history"]
    assert found["budgets"]["new"][0]["commands"] == found["budgets"]["all"][0]["commands"]
    assert_said(misfire(*arguments, "--without", "wheels"), 2, "wheels")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bundle", "b", "--leave-out", "spliced"], "need --train"),
        (["--train", "s", "--leave-out", "ghost"], "phantom_template"),
    ],
)
def test_only_a_known_kind_can_be_left_out_of_training(arguments: list[str], said: str) -> None:
    ended = misfire("evaluate", "--stream", "s", "--labels", "l", *arguments)

    assert_said(ended, 2, said)


def test_ablation_requires_a_training_stream() -> None:
    assert_said(
        misfire("evaluate", "--stream", "s", "--labels", "l", "--bundle", "b", "--ablate"),
        2,
        "--train",
    )


@pytest.mark.parametrize("label", ["phantom", "template", "phantom_template"])
def test_a_label_names_a_kind_by_its_name_or_one_of_its_words(label: str) -> None:
    assert _kinds_of({label}, ALL_KINDS) == {"phantom_template"}


@pytest.mark.slow
def test_labelled_misfires_are_left_out_of_training(small_stream: Path, tmp_path: Path) -> None:
    misfire_id = next(event.event_id for event in read_events(small_stream) if event.commits)
    write_labels(tmp_path / "labels", [(misfire_id, "phantom", "c1")])

    ended = misfire(
        "evaluate",
        *(
            "--train",
            small_stream,
            "--stream",
            small_stream,
            "--labels",
            tmp_path / "labels",
            "--leave-one-kind-out",
        ),
        *("--json", "-"),
    )

    assert json.loads(ended.stdout)["left_out"] == ["phantom_template"]


def test_a_label_must_name_a_kind_to_be_left_out(stream: Path, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels", [("e1", "ghost", "c1")])

    ended = misfire(
        "evaluate",
        "--train",
        stream,
        "--stream",
        stream,
        "--labels",
        tmp_path / "labels",
        "--leave-one-kind-out",
    )

    assert_said(ended, 2, "ghost")


def test_evaluate_takes_a_stream_and_labels() -> None:
    assert_said(misfire("evaluate", "--bundle", "b"), 2, "--stream and --labels")


def test_abnormal_sequences_are_detected(tmp_path: Path) -> None:
    (tmp_path / "train").write_text("open read close\nopen write close\n" * 40)
    (tmp_path / "test").write_text(
        "open read close\nclose open read\nopen write close\nopen open\n"
    )
    (tmp_path / "labels").write_text("0\n1\n0\n1\n")
    arguments: list[str | Path] = ["evaluate", "sequences", "--train", tmp_path / "train"]
    arguments += ["--test", tmp_path / "test", "--labels", tmp_path / "labels"]

    ended = misfire(*arguments, "--json", "-")

    found = json.loads(ended.stdout)
    assert (found["auroc"], found["false_alarms_at_90"], found["abnormal"]) == (1.0, 0.0, 2)
    assert found["alone"]["mean"]["auroc"] == 1.0
    (tmp_path / "labels").write_text("0\n1\n")
    assert_said(misfire(*arguments), 2, "one label per sequence")


def test_a_benchmark_without_its_data_is_reported(tmp_path: Path) -> None:
    assert_said(misfire("bench", "hdfs", tmp_path), 3, "lacks train.gz")
    assert_said(misfire("bench", "schonlau", tmp_path), 3, "such as User1")


def test_config_show_names_the_source_of_each_setting(tmp_path: Path) -> None:
    (tmp_path / "misfire.toml").write_text('partitions = 3\nbroker = "kafka:9092"\n')

    ended = misfire(
        "config",
        "show",
        "--config",
        tmp_path / "misfire.toml",
        "--json",
        "-",
        MISFIRE_PARTITIONS="5",
    )

    found = json.loads(ended.stdout)
    assert found["partitions"] == {"value": 5, "from": "MISFIRE_PARTITIONS"}
    assert found["broker"] == {"value": "kafka:9092", "from": str(tmp_path / "misfire.toml")}
    assert found["deadline_ms"] == {"value": 150, "from": "default"}


def test_an_invalid_configuration_is_reported_completely_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "misfire.toml").write_text('partitions = 0\nbroker = "nowhere"\ncolour = "red"\n')

    ended = misfire("worker", "--config", tmp_path / "misfire.toml")

    assert_said(ended, 2, "partitions")
    assert "broker" in ended.stderr
    assert "colour" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [["worker"], ["topics", "create"], ["topics", "check"], ["doctor"], ["decisions", "tail"]],
)
def test_an_unreachable_broker_is_reported(
    command: list[str], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brokers, "patience_ms", 100)
    given: list[str | Path] = ["--bundle", bundle] if command[0] in ("worker", "doctor") else []

    assert_said(
        misfire(*command, "--broker", f"127.0.0.1:{free_port()}", *given),
        3,
        "no Kafka broker answers",
    )


def test_the_rights_on_kafka_are_a_table_and_commands() -> None:
    granted = misfire(
        "topics",
        "acl",
        "--part",
        "gateway",
        "--principal",
        "User:gateway",
        "--broker",
        "kafka:9093",
    )
    table = misfire("topics", "acl", "--json", "-")

    lines = granted.stdout.splitlines()
    assert len(lines) == 2
    assert all(
        line.startswith("kafka-acls.sh --bootstrap-server kafka:9093 --add") for line in lines
    )
    assert {
        "part": "trainer",
        "operations": ["Read"],
        "on": ["assistant.intents", "assistant.outcomes", "misfire.labels"],
    } in json.loads(table.stdout)
    assert "rights on Kafka" in table.stderr
    assert_said(misfire("topics", "acl", "--part", "gateway"), 2, "belong together")
    assert_said(
        misfire("topics", "acl", "--part", "cook", "--principal", "User:a"), 2, "choose from worker"
    )
    assert_said(
        misfire("topics", "acl", "--part", "worker", "--principal", "a"), 2, "give User:NAME"
    )


def test_kafka_settings_that_contradict_each_other_start_nothing(bundle: Path) -> None:
    given = {
        "MISFIRE_KAFKA_SECURITY": "SASL_SSL",
        "MISFIRE_KAFKA_USER": "w",
        "MISFIRE_KAFKA_CERT": "/a",
    }

    for command in (
        ["worker", "--bundle", bundle],
        ["gateway", "--bundle", bundle],
        ["topics", "check"],
        ["doctor"],
    ):
        ended = misfire(*command, **given)
        assert_said(ended, 2, "needs kafka_password_file too")
        assert "kafka_cert and kafka_key belong together" in ended.stderr


def test_a_missing_bundle_is_reported(stream: Path, tmp_path: Path) -> None:
    nothing, said = tmp_path / "nothing", "there is no bundle in"
    (tmp_path / "labels").touch()

    assert_said(misfire("worker", "--bundle", nothing), 3, said)
    assert_said(misfire("replay", stream, "--bundle", nothing), 3, said)
    evaluate: list[str | Path] = [
        "evaluate",
        "--stream",
        stream,
        "--labels",
        tmp_path / "labels",
        "--bundle",
        nothing,
    ]
    assert_said(misfire(*evaluate), 3, said)


def test_a_damaged_bundle_is_reported(bundle: Path, tmp_path: Path) -> None:
    for file in bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "names.json").write_bytes(b"{}")

    assert_said(misfire("worker", "--bundle", tmp_path), 3, "sha256")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "contains no events"), (b"{\n", "line 1"), (b'{"event_id": "e"}\n', "line 1")],
)
def test_an_invalid_stream_is_reported(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "stream").write_bytes(content)

    assert_said(misfire("train", tmp_path / "stream", "--out", tmp_path / "bundle"), 2, said)
    assert_said(misfire("scan", tmp_path / "stream"), 2, said)


def test_a_stream_that_is_too_short_is_reported(stream: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "short", read_events(stream)[:3])

    assert_said(
        misfire("train", tmp_path / "short", "--out", tmp_path / "bundle"),
        2,
        "at least 6 households",
    )


def test_labels_of_another_stream_are_reported(stream: Path, bundle: Path, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels", [("stranger", "phantom", "c")])
    ended = misfire(
        "evaluate", "--stream", stream, "--labels", tmp_path / "labels", "--bundle", bundle
    )

    assert_said(ended, 2, "are not in the stream")


def test_a_directory_without_a_bundle_is_not_overwritten(stream: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")

    assert_said(misfire("train", stream, "--out", tmp_path / "mine"), 3, "is not a bundle")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


def test_decide_always_has_a_verdict_and_a_matching_exit_code(tmp_path: Path) -> None:
    nowhere = ["--url", f"http://127.0.0.1:{free_port()}"]
    command = json.loads(INTENT.encode(event(1, intent="lights.TurnOn", commits=True)))
    for intent, code, verdict in (
        ("lights.TurnOn", 0, "allow"),
        ("messages.SendMessage", 1, "confirm"),
    ):
        (tmp_path / "event.json").write_text(json.dumps(command | {"intent": intent}))
        ended = misfire("decide", tmp_path / "event.json", *nowhere, "--json", "-")
        assert ended.returncode == code, ended.stderr
        found = json.loads(ended.stdout)
        assert (found["verdict"], found["rung"]) == (verdict, "policy")
        assert "not the worker's verdict" in ended.stderr


def test_decide_reads_standard_input() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "streams.cli",
            "decide",
            "-",
            "--url",
            f"http://127.0.0.1:{free_port()}",
        ],
        input=INTENT.encode(event(1)),
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_decide_rejects_invalid_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"event_id": "e1"}')
    assert_said(misfire("decide", tmp_path / "event.json"), 2, "is not a valid event")
    assert_said(misfire("decide", tmp_path / "nowhere.json"), 3, "cannot be read")


RELEASE = sorted((Path(__file__).parents[2] / "schemas").iterdir())[-1]


def test_there_is_no_breaking_change_since_the_last_release(tmp_path: Path) -> None:
    """Fields are only ever added. An intended breaking change needs a new major version, with its
    own folder of schemas.
    """
    ended = misfire("schema", "--out", tmp_path, "--against", RELEASE)
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in RELEASE.iterdir()} <= {path.name for path in tmp_path.iterdir()}


def test_breaking_changes_are_reported(tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(RELEASE, before)
    decision = json.loads((before / "Decision.schema.json").read_text())
    decision["properties"]["mood"] = {"type": "string"}
    (before / "Decision.schema.json").write_text(json.dumps(decision))
    (before / "Gone.schema.json").write_text("{}")

    ended = misfire("schema", "--against", before, "--json", "-")

    assert ended.returncode == 1
    assert json.loads(ended.stdout)["broken"] == ["Decision.mood was removed", "Gone was removed"]
    assert_said(misfire("schema", "--against", tmp_path), 3, "lacks asyncapi.json, openapi.json")


def test_keys_are_created_rotated_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = misfire("keys", "new", file, "--tenant", "acme", "--overlap-days", "0", "--json", "-")
    assert json.loads(made.stdout) == {"tenant": "acme", "valid": ["k1"], "overlap_days": 0.0}
    assert misfire("keys", "new", file, "--tenant", "acme").returncode == 2
    other = misfire(
        "keys", "new", tmp_path / "other.json", "--tenant", "beta", "--household-key", "H"
    )
    assert_said(other, 2, "--household-key")

    rotated = misfire("keys", "rotate", file, "--json", "-")
    assert json.loads(rotated.stdout)["valid"] == ["k2"]
    secrets = [key["secret"] for key in json.loads(file.read_text())["keys"]]
    assert not [
        secret for secret in secrets if secret in made.stdout + made.stderr + rotated.stdout
    ]


def test_tokens_are_created_listed_and_revoked(tmp_path: Path) -> None:
    file = tmp_path / "access.json"
    first: list[str | Path] = ["token", "new", file, "--tenant", "acme", "--scope", "decide"]
    assert_said(misfire(*first), 2, "--household-key")
    assert_said(misfire(*first, "--household-key", "H"), 2, "lower-case letters")
    assert_said(misfire(*first, "--scope", "all"), 2, "decide, confirm, operate")
    assert_said(misfire("token", "list", file), 3, "misfire token new")

    made = misfire(*first, "--household-key", "hacme")
    name, _, secret = made.stdout.strip().partition(".")
    listed = json.loads(misfire("token", "list", file, "--json", "-").stdout)
    assert listed == [
        {
            "id": name,
            "tenant": "acme",
            "household key": "hacme",
            "may": "decide",
            "events a second": "100",
        }
    ]
    assert secret not in file.read_text() + made.stderr

    assert_said(misfire("token", "revoke", file, "00000000"), 2, "misfire token list")
    assert misfire("token", "revoke", file, name).returncode == 0
    assert json.loads(misfire("token", "list", file, "--json", "-").stdout) == []


def test_config_limits_lists_the_limits() -> None:
    shown = json.loads(misfire("config", "limits", "--json", "-").stdout)
    assert {"what", "most", "unit", "beyond"} == set(shown[0])
    assert "too_large" in {limit["beyond"] for limit in shown}


def test_a_households_secret_is_deleted(tmp_path: Path) -> None:
    keys, secrets = tmp_path / "keys.json", tmp_path / "secrets.db"
    assert misfire("keys", "new", keys, "--tenant", "acme").returncode == 0
    assert_said(misfire("keys", "forget", "h1", "--secrets", secrets), 3, "does not exist")
    drawn = SecretsFile(secrets).secret("h1")

    assert misfire("keys", "forget", "h1", "--secrets", secrets).returncode == 0
    assert misfire("keys", "forget", "h1", "--secrets", secrets).returncode == 1
    assert SecretsFile(secrets).secret("h1") != drawn


def test_a_households_token_is_made_with_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invalid options are reported before the command connects to a broker."""
    monkeypatch.setattr(Brokers, "patience_ms", 100)
    keys, secrets = tmp_path / "keys.json", tmp_path / "secrets.db"
    show = ("household", "show", "h1", "--broker", f"127.0.0.1:{free_port()}")
    assert misfire("keys", "new", keys, "--tenant", "acme").returncode == 0

    assert_said(misfire(*show, "--secrets", secrets), 2, "--secrets needs --keys")
    assert_said(misfire(*show, "--keys", keys, "--secrets", secrets), 3, "does not exist")
    SecretsFile(secrets)
    assert_said(misfire(*show, "--keys", keys, "--secrets", secrets), 3, "no Kafka broker answers")


def test_bundle_compare_prints_and_writes_the_comparison(
    small_stream: Path, bundle: Path, tmp_path: Path
) -> None:
    blind = hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0)))
    write_bundle(blind, tmp_path / "other")

    ended = misfire("bundle", "compare", bundle, tmp_path / "other", small_stream, "--json", "-")

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["versions"] == [hand_bundle().version, blind.version]
    assert found["commands"] == sum(event.commits for event in read_events(small_stream))
    assert found["verdict"] in ended.stderr


def test_a_backtest_of_a_stream_compares_and_continues_from_its_checkpoint(
    small_stream: Path, bundle: Path, tmp_path: Path
) -> None:
    blind = hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0)))
    write_bundle(blind, tmp_path / "other")
    command = ["backtest", small_stream, "--bundle", bundle, "--candidate", tmp_path / "other"]
    command += ["--since", "9999d", "--json", "-", "--checkpoint", tmp_path / "backtest.sqlite"]

    first, again = misfire(*command), misfire(*command)

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    found = json.loads(first.stdout)
    assert found == json.loads(again.stdout)
    assert found["versions"] == [hand_bundle().version, blind.version]
    assert found["commands"]["meant"] == sum(event.commits for event in read_events(small_stream))
    assert found["verdict"] in first.stderr


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["replay", "--bundle", "b"], "give either a STREAM or --decision ID"),
        (["train", "--out", "b"], "give either a STREAM or --from-topic"),
        (["train", "s", "--from-topic", "--out", "b"], "give either a STREAM or --from-topic"),
        (["backtest", "--candidate", "b", "--labels", "l"], "--labels belongs to a STREAM"),
        (["backtest", "s", "--candidate", "b", "--since", "1y"], "write a number and a unit"),
        (["drift", "--since", "soon"], "write a number and a unit"),
    ],
)
def test_options_that_exclude_each_other_are_refused(command: list[str], text: str) -> None:
    assert_said(misfire(*command), 2, text)


def test_bundle_show_and_check_print_the_report(bundle: Path, tmp_path: Path) -> None:
    shown = misfire("bundle", "show", bundle, "--json", "-")
    assert json.loads(shown.stdout)["data"]["source"] == "builders of the tests"
    assert "always allow" in shown.stderr
    assert misfire("bundle", "check", bundle).returncode == 0

    write_bundle(hand_bundle(report=hand_report(ours=5.0)), tmp_path / "unready")
    checked = misfire("bundle", "check", tmp_path / "unready", "--json", "-")
    assert checked.returncode == 1
    found = json.loads(checked.stdout)
    assert not found["ok"]
    assert found["thin"] == [
        "purchase: 44 of 99 scores; at most 2.2% of false interruptions can be promised"
    ]
