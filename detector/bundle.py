"""What decides, as one immutable value under one version: model, judge, calibration and policy.

A bundle is data, never code: JSON for names and rates, ``npz`` without objects for arrays. Its version is the hash of its content,
so that two bundles with the same version decide the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from detector.calibration import Calibration
from detector.coherence import Coherence
from detector.decisions import RiskClass
from detector.drift import BINS, Distribution
from detector.errors import BundleError, PolicyError
from detector.evidence import TERMS
from detector.filtering import SequenceModel
from detector.flow import Flow
from detector.judge import Judge
from detector.model import Model
from detector.policy import Policy
from detector.policy_text import parse_policy
from detector.population import Population
from detector.vocabulary import Vocabulary

__all__ = ["FORMAT", "LARGEST_BUNDLE", "Bundle", "bundle_from_files", "bundle_to_files", "make_bundle"]

#: The layout of the files below; it changes when an older reader could not read them.
FORMAT = 4

#: Bytes, packed or unpacked. A bundle of 250 symbols has two million; assistants with a hundred times as many pairs stay below.
LARGEST_BUNDLE = 1 << 30

_FILES = ("policy.toml", "names.json", "arrays.npz")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Model, judge, calibration and policy, and how evidence was distributed in training, where that is known.

    ``version`` is derived from the others: make one with ``make_bundle``.
    """

    version: str
    model: Model
    judge: Judge
    calibration: Calibration
    policy: Policy
    training: Distribution | None = None
    _risks: Mapping[str, RiskClass] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = {intent: self.policy.risk_class(intent) for intent, _ in self.model.vocabulary.symbols}
        object.__setattr__(self, "_risks", known)

    def risk_class(self, intent: str) -> RiskClass:
        """Return the policy's class of an intent; those that training saw are looked up beforehand."""
        return self._risks.get(intent) or self.policy.risk_class(intent)


def make_bundle(
    model: Model, judge: Judge, calibration: Calibration, policy: Policy, training: Distribution | None = None
) -> Bundle:
    """Put the parts together under the version that their content has."""
    draft = Bundle("", model, judge, calibration, policy, training)
    return Bundle(_version(bundle_to_files(draft)), model, judge, calibration, policy, training)


def bundle_to_files(bundle: Bundle) -> dict[str, bytes]:
    """Write a bundle as named files; the same bundle gives the same bytes."""
    model, judge = bundle.model, bundle.judge
    names = {
        "format": FORMAT,
        "symbols": model.vocabulary.symbols,
        "population": {name: said for name, said in asdict(model.population).items() if name[0] != "_"},
        "terms": judge.names,
        "offset_bits": judge.offset_bits,
        "depth": judge.depth,
    }
    arrays = {
        "pairs": model.sequence.pairs,
        "blocks": model.sequence.blocks,
        "escape": model.sequence.escape,
        "backoff": model.sequence.backoff,
        "arrival": model.sequence.arrival,
        "roots": judge.roots,
        "term": judge.term,
        "threshold": judge.threshold,
        "children": judge.children,
        "bits": judge.bits,
    }
    for (risk, new), scores in bundle.calibration.scores.items():
        arrays[f"scores.{risk}.{'new' if new else 'known'}"] = scores
    if bundle.training is not None:
        arrays |= {"training.edges": bundle.training.edges, "training.shares": bundle.training.shares}
    return {
        "policy.toml": bundle.policy.text.encode(),
        "names.json": json.dumps(names, sort_keys=True, separators=(",", ":")).encode(),
        "arrays.npz": _packed(arrays),
    }


def bundle_from_files(files: Mapping[str, bytes]) -> Bundle:
    """Read a bundle from its files.

    Raises:
        BundleError: a file is missing or damaged, the format is another one, or the judge weighs terms that this version does not have.
    """
    missing = [name for name in _FILES if name not in files]
    if missing:
        raise BundleError(f"the bundle lacks {', '.join(missing)}; train it again with 'misfire train'")
    try:
        names = json.loads(files["names.json"])
        _check(names)
        arrays = _unpacked(files["arrays.npz"])
        vocabulary = Vocabulary(tuple((intent, act) for intent, act in names["symbols"]))
        _check_shapes(vocabulary, len(names["terms"]), arrays)
        model = Model(vocabulary, _sequence(arrays), _population(names))
        policy = parse_policy(files["policy.toml"].decode())
        training = _training(arrays, len(names["terms"]))
        return Bundle(_version(files), model, _judge(names, arrays), _calibration(arrays), policy, training)
    except BundleError:
        raise
    except PolicyError as error:
        raise BundleError(f"the bundle's policy cannot be used: {error}") from error
    except Exception as error:
        raise BundleError(
            f"the bundle is damaged ({type(error).__name__}: {error}); train it again with 'misfire train'"
        ) from error


def _check_shapes(vocabulary: Vocabulary, terms: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Names and arrays must be of one bundle: M symbols, C clones, P pairs, T terms, N nodes."""
    symbols, (pairs, clones), nodes = vocabulary.size, arrays["blocks"].shape[:2], len(arrays["bits"])
    wanted = {
        "pairs": (pairs, 2),
        "blocks": (pairs, clones, clones),
        "escape": (symbols + 1, clones),
        "backoff": (symbols + 1, symbols),
        "arrival": (symbols, clones),
        "term": (nodes,),
        "threshold": (nodes,),
        "children": (nodes, 2),
    }
    differing = sorted(name for name in wanted if wanted[name] != arrays[name].shape)
    limits = {"term": 2 * terms, "children": nodes, "roots": nodes, "pairs": symbols + 1}
    outside = any(
        len(arrays[name]) and not 0 <= arrays[name].min() <= arrays[name].max() < limit
        for name, limit in limits.items()
    )
    if differing or outside:
        wrong = ", ".join(differing) or "numbers out of range"
        raise BundleError(
            f"the bundle's names and arrays do not fit together ({wrong}); train it again with 'misfire train'"
        )


def _check(names: Mapping[str, Any]) -> None:
    if names["format"] != FORMAT:
        raise BundleError(
            f"the bundle has format {names['format']}, this version reads {FORMAT}; train it again with 'misfire train'"
        )
    here = [term.name for term in TERMS]
    if names["terms"] != here:
        differing = sorted(set(names["terms"]) ^ set(here)) or ["their order"]
        raise BundleError(
            f"the bundle was made for other evidence terms ({', '.join(differing)} differ); train it again with 'misfire train'"
        )


def _sequence(arrays: Mapping[str, npt.NDArray[Any]]) -> SequenceModel:
    return SequenceModel(
        **{name: arrays[name] for name in ("pairs", "blocks", "escape", "backoff", "arrival")}
    )


def _population(names: Mapping[str, Any]) -> Population:
    population = names["population"]
    hours = {domain: tuple(rates) for domain, rates in population["hours"].items()}
    said = {
        turn: {name: tuple(rates) for name, rates in slots.items()}
        for turn, slots in population["said"].items()
    }
    coherence = Coherence(**population["coherence"])
    flow = Flow(**population["flow"])
    return Population(**(population | {"hours": hours, "said": said, "coherence": coherence, "flow": flow}))


def _judge(names: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Judge:
    return Judge(
        names=tuple(names["terms"]),
        offset_bits=float(names["offset_bits"]),
        depth=int(names["depth"]),
        **{name: arrays[name] for name in ("roots", "term", "threshold", "children", "bits")},
    )


def _calibration(arrays: Mapping[str, npt.NDArray[Any]]) -> Calibration:
    scores = {}
    for name, values in arrays.items():
        kind, _, rest = name.partition(".")
        if kind == "scores":
            risk, _, household = rest.partition(".")
            scores[RiskClass(risk), household == "new"] = values
    return Calibration(scores)


def _training(arrays: Mapping[str, npt.NDArray[Any]], terms: int) -> Distribution | None:
    """The distribution of the training data's evidence; bundles had none before."""
    if "training.edges" not in arrays:
        return None
    training = Distribution(arrays["training.edges"], arrays["training.shares"])
    if training.edges.shape != (terms, BINS - 1) or training.shares.shape != (terms, BINS + 1):
        raise BundleError(
            "the bundle's training distribution is not of its terms; train it again with 'misfire train'"
        )
    return training


def _unpacked(packed: bytes) -> dict[str, npt.NDArray[Any]]:
    """Read arrays, none of which says that it is larger than what is there."""
    with zipfile.ZipFile(io.BytesIO(packed)) as members:
        if sum(member.file_size for member in members.infolist()) > LARGEST_BUNDLE:
            raise BundleError(f"the bundle unpacks to more than {LARGEST_BUNDLE} bytes; do not use it")
        for member in members.infolist():
            with members.open(member) as file:
                _check_size(file, member.file_size)
    return dict(np.load(io.BytesIO(packed), allow_pickle=False))


def _check_size(file: IO[bytes], there: int) -> None:
    """Numpy makes room for what an array's header says before it reads any of it."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(file)
    if math.prod(shape) * kind.itemsize > there:
        raise BundleError("the bundle has an array that says it is larger than it is; do not use it")


def _packed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    # numpy stamps every member of the archive with the same fixed date, so equal arrays give equal bytes.
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in _FILES:
        digest.update(len(files[name]).to_bytes(8, "big"))
        digest.update(files[name])
    return digest.hexdigest()
