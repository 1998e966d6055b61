"""
What the base model is learnt from, and how: heads for several kinds of abuse over public corpora.

Sources differ in what they call abuse and in how much of it they hold. Mixed in one regression they
spoil each other; regressions of their own, each brought to the same spread, help each other when
their logits are added (`MEMBERS`). The sum of linear models is a linear model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from moderation.calibration import Scale
from moderation.fairness import TERMS
from moderation.features import TfidfFeatures
from moderation.logistic import as_fitted, fit_logistic
from moderation.masks import Masks
from moderation.progress import Progress, without_progress
from moderation.scorer import CLASSIFIER, FEATURES, Head

LICENCES = {
    "jigsaw_natural": "CC0-1.0 labels, CC BY-SA 3.0 text",
    "jigsaw_balanced": "CC0-1.0 labels, CC BY-SA 3.0 text",
    "jigsaw_clean": "CC0-1.0 labels, CC BY-SA 3.0 text",
    "jigsaw_labels": "CC0-1.0 labels, CC BY-SA 3.0 text",
    "civil_spans": "CC0-1.0",
    "civil_toxic": "CC0-1.0",
    "wiki_context": "Apache-2.0",
    "perspective_2k": "Apache-2.0",
    "davidson": "MIT",
    "edos": "CC0-1.0",
    "sbic": "CC BY 4.0",
}
"""The corpora learnt from; all may be shipped in the form of weights."""
ORIGINS = {
    "jigsaw_natural": "Jigsaw, Toxic Comment Classification Challenge 2018",
    "jigsaw_balanced": "the same, as many abusive as clean",
    "jigsaw_clean": "the same, clean ones only",
    "jigsaw_labels": "the same, with all attributes",
    "civil_spans": "Pavlopoulos et al. 2021, Toxic Spans, from Civil Comments",
    "civil_toxic": "Jigsaw, Civil Comments, abusive ones only",
    "wiki_context": "Pavlopoulos et al. 2020, Context Toxicity",
    "perspective_2k": "Jigsaw, sample scores of the Perspective API",
    "davidson": "Davidson et al. 2017, Hate Speech and Offensive Language",
    "edos": "Kirk et al. 2023, Explainable Detection of Online Sexism",
    "sbic": "Sap et al. 2020, Social Bias Frames",
}
"""Who made each."""
CALIBRATED_ON = "jigsaw_natural"
"""The corpus with abuse as frequent as on a site: what a score means is measured there."""

TOXICITY = "TOXICITY"
KINDS = ("SEVERE_TOXICITY", "INSULT", "PROFANITY", "IDENTITY_ATTACK", "THREAT")

FEWEST = 20
"""Comments that hold a term. Three keep 531,000 terms, 20 keep 118,000: no AUC changed by .006."""
STRENGTH = 1.0
USUAL_SPREAD = 2.0
"""The standard deviation of logits that the priors of the rarer kinds begin with."""
TOLERANCE = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """What a head learns from one source."""

    source: str
    column: str = "label"
    importance: float = 1.0
    trust: float = 1.0
    """The share of the label that is the source's own; the rest is what a teacher says."""


@dataclass(frozen=True)
class Member:
    """One regression among those whose logits are added."""

    parts: Sequence[Part]
    share: float = 1.0
    ratios: bool = False
    """Whether features are weighted by their log-count ratios (Wang and Manning 2012)."""


_IDENTITY_TERMS = Part("identity terms", importance=30.0)
"""Beside every member's sources: that to name a group of people says nothing."""
NEUTRAL = 0.2
"""
What identity terms are labelled: the share of abuse among what is learnt from.

With 0, to name a group lowers scores, and abuse of it is missed (README, "Fairness", has figures).
"""

_WIKIPEDIA = (
    Part("jigsaw_natural"),
    Part("jigsaw_balanced"),
    Part("jigsaw_clean"),
    Part("jigsaw_labels"),
    Part("wiki_context", "perspective_toxicity"),
    Part("perspective_2k", "perspective_toxicity_v6"),
    _IDENTITY_TERMS,
)
# One class only: with little weight, so that its style is not learnt for its label.
_WITH_NEWS = (*_WIKIPEDIA, Part("civil_spans"), Part("civil_toxic", importance=0.3))
_TAUGHT = (
    Part("civil_spans", importance=0.5, trust=0.5),
    Part("sbic", importance=0.5, trust=0.5),
    Part("davidson", importance=0.5, trust=0.3),
    Part("edos", importance=0.3, trust=0.0),
)
TEACHER = Member(_WITH_NEWS)
MEMBERS = (
    Member(_WIKIPEDIA),
    Member(_WIKIPEDIA, ratios=True),
    Member(_WITH_NEWS, ratios=True),
    Member((*_WIKIPEDIA, *_TAUGHT)),
)
"""TOXICITY is their sum."""
OFFENCE = Member((Part("sbic"), _IDENTITY_TERMS), share=0.4)
"""With TOXICITY, this makes the general score: the offence that needs no rude word."""


def kind_parts(kind: str) -> tuple[Part, ...]:
    """Return what the head of another attribute learns from, beside TOXICITY as its prior."""
    column = kind.lower()
    theirs = f"perspective_{column}" + ("_v2" if kind == "SEVERE_TOXICITY" else "")
    parts = [Part("jigsaw_labels", column), Part("perspective_2k", theirs)]
    if kind != "SEVERE_TOXICITY":  # annotators of civil_spans were not asked for it
        parts.append(Part("civil_spans", column, importance=0.5))
    if kind == "IDENTITY_ATTACK":
        parts.append(Part("davidson", column, importance=0.3))
    return tuple(parts)


def columns_of(source: str) -> set[str]:
    """Return the columns of a source that are learnt from."""
    members = (TEACHER, *MEMBERS, OFFENCE)
    parts = [part for member in members for part in member.parts]
    parts += [part for kind in KINDS for part in kind_parts(kind)]
    return {part.column for part in parts if part.source == source}


@dataclass(frozen=True)
class Foundation:
    """Features and the weights over them; what the first two mean as scores is not known yet."""

    features: TfidfFeatures
    general: Floats
    toxicity: Floats
    kinds: Mapping[str, Head]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return the general and the toxicity logits of texts, (n, 2), to learn their scale on."""
        matrix = self.features.transform(texts)
        return np.column_stack([matrix @ self.general, matrix @ self.toxicity])

    def pipeline(self, scales: Sequence[Scale]) -> Pipeline:
        """Return the pipeline of the general score, with the other heads beside it."""
        general, toxicity = scales
        classifier = as_fitted(general.slope * self.general, general.intercept, strength=STRENGTH)
        pipeline = Pipeline([(FEATURES, self.features.to_sklearn()), (CLASSIFIER, classifier)])
        weights = (toxicity.slope * self.toxicity).astype(np.float32)
        pipeline.heads_ = {TOXICITY: (weights, toxicity.intercept), **self.kinds}
        return pipeline


def without(tables: Mapping[str, pd.DataFrame], name: str) -> dict[str, pd.DataFrame]:
    """Return the tables without one, and without any of its texts in the others."""
    unseen = set(_same(tables[name]["text"]))
    return {
        other: table[~_same(table["text"]).isin(unseen)].reset_index(drop=True)
        for other, table in tables.items()
        if other != name
    }


def learn_foundation(
    tables: Mapping[str, pd.DataFrame],
    progress: Progress = without_progress,
    *,
    identity_terms: Sequence[str] = TERMS,
) -> Foundation:
    """
    Learn features and heads from corpora by name: tables of `text`, `label`, attributes.

    Without identity terms, what corpora say of groups of people is learnt as it stands there.
    """
    comments = sum(map(len, tables.values()))
    if identity_terms:
        named = pd.DataFrame({"text": list(identity_terms), "label": NEUTRAL})
        tables = {**tables, _IDENTITY_TERMS.source: named}
    texts = [text for table in tables.values() for text in table["text"]]
    features = TfidfFeatures(min_df=FEWEST, sublinear_tf=True)
    masks = _learn_masks(tables, features, features.fit_transform(texts))
    matrix = features.read_masks(masks).transform(texts)
    ends = np.cumsum([len(table) for table in tables.values()])
    rows = {
        name: slice(int(end - len(table)), int(end))
        for (name, table), end in zip(tables.items(), ends, strict=True)
    }
    learner = _Learner(tables, matrix, rows, comments)
    teacher = learner.fit(TEACHER.parts)
    says = expit(matrix @ teacher.coef_[0] + teacher.intercept_[0])
    members = progress(MEMBERS, len(MEMBERS), "learning TOXICITY")
    toxicity = np.mean([learner.even(member, says) for member in members], axis=0)
    general = toxicity + OFFENCE.share / len(MEMBERS) * learner.even(OFFENCE, says)
    kinds = {
        kind: _small(learner.fit(kind_parts(kind), towards=USUAL_SPREAD * toxicity))
        for kind in progress(KINDS, len(KINDS), "learning other heads")
    }
    return Foundation(features, general, toxicity, kinds)


def _learn_masks(tables: Mapping[str, pd.DataFrame], features: TfidfFeatures, matrix: Any) -> Masks:
    """Return the words worth masking, learnt where the teacher learns."""
    sources = {part.source: part for part in TEACHER.parts if part is not _IDENTITY_TERMS}
    labels = [
        table[sources[name].column].to_numpy(dtype=np.float64)
        if name in sources
        else np.full(len(table), np.nan)
        for name, table in tables.items()
    ]
    known = np.concatenate(labels)
    rows = np.flatnonzero(~np.isnan(known))
    words = features.words_.strings()
    return Masks.learn(words, matrix[rows][:, : len(words)], known[rows])


def _small(head: LogisticRegression) -> Head:
    """Return weights in single precision: with six heads, half the size of the model."""
    return head.coef_[0].astype(np.float32), float(head.intercept_[0])


def _same(texts: "pd.Series[str]") -> "pd.Series[str]":
    return texts.str.split().str.join(" ").str.casefold()


@dataclass(frozen=True)
class _Learner:
    tables: Mapping[str, pd.DataFrame]
    matrix: Any
    rows: Mapping[str, slice]
    comments: int
    """How many of the rows are comments; identity terms come behind them."""

    def even(self, member: Member, says: Floats) -> Floats:
        """
        Return the weights of a member, its logits brought to a standard deviation of 1.

        They are 0 where none of its sources is here.
        """
        sources = {part.source for part in member.parts if part is not _IDENTITY_TERMS}
        if sources.isdisjoint(self.tables):
            return np.zeros(self.matrix.shape[1])
        weights = self.fit(member.parts, says, ratios=member.ratios).coef_[0]
        return np.asarray(weights / np.std((self.matrix @ weights)[: self.comments]))

    def fit(
        self,
        parts: Sequence[Part],
        says: Floats | None = None,
        *,
        ratios: bool = False,
        towards: Floats | None = None,
    ) -> LogisticRegression:
        known = [part for part in parts if part.source in self.tables]
        matrix = sp.vstack([self.matrix[self.rows[part.source]] for part in known], format="csr")
        labels = np.concatenate([self._labels(part, says) for part in known])
        sizes = [len(self.tables[part.source]) for part in known]
        importance = np.repeat([part.importance for part in known], sizes)
        scale = _log_count_ratios(matrix, labels, importance) if ratios else None
        if scale is not None:
            matrix.data *= scale[matrix.indices]
        fitted = fit_logistic(
            matrix, labels, strength=STRENGTH, importance=importance, towards=towards,
            tolerance=TOLERANCE,
        )  # fmt: skip
        if scale is not None:
            fitted.coef_ = fitted.coef_ * scale
        return fitted

    def _labels(self, part: Part, says: Floats | None) -> Floats:
        labels = self.tables[part.source][part.column].to_numpy(dtype=np.float64)
        if part.trust == 1:
            return labels
        assert says is not None
        return part.trust * labels + (1 - part.trust) * says[self.rows[part.source]]


def _log_count_ratios(matrix: Any, labels: Floats, importance: Floats) -> Floats:
    """Return |ln(p / |p|) - ln(q / |q|)|, p and q being how many comments of a class hold each."""
    held = sp.csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), matrix.shape)
    removed = 1 + held.T @ (importance * labels)
    kept = 1 + held.T @ (importance * (1 - labels))
    return np.asarray(np.abs(np.log(removed / removed.sum()) - np.log(kept / kept.sum())))
