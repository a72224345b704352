"""Stand-ins for the images of docker-compose.yml and Dockerfile, and Docker Compose itself.

The stand-ins have the images' names, users, folders and entry points (stand_ins/Dockerfile). Kafka
and Alertmanager are the real ones, from Maven and from Go's proxy; Prometheus is Debian's; Grafana
only checks its mounts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.compose.engine import Engine
from tests.integration.kafka import java

__all__ = ["compose_program", "made", "make_stand_ins", "pin", "pinned", "python_folder"]

ROOT = Path(__file__).parents[2]
COMPOSE = "github.com/docker/compose/v2@v2.39.4"
#: Debian 12's Alertmanager does not know url_file.
ALERTMANAGER = "github.com/prometheus/alertmanager@v0.28.1"
TARGETS = {
    "python": "python",
    "apache/kafka": "kafka",
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "alertmanager",
    "grafana/grafana": "grafana",
}
_PINNED = re.compile(r"(?:image:|FROM) (\S+):(\S+)@(sha256:[0-9a-f]{64})")
#: Parts of a Python that the image does without.
_UNUSED = ("__pycache__", "test", "idlelib", "tkinter", "_tkinter*", "*.a", "*.pth", "config-*")


def made(folder: Path) -> bool:
    """Return whether a folder has the stand-ins for the images that the files name now."""
    note = folder / "made"
    return note.is_file() and note.read_text() == _made_of()


def _made_of() -> str:
    """Return the names of the images, and a hash of what the stand-ins are built from."""
    sources = Path(__file__).parent / "stand_ins"
    texts = [each.read_bytes() for each in sorted(sources.rglob("*")) if each.is_file()]
    return f"{sorted(pinned())} {hashlib.sha256(b''.join(texts)).hexdigest()}\n"


def make_stand_ins(engine: Engine, folder: Path) -> None:
    """Build one image for each name and tag that the files ask for."""
    root = folder / "root"
    if not root.is_dir():
        part = folder / "root.part"
        shutil.rmtree(part, ignore_errors=True)
        _quietly("debootstrap", "--variant=minbase", "bookworm", str(part))
        _quietly("chroot", str(part), "apt-get", "clean")
        part.rename(root)
    engine.run("sh", "-euc", 'tar -C "$0" -c . | docker import - root', str(root))
    context = _context(folder / "context")
    for name, tag, _ in pinned():
        engine.run(
            *("docker", "build", f"--target={TARGETS[name]}", f"--tag={name}:{tag}", str(context))
        )


def pin(folder: Path) -> None:
    """Make the stand-ins known by the digests in the files, too, while no engine runs."""
    index = folder / "docker" / "image" / "overlay2" / "repositories.json"
    known = json.loads(index.read_text())
    for name, tag, digest in pinned():
        images = known["Repositories"][name]
        images[f"{name}@{digest}"] = images[f"{name}:{tag}"]
    index.write_text(json.dumps(known))
    (folder / "made").write_text(_made_of())


def compose_program() -> Path:
    """Build Docker Compose."""
    return _go_program("docker-compose", COMPOSE, "./cmd")


def _go_program(name: str, module: str, package: str) -> Path:
    """Build a program from its Go module, once for each version, in the user's cache.

    'go install' refuses modules that exclude or replace others, so a copy is the main module.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    kept = (Path(base) if base else Path.home() / ".cache") / "misfire" / "go"
    program = kept / f"{name}-{module.rpartition('@')[2]}"
    if not program.is_file():
        fetched = subprocess.run(
            ["go", "mod", "download", "-json", module], check=True, capture_output=True
        )
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=kept) as folder:
            source, built = Path(folder, "source"), Path(folder, name)
            shutil.copytree(json.loads(fetched.stdout)["Dir"], source)
            subprocess.run(["chmod", "-R", "u+w", source], check=True)
            subprocess.run(
                ["go", "build", "-C", source, "-o", built, package],
                env=os.environ | {"CGO_ENABLED": "0"},
                check=True,
            )
            built.rename(program)
    return program


def pinned() -> set[tuple[str, str, str]]:
    """Return name, tag and digest of each image that the files name."""
    files = (ROOT / "docker-compose.yml", ROOT / "Dockerfile")
    return {found for file in files for found in _PINNED.findall(file.read_text("utf-8"))}


def _context(context: Path) -> Path:
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "stand_ins", context)
    alertmanager = _go_program("alertmanager", ALERTMANAGER, "./cmd/alertmanager")
    shutil.copy(alertmanager, context / "alertmanager")
    shutil.copytree(Path(java()[-1]).parent, context / "kafka" / "jars")
    shutil.copytree(
        python_folder() or "",
        context / "python",
        ignore=shutil.ignore_patterns(*_UNUSED),
        symlinks=True,
    )
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(certificates, context)
    settings = {"cert": str(certificates)} | {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (context / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    return context


def python_folder() -> Path | None:
    """Return the folder of a Python of the image's version, which Debian 12 does not package."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for program in [
        *sorted(pyenv.glob("versions/3.12.*/bin/python3.12")),
        shutil.which("python3.12"),
    ]:
        if program is not None:
            done = subprocess.run(
                [program, "-c", "import sys; print(sys.base_prefix)"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return Path(done.stdout.strip())
    return None


def _quietly(*command: str) -> None:
    """Run a command; its output is shown only if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr}")
