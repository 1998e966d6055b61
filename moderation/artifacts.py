"""Saves and loads a scorer with its manifest and card, refusing a file that does not fit."""

import hashlib
import io
import json
import os
import pickle
import platform
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from moderation.errors import (
    ModelMismatch,
    ModelNotFound,
    ModelTampered,
    ModelUnsafe,
    OutputError,
)
from moderation.scorer import Scorer

FORMAT_VERSION = 3
READABLE = (2, FORMAT_VERSION)
"""Models of format 2 read no masked words; otherwise they are the same."""

# Everything a saved scorer consists of. A pickle can name any callable of any module, and calls
# what it names: what is not listed here is not looked up, so it cannot run.
ALLOWED = frozenset(
    {
        ("moderation.masks", "Masks"),
        ("numpy", "dtype"),
        ("numpy", "float64"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("sklearn.feature_extraction.text", "TfidfTransformer"),
        ("sklearn.feature_extraction.text", "TfidfVectorizer"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.pipeline", "FeatureUnion"),
        ("sklearn.pipeline", "Pipeline"),
    }
)

READINGS = 2
"""How often a model is read that does not fit its manifest: another may be taking its place."""

_PROTOCOL = 4
"""
Of the pickle, without joblib's own way of writing arrays: `joblib.load` reads either, but that one
only with an unpickler in Python, which takes several times as long over a large vocabulary.
"""


@dataclass(frozen=True)
class Manifest:
    """What `NAME.json` says of `NAME.joblib`."""

    facts: Mapping[str, Any]

    @property
    def thresholds(self) -> dict[str, float]:
        return {point["name"]: point["threshold"] for point in self.facts["operating_points"]}

    @property
    def base_rate(self) -> float:
        """The share of removals in the training data before copies were merged."""
        return float(self.facts["training_data"]["base_rate"])

    @property
    def base_rates(self) -> dict[str, float]:
        """The base rates at which scores are probabilities; earlier models tell only their own."""
        return {str(self.facts["attribute"]): self.base_rate, **self.facts.get("base_rates", {})}

    @property
    def languages(self) -> dict[str, float] | None:
        """The languages learnt from with their shares, "und" too; None for models that are mute."""
        found = self.facts.get("languages")
        return None if found is None else dict(found)

    @property
    def training_files(self) -> dict[str, str]:
        """Names of the files learnt from, by it or its base model, by their SHA-256."""
        data = self.facts["training_data"]
        files = [*data["files"], *data.get("base_files", ())]
        return {file["sha256"]: file["name"] for file in files}

    @property
    def attributes(self) -> tuple[str, ...]:
        """What it scores, its own attribute first."""
        return tuple(self.facts.get("attributes", [self.facts["attribute"]]))

    @property
    def newest(self) -> datetime | None:
        """When the latest comment of the training data was written, where that is known."""
        found = self.facts["training_data"].get("newest")
        return None if found is None else datetime.fromisoformat(found)

    @property
    def learnt_texts(self) -> str | None:
        """What `memory.recognise` reads; None for models that do not tell."""
        found = self.facts["training_data"].get("learnt_texts")
        return None if found is None else str(found)

    @property
    def version(self) -> str:
        return str(self.facts["sha256"])[:12]


def made_with() -> dict[str, str]:
    """Return the versions that a model depends on."""
    return {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "joblib": joblib.__version__,
    }


def save_model(
    pipeline: Pipeline,
    path: Path,
    *,
    facts: Mapping[str, Any],
    card: str,
    plots: Mapping[str, bytes],
) -> Manifest:
    """
    Write `NAME.joblib`, `NAME.json`, `NAME.md` and the plots in `NAME/`, all or none of them.

    `facts` is what the manifest says besides format, digest and versions. The files are written
    aside first; a model is replaced only by one that is complete.
    """
    body = pickle.dumps(pipeline, protocol=_PROTOCOL)
    manifest = {
        "format_version": FORMAT_VERSION,
        "sha256": hashlib.sha256(body).hexdigest(),
        "made_with": made_with(),
        **facts,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as staging:
            aside = Path(staging)
            (aside / path.stem).mkdir()
            for name, picture in plots.items():
                (aside / path.stem / name).write_bytes(picture)
            (aside / f"{path.stem}.md").write_text(card, encoding="utf-8")
            (aside / path.name).write_bytes(body)
            (aside / f"{path.stem}.json").write_text(
                json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            put_in_place(aside, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return Manifest(manifest)


def check_model_path(path: Path) -> None:
    """
    Refuse a place where no model can be saved, before the work and not after it.

    Raises:
        OutputError: another ending than `.joblib`, or no permission to write there.

    """
    if path.suffix != ".joblib":
        raise OutputError(f"{path}: expected a name that ends in .joblib")
    existing = next((folder for folder in path.parents if folder.exists()), Path())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise OutputError(f"{path}: cannot be written: {existing} is closed to us, or no folder")


def load_model(path: str | os.PathLike[str]) -> Scorer:
    """
    Return a saved scorer after checking that the file is what its manifest says.

    Nothing is unpickled before its SHA-256 was checked, and then only the types in `ALLOWED`.
    A file that does not fit is read again once: it may be one that is just being replaced.

    Raises:
        ModelNotFound: no such file, or no readable manifest beside it.
        ModelTampered: the file is not the one the manifest describes.
        ModelMismatch: another format, or another scikit-learn than this process has.
        ModelUnsafe: it holds something other than the parts of a scorer.

    """
    path = Path(path)
    for _ in range(READINGS):
        manifest = read_manifest(path)
        body = _read(path)
        found = hashlib.sha256(body).hexdigest()
        expected = manifest.facts["sha256"]
        if found == expected:
            break
    else:
        raise ModelTampered(
            f"{path}: its SHA-256 is {found[:12]}…, its manifest says {str(expected)[:12]}…: the "
            "file was changed or belongs to another manifest; train again or copy both again"
        )
    _check_versions(path, manifest)
    scorer = Scorer(
        _unpickle(path, body),
        attribute=str(manifest.facts["attribute"]),
        version=manifest.version,
        thresholds=manifest.thresholds,
        base_rate=manifest.base_rate,
        base_rates=manifest.base_rates,
    )
    try:
        return scorer.compile()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelUnsafe(f"{path}: not a scorer of ours: {error}") from error


def read_manifest(path: Path) -> Manifest:
    """Return what `NAME.json` says; `path` is that of `NAME.joblib`."""
    if not path.exists():
        raise ModelNotFound(
            f"{path}: no such model; make one with: python -m moderation.train --out {path}"
        )
    beside = path.with_suffix(".json")
    if path.suffix != ".joblib" or path.is_dir():
        raise ModelNotFound(f"{path}: not a model; expected a file that ends in .joblib")
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFound(
            f"{path}: its manifest {beside.name} is missing; a model is only loaded with it: "
            "copy it too, or train again"
        ) from error
    except OSError as error:
        raise ModelNotFound(f"{beside}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelNotFound(f"{beside}: not a readable manifest; train again") from error
    needed = {
        "format_version", "sha256", "made_with", "attribute", "operating_points", "training_data",
    }  # fmt: skip
    if not isinstance(facts, dict) or (missing := needed - facts.keys()):
        what = ", ".join(sorted(missing)) if isinstance(facts, dict) else "all fields"
        raise ModelNotFound(f"{beside}: not a model's manifest: {what} missing; train again")
    return Manifest(facts)


def put_in_place(aside: Path, path: Path) -> None:
    """
    Move a model's parts from a folder to where they belong, and none of another model stays.

    The two that are checked against each other come last, and right after one another: who reads
    in between is refused, or reads again (`load_model`).
    """
    plots, card = path.with_suffix(""), path.with_suffix(".md")
    if plots.is_dir():
        shutil.rmtree(plots)
    card.unlink(missing_ok=True)
    for part in (plots, card, path.with_suffix(".json"), path):
        if (aside / part.name).exists():
            (aside / part.name).replace(part)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelNotFound(f"{path}: cannot be read ({error.strerror})") from error


def _check_versions(path: Path, manifest: Manifest) -> None:
    if (found := manifest.facts["format_version"]) not in READABLE:
        raise ModelMismatch(
            f"{path}: model format {found}, this version of moderation reads {FORMAT_VERSION}; "
            "train again, or install the version that wrote it"
        )
    theirs = str(manifest.facts["made_with"].get("scikit-learn"))
    # Within one minor version scikit-learn keeps what it pickles (its "Model persistence" page
    # promises nothing across them).
    if theirs.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise ModelMismatch(
            f"{path}: made with scikit-learn {theirs}, this is {sklearn.__version__}; train again, "
            f"or install scikit-learn=={theirs}"
        )


def _unpickle(path: Path, body: bytes) -> Pipeline:
    stream = io.BytesIO(body)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # checked above
            loaded = _AllowListUnpickler(path, stream).load()
    except ModelUnsafe:
        raise
    except (pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError,
            ImportError, MemoryError, OverflowError) as error:  # fmt: skip
        raise ModelUnsafe(f"{path}: not a saved model ({type(error).__name__})") from error
    if type(loaded) is not Pipeline:
        raise ModelUnsafe(f"{path}: holds a {type(loaded).__name__}, expected a Pipeline")
    return loaded


class _AllowListUnpickler(pickle.Unpickler):
    def __init__(self, path: Path, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise ModelUnsafe(
                f"{self.path}: holds {module}.{name}, which no model of ours does; nothing of it "
                "was run: do not use this file, train again"
            )
        return super().find_class(module, name)
