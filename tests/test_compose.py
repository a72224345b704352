"""Check docker-compose.yml with a real Compose implementation and the real programs.

The tests start no container, so they do not check that the images start.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.connection import Brokers
from streams.kafka.topics import TOPICS, admin, check_topics, create_topics
from streams.settings import Settings, load
from tests.integration.kafka import ApacheKafka, lacking
from tests.tools import needed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
#: Services that do their work once and exit.
JOBS = {"topics", "setup", "password", "doctor"}


@cache
def reader() -> list[str]:
    """Return the command that reads a Compose file; Go caches the build."""
    go = needed("go", "install Go 1.24 or later")
    return [go, "-C", str(ROOT / "tests" / "compose"), "run", "."]


def read(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*reader(), str(file)], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    done = read(ROOT / "docker-compose.yml")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = project["services"]
    return found


BROKEN = {
    "an unknown key": ("command: [worker]", "comand: [worker]"),
    "an undefined dependency": ("topics:\n        condition", "topic:\n        condition"),
    "an invalid port": ("127.0.0.1:8750:8750", "127.0.0.1:8750:eighty"),
    "an undeclared volume": ("\nvolumes:\n  kafka:", "\nvolumes:"),
    "an undeclared secret": ("secrets: [page_url]", "secrets: [pager]"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mistake", BROKEN)
def test_the_compose_reader_rejects_mistakes(mistake: str, tmp_path: Path) -> None:
    right, wrong = BROKEN[mistake]
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert right in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(right, wrong), "utf-8")

    assert read(tmp_path / "docker-compose.yml").returncode == 1


@pytest.mark.timeout(300)
def test_every_service_exists(services: dict[str, Any]) -> None:
    assert services.keys() - {"doctor"} == {
        "retrain",
        "kafka",
        "topics",
        "setup",
        "password",
        "worker",
        "gateway",
        "prometheus",
        "alertmanager",
        "grafana",
    }
    assert services["worker"]["deploy"]["replicas"] == 2


def test_versions_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        ours = service["image"].startswith("misfire-detector:")
        digest = "" if ours else "@sha256:[0-9a-f]{64}"
        assert re.search(rf":v?\d+\.\d+\.\d+{digest}$", service["image"]), name
    stages = re.findall(
        r"^FROM (\S+)(?: AS (\S+))?", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    (base,) = {base for base, _ in stages} - {name for _, name in stages}
    assert re.fullmatch(r"python:3\.12\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", base)
    version = re.search(
        r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE
    )
    assert version
    assert services["worker"]["image"] == f"misfire-detector:{version[1]}"


def test_one_service_builds_the_image(services: dict[str, Any]) -> None:
    """Compose builds once for each service with ``build``, all at the same time."""
    ours = {name: each for name, each in services.items() if "misfire" in each["image"]}

    assert [name for name, service in ours.items() if "build" in service] == ["setup"]
    assert {service["pull_policy"] for service in ours.values()} == {"never"}


def test_ports_are_published_on_loopback_only(services: dict[str, Any]) -> None:
    published = {
        name: [port["host_ip"] for port in service.get("ports", [])]
        for name, service in services.items()
    }

    assert {address for addresses in published.values() for address in addresses} == {"127.0.0.1"}
    assert not published["worker"]  # the port would conflict between replicas


def test_no_service_runs_as_root_or_without_limits(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert service["logging"]["options"]["max-size"], name


def test_long_running_services_have_a_healthcheck_and_restart(services: dict[str, Any]) -> None:
    for name in services.keys() - JOBS:
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] == "unless-stopped", name
    for name in ("worker", "gateway"):
        assert {
            dependency["condition"] for dependency in services[name]["depends_on"].values()
        } == {"service_completed_successfully"}


def test_data_survives_the_removal_of_a_container(project: dict[str, Any]) -> None:
    mounted = {
        (name, volume["source"])
        for name, service in project["services"].items()
        for volume in service.get("volumes", [])
        if volume["type"] == "volume"
    }

    assert {(name, name) for name in ("kafka", "prometheus", "alertmanager", "grafana")} <= mounted
    assert {source for _, source in mounted} == project["volumes"].keys()


def test_secrets_come_from_files(project: dict[str, Any]) -> None:
    for service in project["services"].values():
        for name in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|TOKEN|KEY", name) or name.endswith(
                ("_FILE", "__FILE")
            ), name
    assert all("file" in secret for secret in project["secrets"].values())


def test_the_starter_bundle_decides_unless_another_is_named(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISFIRE_BUNDLE", "./mine")
    named: dict[str, Any] = json.loads(read(ROOT / "docker-compose.yml").stdout)["services"]

    for name in ("worker", "gateway", "doctor", "retrain"):
        assert services[name]["environment"]["MISFIRE_BUNDLE"] == ""
        assert load(environment=services[name]["environment"]).settings.bundle is None
        assert named[name]["environment"]["MISFIRE_BUNDLE"] == "/bundle"
        (mount,) = (each for each in named[name]["volumes"] if each["target"] == "/bundle")
        assert (mount["source"], mount["read_only"]) == (str(ROOT / "mine"), True)


def _networks(services: dict[str, Any], name: str) -> set[str]:
    return set(services[name].get("networks") or ())


def test_dashboards_and_alerting_cannot_reach_kafka(project: dict[str, Any]) -> None:
    services = project["services"]
    reaching = {
        name for name in services if _networks(services, name) & _networks(services, "kafka")
    }
    assert reaching == {"kafka", "topics", "worker", "gateway", "retrain", "doctor"}
    assert _networks(services, "kafka") == {"kafka"}
    assert all(
        _networks(services, name) or services[name]["network_mode"] == "none" for name in services
    )
    for name in ("worker", "gateway"):
        assert _networks(services, name) & _networks(services, "prometheus")
        for watching in ("grafana", "alertmanager"):
            assert not _networks(services, name) & _networks(services, watching)
    for name in ("grafana", "alertmanager"):
        assert _networks(services, name) & _networks(services, "prometheus")
    assert "default" not in project["networks"]


def test_confirmations_use_the_key_created_on_first_start(services: dict[str, Any]) -> None:
    mounted = {
        name: {
            volume["source"]: volume.get("read_only", False)
            for volume in service.get("volumes", [])
        }
        for name, service in services.items()
    }
    assert (
        services["worker"]["environment"]["MISFIRE_CONFIRMATION_KEY_FILE"]
        == "/keys/confirmation_key"
    )
    assert {name: found["keys"] for name, found in mounted.items() if "keys" in found} == {
        "setup": False,
        "worker": True,
    }
    assert {name for name, found in mounted.items() if "secrets" in found} == {
        "password",
        "grafana",
    }
    assert services["password"]["user"] == services["grafana"]["user"]
    assert services["setup"]["user"] == services["worker"]["user"]


@pytest.mark.parametrize("job", ["setup", "password"])
def test_files_created_on_first_start_are_readable_by_their_owner_only(
    services: dict[str, Any], job: str, tmp_path: Path
) -> None:
    """Run the job's commands twice in a temporary folder: they create one secret of mode 0400."""
    commands = services[job]["command"][0].replace("$$", "$")
    made = {"setup": "keys/confirmation_key", "password": "secrets/grafana_admin_password"}[job]
    (tmp_path / made).parent.mkdir()
    for folder in ("keys", "secrets"):
        commands = commands.replace(f"/{folder}/", f"{tmp_path}/{folder}/")
    found = set()
    for _ in range(2):
        subprocess.run(["sh", "-euc", commands], check=True, timeout=60)
        found.add((tmp_path / made).read_bytes())
    assert len(found) == 1
    assert len(found.pop()) >= 32
    assert (tmp_path / made).stat().st_mode & 0o777 == 0o400
    assert "444" not in services[job]["command"][0]


#: One round of the loop: ``sleep`` ends it. A program named in FAILS fails.
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$FAILS" in *"$1"*) exit 3;; esac
test "$1" != drift
"""


@pytest.mark.parametrize(
    ("fails", "programs", "failed"),
    [
        ("", ["drift", "train", "bundle", "backtest"], False),
        ("train", ["drift", "train"], True),
        ("drift", ["drift", "train", "bundle", "backtest"], True),
    ],
)
def test_a_round_of_retraining_trains_and_compares(
    services: dict[str, Any], fails: str, programs: list[str], failed: bool, tmp_path: Path
) -> None:
    """Run the loop with stand-ins for misfire and sleep; exit code 1 of drift is advice."""
    command = services["retrain"]["command"][0].replace("$$", "$")
    command = command.replace("/candidates", str(tmp_path)).replace("/tmp/failed", f"{tmp_path}/no")
    for name, text in (("misfire", PROGRAM), ("sleep", "#!/bin/sh\nexit 9\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    variables = os.environ | services["retrain"]["environment"]
    variables |= {"CALLS": str(tmp_path / "calls"), "FAILS": fails or "none"}
    variables["PATH"] = f"{tmp_path}:{variables['PATH']}"

    ended = subprocess.run(["sh", "-euc", command], env=variables, timeout=60, check=False)

    assert ended.returncode == 9
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [each.split()[1] for each in calls] == programs
    assert (tmp_path / "no").exists() == failed
    assert services["retrain"]["profiles"] == ["retrain"]


def test_misfire_knows_every_setting(services: dict[str, Any]) -> None:
    for name, service in services.items():
        given = {
            key: value or "/bundle"  # an empty value counts as unset
            for key, value in service.get("environment", {}).items()
            if key.startswith("MISFIRE_")
        }
        sources = load(environment=given).sources
        assert {
            f"MISFIRE_{field.upper()}"
            for field in Settings.model_fields
            if sources[field] != "default"
        } == given.keys(), name


def test_kafka_starts_with_its_settings(services: dict[str, Any]) -> None:
    """Start Kafka with the settings of its service, on free ports and in a temporary folder.

    The image turns the variable KAFKA_A_B into the property a.b.
    """
    if missing := lacking():
        for tool in missing:
            needed(tool, "install a Java 17 runtime and Maven")
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in services["kafka"]["environment"].items()
        if name != "KAFKA_HEAP_OPTS"
    }
    text = "\n".join(f"{name}={value}" for name, value in given.items())
    for old, new in {
        "kafka:": "127.0.0.1:",
        "://:": "://127.0.0.1:",
        ":19092": ":$inside_port",
        ":9092": ":$broker_port",
        ":29093": ":$controller_port",
        services["kafka"]["volumes"][0]["target"]: "$data",
    }.items():
        assert old in text
        text = text.replace(old, new)
    with ApacheKafka(text) as kafka:
        client = admin(Brokers(kafka.bootstrap))
        assert set(create_topics(client, Settings().partitions)) == {topic.name for topic in TOPICS}
        assert not check_topics(client, Settings().partitions)
        client.close()
        assert _healthy(services["kafka"], kafka.bootstrap)
    assert not _healthy(services["kafka"], kafka.bootstrap)


class _Readiness(BaseHTTPRequestHandler):
    """Answers every request with the server's ``status``."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/readyz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("name", "port"), [("worker", 8751), ("gateway", 8750)])
def test_a_health_check_starts_no_interpreter_and_reads_the_readiness(
    services: dict[str, Any], name: str, port: int
) -> None:
    with HTTPServer(("127.0.0.1", 0), _Readiness) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        for server.status, healthy in ((200, True), (503, False)):  # type: ignore[attr-defined]
            assert _healthy(services[name], address, port) == healthy
        server.shutdown()
    assert not _healthy(services[name], address, port)


def _healthy(service: dict[str, Any], address: str, port: int = 9092) -> bool:
    """Run the health check of a service; it must start neither a JVM nor Python."""
    _, program, *arguments = service["healthcheck"]["test"]
    assert program == "bash"
    there = address.replace(":", "/")
    moved = [each.replace(f"127.0.0.1/{port}", there).replace("$$", "$") for each in arguments]
    assert moved != arguments
    done = subprocess.run([program, *moved], stderr=subprocess.DEVNULL, check=False, timeout=30)
    return done.returncode == 0
