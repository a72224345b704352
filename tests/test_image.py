"""Run the commands of the Dockerfile in a folder, with this machine's Python and Debian."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
#: Folders of the image and its volumes, which the tests replace.
FOLDERS = ("/venv", "/project", "/bundle", "/candidates", "/keys", "/secrets", "/tmp")


def instructions() -> list[tuple[str, str]]:
    """Return each instruction with its arguments."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    return [
        (word, rest)
        for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")
    ]


def inside(folder: Path, command: str) -> str:
    """Move the image's folders in a command below ``folder``."""
    return re.sub(
        rf"(?<![\w./])(?:{'|'.join(FOLDERS)})(?![\w])", lambda found: f"{folder}{found[0]}", command
    )


def run(command: str, folder: Path, **variables: str) -> None:
    environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder)}
    environment |= {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))
    }
    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=folder / "build",
        # 0 turns --no-compile on. Python compiles the modules that it imports anyway.
        env=environment | {"PIP_NO_COMPILE": "0"} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def copied(rest: str, folder: Path) -> None:
    """Copy from the build context, which .dockerignore restricts."""
    *sources, target = rest.split()
    allowed = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    for source in sources:
        assert source in allowed, f".dockerignore excludes {source}"
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source,
                folder / "build" / target,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        else:
            shutil.copy(ROOT / source, folder / "build" / target)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    for name in ("build", "bin", "tmp", "bundle", "keys", "secrets"):
        (folder / name).mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    for word, rest in instructions():
        if word == "RUN" and "/venv" in rest:
            run(inside(folder, rest), folder)
        elif word == "COPY" and not rest.startswith("--from"):
            copied(rest, folder)
        elif rest.startswith("--from=project"):
            _, source, target = rest.split()
            shutil.copytree(f"{folder}{source}", f"{folder}{target}", dirs_exist_ok=True)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_image_runs(built: Path) -> None:
    """Run what the image installs, and the jobs of docker-compose.yml that prepare the volumes."""
    path = f"{built}/venv/bin:{os.environ['PATH']}"
    jobs = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    scripts = [inside(built, jobs[job]["command"][0]) for job in ("password", "setup")]
    secrets = [built / "secrets" / "grafana_admin_password", built / "keys" / "confirmation_key"]

    run("misfire config show", built, PATH=path)
    for script in scripts:
        run(script, built, PATH=path)
    made = [secret.read_text() for secret in secrets]
    assert all(len(secret) > 30 for secret in made)

    for script in scripts:  # a second start changes nothing
        run(script, built, PATH=path)
    assert [secret.read_text() for secret in secrets] == made
    run("misfire starter show", built, PATH=path)  # decides where no other bundle is named


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create the image's user")
def test_the_image_user_owns_the_mounted_directories(tmp_path: Path) -> None:
    for name in ("build", "etc"):
        (tmp_path / name).mkdir()
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).touch()
    rest = [
        rest
        for word, rest in instructions()
        if word == "RUN" and rest.startswith(("groupadd", "install"))
    ]

    for command in rest:
        moved = re.sub(
            r"\b(groupadd|useradd)\b", rf"\1 --prefix {tmp_path}", inside(tmp_path, command)
        )
        run(moved, tmp_path)

    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    user, grafana = compose["x-misfire"]["user"], compose["services"]["grafana"]["user"]
    assert f":{user}:" in (tmp_path / "etc" / "passwd").read_text()
    for name, owner in (
        ("bundle", user),
        ("candidates", user),
        ("keys", user),
        ("secrets", grafana),
    ):
        found = (tmp_path / name).stat()
        assert f"{found.st_uid}:{found.st_gid}" == owner
        assert name in ("bundle", "candidates") or found.st_mode & 0o777 == 0o700


def test_the_labels_are_those_of_the_package() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    labels = dict(
        each.partition("=")[::2]
        for each in shlex.split(next(line for line in text.splitlines() if line[:5] == "LABEL"))[1:]
    )
    package = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix): value for name, value in labels.items()} == {
        "title": package["name"],
        "description": package["description"],
        "version": package["version"],
        "licenses": package["license"],
        "source": "$SOURCE",
    }


def test_the_last_stage_copies_the_installation_and_is_not_root() -> None:
    """The dependencies have a layer of their own, which a change of the project leaves alone."""
    words = dict(instructions())

    assert words["USER"] == "misfire"
    assert words["ENTRYPOINT"] == '["misfire"]'
    assert [rest for word, rest in instructions() if word == "COPY" and rest[:6] == "--from"] == [
        "--from=dependencies /venv /venv",
        "--from=project /project /venv",
    ]
    assert words["ENV"].startswith("PATH=/venv/bin:")
    stages = (ROOT / "Dockerfile").read_text("utf-8").split("\nFROM ")
    assert re.findall("^COPY (.*)$", stages[1], re.MULTILINE) == ["requirements.lock ./"]
