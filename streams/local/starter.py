"""The recipe of the starter bundle: what it is trained on, and how it is packaged.

The same code and seed give the same bytes. ``misfire starter train`` runs the recipe.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.progress import Each, Progress, one_by_one, silent
from detector.simulation.households import simulate
from detector.simulation.households.one_shot import DIALECTS, simulate_homes
from detector.simulation.misfires import Mixture
from detector.training.train import train
from streams.files.atomic import write_whole
from streams.files.bundles import MANIFEST, write_bundle
from streams.files.policy import read_policy
from streams.files.starter import DIGEST, PAGE, REPORT, STARTER
from streams.local.starter_page import starter_page

__all__ = ["Recipe", "package", "report", "run"]

_SOURCE = "simulated homes and households; no recording of a real home"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the starter bundle is trained on; everything is simulated.

    Most homes are followed for their first days only, because a new home is what the starter bundle
    decides for; the others show what becomes of habits.

    Attributes:
        new_homes: homes that give one-shot commands, followed for ``first_days``.
        homes: more of them, followed for ``days``.
        households: households that hold dialogues, followed for ``first_days``. They send nearly
            all messages and make nearly all purchases, so fewer leave too few scores to calibrate
            these classes with.
        first_days: days of the new homes and of the households.
        days: days of the other homes.
        seed: seed of the simulation and of the training.
    """

    new_homes: int = 60
    homes: int = 20
    households: int = 30
    first_days: int = 8
    days: int = 21
    seed: int = 18

    def events(self, progress: Progress = silent) -> list[IntentEvent]:
        """Simulate the training data, in order of time."""
        new = simulate_homes(self.new_homes, self.first_days, seed=self.seed, progress=progress)
        known = simulate_homes(
            self.homes, self.days, seed=self.seed, first=self.new_homes, progress=progress
        )
        dialogues = simulate(self.households, self.first_days, seed=self.seed, progress=progress)
        return sorted(
            new.events + known.events + dialogues.events,
            key=lambda event: (event.time, event.event_id),
        )


def run(
    recipe: Recipe = Recipe(), *, progress: Progress = silent, each: Each = one_by_one
) -> tuple[Bundle, dict[str, Any]]:
    """Train the starter bundle, and describe what it was trained on."""
    events = recipe.events(progress)
    # Simulated names identify nobody, so the rare ones are learned as well.
    bundle = train(
        events,
        read_policy(),
        fewest=1,
        seed=recipe.seed,
        source=_SOURCE,
        progress=progress,
        each=each,
    ).bundle
    return bundle, report(recipe, events, bundle)


def report(recipe: Recipe, events: list[IntentEvent], bundle: Bundle) -> dict[str, Any]:
    """Describe the training data and the bundle, as JSON."""
    runtimes = Counter(event.runtime for event in events)
    intents = Counter(event.intent for event in events if event.commits)
    return {
        "bundle": bundle.version,
        "data": _SOURCE,
        "recipe": asdict(recipe),
        "dialects": list(DIALECTS),
        "events": len(events),
        "commands": intents.total(),
        "events_by_runtime": dict(sorted((str(name), count) for name, count in runtimes.items())),
        "misfires": {name: share for name, share in sorted(Mixture().shares.items()) if share},
        "calibration": {
            f"{risk}, {'new' if new else 'known'} household": len(scores)
            for (risk, new), scores in sorted(bundle.calibration.scores.items())
        },
        "terms": len(bundle.judge.names),
        "commands_by_intent": dict(sorted(intents.items())),
    }


def package(bundle: Bundle, described: dict[str, Any]) -> None:
    """Write the starter bundle, its report, its page and its digest into the package."""
    write_bundle(bundle, STARTER)
    digest = hashlib.sha256((STARTER / MANIFEST).read_bytes()).hexdigest()
    write_whole(REPORT, json.dumps(described, indent=1).encode() + b"\n")
    write_whole(PAGE, starter_page(bundle, digest).encode())
    _write_digest(DIGEST, digest)


def _write_digest(path: Path, digest: str) -> None:
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("SHA256")]
    write_whole(path, "".join([*kept, f'SHA256 = "{digest}"\n']).encode())
