"""What the benchmarks work on: real comments where there are some, or made-up ones, and a model."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from moderation.artifacts import save_model
from moderation.features import make_features
from moderation.logistic import fit_logistic
from moderation.policy import LIKELY_TO_REJECT
from moderation.scorer import CLASSIFIER, FEATURES

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
FILES = (
    "jigsaw_natural", "jigsaw_balanced", "jigsaw_clean", "civil_toxic", "civil_spans",
    "wiki_context", "ucc_news", "c3_news", "insults", "olid", "standard_de", "davidson",
)  # fmt: skip


def read_comments(number: int) -> tuple[list[str], np.ndarray, str]:
    """Return comments in a fixed random order with labels, and where they come from."""
    files = [CORPORA / f"{name}.csv.gz" for name in FILES]
    if not all(file.exists() for file in files):
        return *_generate(number), "generated text"
    table = pd.concat([pd.read_csv(file, usecols=["text", "label"]) for file in files])
    table = table.dropna().sample(frac=1, random_state=0)[:number]
    return table["text"].tolist(), table["label"].to_numpy().astype(int), "../shared/corpora"


def _generate(number: int) -> tuple[list[str], np.ndarray]:
    """Return comments of made-up words, the frequent ones much more frequent, as in language."""
    random = np.random.default_rng(0)
    syllables = ["zor", "ble", "quim", "fer", "ry", "lan", "tern", "mar", "ket", "dul", "ip", "ost"]
    words = ["".join(random.choice(syllables, size=random.integers(1, 5))) for _ in range(60_000)]
    labels = (random.random(number) < 0.3).astype(int)
    texts = []
    for label in labels:
        ranks = random.zipf(1.3, size=random.integers(5, 90)) * (1 + label) % len(words)
        texts.append(" ".join(words[rank] for rank in ranks))
    return texts, labels


def make_pipeline(texts: list[str], labels: np.ndarray) -> Pipeline:
    """Return a pipeline as training makes it, with C = 1."""
    features = make_features()
    classifier = fit_logistic(features.fit_transform(texts), labels, strength=1.0)
    return Pipeline([(FEATURES, features.to_sklearn()), (CLASSIFIER, classifier)])


def save(pipeline: Pipeline, path: Path) -> Path:
    """Save a pipeline that was measured on nothing."""
    facts = {"attribute": LIKELY_TO_REJECT, "operating_points": []}
    save_model(pipeline, path, facts=facts, card="", plots={})
    return path
