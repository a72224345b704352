"""The bundle: model, judge, calibration and policy as one immutable, versioned value.

A bundle is data, never code: JSON for names and rates, ``npz`` without objects for arrays. Its
version is the hash of its content, so two bundles with the same version decide alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from detector.contracts.decisions import Enforcement, RiskClass
from detector.contracts.errors import BundleError, PolicyError
from detector.decision.bundle_arrays import ARRAYS, LARGEST_BUNDLE, damaged, packed, unpacked
from detector.decision.bundle_checks import check_sequence, check_trees
from detector.decision.bundle_names import parse_names
from detector.decision.bundle_terms import in_current_terms
from detector.decision.json_readers import read_object
from detector.decision.training_report import TrainingReport, parse_report, report_to_json
from detector.evidence import TERMS
from detector.evidence.drift import Distribution
from detector.judge.calibration import Calibration
from detector.judge.judge import Judge
from detector.policy.intent_rules import Classified
from detector.policy.parsing import parse_policy
from detector.policy.policy import Policy
from detector.population.model import Model
from detector.sequence.sequence_model import SequenceModel

__all__ = [
    "FORMAT",
    "LARGEST",
    "LARGEST_BUNDLE",
    "Bundle",
    "bundle_from_files",
    "bundle_to_files",
    "make_bundle",
]

#: The layout of the files below. It changes when older readers cannot read the new one. Version
#: 0.1.0 wrote format 4, which has no report and fewer base rates than this version decides by.
FORMAT = 5

#: The files of a bundle and the largest size of each, in bytes. A bundle of 250 symbols has 10 kB,
#: 1 MB and 1 MB.
LARGEST: Mapping[str, int] = MappingProxyType(
    {
        "policy.toml": 1 << 20,
        "names.json": 1 << 26,
        "arrays.npz": LARGEST_BUNDLE,
        "report.json": 1 << 20,
    }
)
_SEQUENCE = ("pairs", "blocks", "escape", "backoff", "arrival")
_JUDGE = ("roots", "term", "threshold", "children", "bits")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Everything that decides.

    ``version`` is derived from the other attributes; create bundles with ``make_bundle``.
    ``report`` says what the bundle learned from, and affects no decision. ``training`` is the
    distribution of the evidence in training, if known.
    """

    version: str
    model: Model
    judge: Judge
    calibration: Calibration
    policy: Policy
    report: TrainingReport
    training: Distribution | None = None
    _classified: Mapping[str, Classified] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = {
            intent: self.policy.classify(intent) for intent, _ in self.model.vocabulary.symbols
        }
        object.__setattr__(self, "_classified", known)

    def classify(self, intent: str) -> Classified:
        """Return the policy's class of an intent, and whether a rule names it."""
        return self._classified.get(intent) or self.policy.classify(intent)

    @property
    def is_unready(self) -> bool:
        """Whether it would enforce decisions that cost more than those of a rule without a model.

        A bundle whose policy only observes (``enforcement = "shadow"``) is never unready.
        """
        enforced = self.policy.enforcement is Enforcement.ENFORCE
        return enforced and not self.report.readiness.may_enforce

    @property
    def unclassified(self) -> list[str]:
        """The intents in the training data that no rule of the policy names, sorted."""
        return sorted(intent for intent, found in self._classified.items() if not found.named)


def make_bundle(
    model: Model,
    judge: Judge,
    calibration: Calibration,
    policy: Policy,
    *,
    report: TrainingReport,
    training: Distribution | None = None,
) -> Bundle:
    """Combine the parts into a bundle, and derive its version."""
    draft = Bundle("", model, judge, calibration, policy, report, training)
    return replace(draft, version=_version(bundle_to_files(draft)))


def bundle_to_files(bundle: Bundle) -> dict[str, bytes]:
    """Serialize a bundle to named files. Equal bundles give equal bytes."""
    model, judge = bundle.model, bundle.judge
    names = {
        "format": FORMAT,
        "symbols": model.vocabulary.symbols,
        "population": {
            name: said for name, said in asdict(model.population).items() if name[0] != "_"
        },
        "terms": judge.names,
        "offset_bits": judge.offset_bits,
        "depth": judge.depth,
    }
    arrays = {name: getattr(model.sequence, name) for name in _SEQUENCE}
    arrays |= {name: getattr(judge, name) for name in _JUDGE}
    for (risk, new), scores in bundle.calibration.scores.items():
        arrays[f"scores.{risk}.{'new' if new else 'known'}"] = scores
    if bundle.training is not None:
        arrays |= {
            "training.edges": bundle.training.edges,
            "training.shares": bundle.training.shares,
        }
    return {
        "policy.toml": bundle.policy.text.encode(),
        "names.json": json.dumps(names, sort_keys=True, separators=(",", ":")).encode(),
        "arrays.npz": packed(arrays),
        "report.json": report_to_json(bundle.report),
    }


def bundle_from_files(files: Mapping[str, bytes]) -> Bundle:
    """Read a bundle from its files.

    ``bundle_names``, ``bundle_arrays`` and ``bundle_checks`` validate every name and number.

    Raises:
        BundleError: a file is missing or damaged, the format is not supported, or the judge uses
            evidence terms that this version does not have.
    """
    missing = [name for name in LARGEST if name not in files]
    if missing:
        raise BundleError(
            f"the bundle lacks {', '.join(missing)}; train it again with 'misfire train'"
        )
    for name, most in LARGEST.items():
        if len(files[name]) > most:
            raise damaged(f"{name} has more than {most} bytes")
    try:
        return _read(files)
    except BundleError:
        raise
    except PolicyError as error:
        raise BundleError(f"the bundle's policy cannot be used: {error}") from error
    except Exception as error:
        raise damaged(f"{type(error).__name__}: {str(error)[:200]}") from error


def _read(files: Mapping[str, bytes]) -> Bundle:
    written = read_object(files["names.json"])
    _check_format(written)
    names = parse_names(written)
    terms = len(names.terms)
    arrays = unpacked(files["arrays.npz"], symbols=names.vocabulary.size, terms=terms)
    check_sequence(arrays)
    check_trees(arrays, terms=terms, depth=names.depth)
    current = tuple(term.name for term in TERMS)
    arrays = in_current_terms(arrays, names.terms, current)
    model = Model(
        names.vocabulary,
        SequenceModel(**{name: arrays[name] for name in _SEQUENCE}),
        names.population,
    )
    judge = Judge(
        names=current,
        offset_bits=names.offset_bits,
        depth=names.depth,
        **{name: arrays[name] for name in _JUDGE},
    )
    policy = parse_policy(files["policy.toml"].decode())
    report = parse_report(files["report.json"])
    return Bundle(
        _version(files), model, judge, _calibration(arrays), policy, report, _training(arrays)
    )


def _check_format(names: Mapping[str, Any]) -> None:
    if names["format"] != FORMAT:
        raise BundleError(
            f"the bundle has format {str(names['format'])[:20]}, this version reads {FORMAT}; "
            "train it again with 'misfire train'"
        )


def _calibration(arrays: Mapping[str, npt.NDArray[Any]]) -> Calibration:
    scores = {}
    for name in arrays.keys() & ARRAYS.keys():
        kind, _, rest = name.partition(".")
        if kind == "scores":
            risk, _, household = rest.partition(".")
            scores[RiskClass(risk), household == "new"] = arrays[name]
    return Calibration(scores)


def _training(arrays: Mapping[str, npt.NDArray[Any]]) -> Distribution | None:
    """Return the distribution of the evidence in training, or ``None`` if the bundle has none."""
    present = [name for name in ("training.edges", "training.shares") if name in arrays]
    if len(present) == 1:
        raise damaged(f"it has {present[0]} alone")
    return Distribution(*(arrays[name] for name in present)) if present else None


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in LARGEST:
        digest.update(len(files[name]).to_bytes(8, "big"))
        digest.update(files[name])
    return digest.hexdigest()
