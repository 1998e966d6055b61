"""The TF-IDF transformer over words and characters, scikit-learn's API and numbers."""

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from moderation import kernels
from moderation.buffers import Documents, Texts, read_texts, release_freed_memory
from moderation.compiled import CompiledFeatures
from moderation.learning import Learnt, learn_texts
from moderation.masks import Masks
from moderation.progress import Progress, without_progress
from moderation.threads import count_cores, work_on
from moderation.vocabulary import Terms

WORD, CHARACTER = "word", "char"
KINDS: dict[str, dict[str, Any]] = {
    WORD: {"analyzer": "word", "ngram_range": (1, 2)},
    CHARACTER: {"analyzer": "char_wb", "ngram_range": (kernels.SHORTEST, kernels.LONGEST)},
}
"""The two halves, as scikit-learn says what they are."""
FREE = {"min_df", "max_df", "max_features", "vocabulary", "sublinear_tf", "preprocessor"}
"""Parameters of a fitted half that may be anything."""
MIN_DOCUMENTS = 2
"""A feature seen in one comment only says nothing of the next."""

Floats = NDArray[np.float64]


def make_features(progress: Progress | None = None, masks: Masks | None = None) -> "TfidfFeatures":
    """
    Return the unfitted features: TF-IDF of word 1-2-grams beside character 2-5-grams in words.

    Counts are damped by `1 + log` (sublinear), so that a word repeated ten times does not weigh
    ten times; each half is scaled to length one on its own.
    """
    return TfidfFeatures(min_df=MIN_DOCUMENTS, sublinear_tf=True, progress=progress)


class TfidfFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc] # sklearn has no types
    """
    TF-IDF of words, pairs of words, and character 2-5-grams in words, compiled.

    The matrix is that of scikit-learn's `FeatureUnion` of two `TfidfVectorizer`s (word 1-2-grams,
    `char_wb` 2-5-grams): the same columns in the same order, the same values. Parameters have its
    names and meaning, and count for either half on its own.

    Args:
        min_df: fewest comments that hold a term, as a number or as a share of all.
        max_df: most of them.
        max_features: keep so many of each half, those that occur most often.
        sublinear_tf: replace a count by 1 + log(count).
        threads: how many work at once; all cores if None.
        progress: shows how far learning the vocabulary is.

    """

    words_: Terms
    grams_: Terms
    idf_: Floats

    def __init__(
        self,
        *,
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        sublinear_tf: bool = False,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.sublinear_tf = sublinear_tf
        self.threads = threads
        self.progress = progress

    def fit(self, raw_documents: Documents, y: object = None) -> Self:
        """Learn the vocabulary and the IDFs of texts."""
        self._learn(read_texts(raw_documents))
        return self

    def fit_transform(self, raw_documents: Documents, y: object = None) -> Any:
        """Learn from texts, and return their matrix, (n, features)."""
        texts = read_texts(raw_documents)
        number = self._learn(texts)
        return self._compiled.transform(texts, number=number, threads=self.threads)

    def adopt(
        self, words: Terms, grams: Terms, comments: NDArray[np.int64], *, number: int
    ) -> Self:
        """
        Take terms that were counted elsewhere, each half in order, for what `fit` would have found.

        Of the terms, words first, `comments` (words + grams,) of `number` texts hold each.
        """
        self.words_, self.grams_ = words, grams
        self.idf_ = _idf(comments, number)
        self.sublinear_ = self.sublinear_tf  # a setting changed later counts from the next fit on
        self.masks_: Masks | None = None
        self._compiled = self._compile()
        return self

    def transform(self, raw_documents: Documents) -> Any:
        """Return the matrix of texts, (n, features), in CSR form with sorted columns."""
        check_is_fitted(self)
        if not hasattr(self, "_compiled"):
            self._compiled = self._compile()
        return self._compiled.transform(read_texts(raw_documents), threads=self.threads)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the columns, as those of the `FeatureUnion`."""
        check_is_fitted(self)
        words = [f"{WORD}__{term}" for term in self.words_.strings()]
        grams = [f"{CHARACTER}__{term}" for term in self.grams_.strings()]
        return np.asarray(words + grams, dtype=object)

    def to_sklearn(self) -> FeatureUnion:
        """Return the same features made of scikit-learn's own classes."""
        check_is_fitted(self)
        settings: dict[str, Any] = {
            "min_df": self.min_df,
            "max_df": self.max_df,
            "max_features": self.max_features,
            "sublinear_tf": self.sublinear_,
            "preprocessor": self.masks_,
        }
        split = len(self.words_.ends)
        fitted = [(self.words_, self.idf_[:split]), (self.grams_, self.idf_[split:])]
        halves = [(name, TfidfVectorizer(**kind, **settings)) for name, kind in KINDS.items()]
        for (_, vectorizer), (terms, idf) in zip(halves, fitted, strict=True):
            vectorizer.vocabulary_ = {term: column for column, term in enumerate(terms.strings())}
            vectorizer.idf_ = idf.copy()
        return FeatureUnion(halves)

    def extend(self, known: FeatureUnion) -> NDArray[np.int64]:
        """
        Add the terms of features that are known from elsewhere; return the columns they have now.

        Each term keeps its IDF, that of the known features where both have it; counts are damped
        as theirs are.
        """
        check_is_fitted(self)
        halves, split = dict(known.transformer_list), len(self.words_.ends)
        words, word_idf, word_columns = _join(self.words_, self.idf_[:split], halves[WORD])
        grams, gram_idf, gram_columns = _join(self.grams_, self.idf_[split:], halves[CHARACTER])
        self.words_, self.grams_ = words, grams
        self.idf_ = np.concatenate([word_idf, gram_idf])
        self.sublinear_ = bool(halves[WORD].sublinear_tf)
        self._compiled = self._compile()
        return np.concatenate([word_columns, len(words.ends) + gram_columns])

    def read_masks(self, masks: Masks | None) -> Self:
        """Let plain forms of masked words count from now on; vocabulary and IDFs stay."""
        check_is_fitted(self)
        self.masks_ = masks
        if hasattr(self, "_compiled"):
            self._compiled = replace(self._compiled, masks=masks)  # the same tables
        return self

    def as_if_learnt_from(
        self, matrix: Any, rows: NDArray[np.intp], *, known: NDArray[np.int64] | None = None
    ) -> Callable[[NDArray[np.intp]], Any]:
        """
        Return what gives rows of a matrix as they would be, had only some rows been learnt from.

        IDFs are those of the rows, and terms that too few of them hold are 0. Columns that are
        `known` from elsewhere keep their IDF. The numbers are those of new features fitted to the
        rows, without the work.
        """
        held = matrix[rows]
        comments = np.bincount(held.indices, minlength=len(self.idf_))
        ratios = self.ratios_if_learnt_from(comments, number=len(rows), known=known)

        def reweighed(wanted: NDArray[np.intp]) -> Any:
            some = matrix[wanted]
            split = len(self.words_.ends)
            kernels.reweigh(some.data, some.indices, some.indptr, ratios, split)
            return some

        return reweighed

    def ratios_if_learnt_from(
        self,
        comments: NDArray[np.int64],
        *,
        number: int,
        known: NDArray[np.int64] | None = None,
    ) -> Floats:
        """
        Return by what each column's IDF would change, had `number` texts been learnt from.

        Of those, `comments` (columns,) hold each term; it is 0 for terms that too few hold.
        """
        ratios = _idf(comments, number) / self.idf_
        fewest, most = (
            _documents(name, limit, number)
            for name, limit in (("min_df", self.min_df), ("max_df", self.max_df))
        )
        ratios[(comments < fewest) | (comments > most)] = 0.0
        if known is not None:
            ratios[known] = 1.0
        return np.asarray(ratios)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "idf_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_compiled", None)  # tables for this process, made anew from the terms
        return state

    def _learn(self, texts: Texts) -> int:
        """Learn from texts; return how many values their matrix has."""
        number = len(texts)
        fewest = _documents("min_df", self.min_df, number)
        most = _documents("max_df", self.max_df, number)
        limit = self.max_features
        if limit is not None and not (isinstance(limit, Integral) and limit >= 1):
            raise ValueError(f"max_features={limit!r}: expected a number from 1 on, or None")
        if most < fewest:
            raise ValueError(f"max_df ({most:g} comments) is below min_df ({fewest:g})")
        learner = learn_texts(
            texts, threads=self.threads, progress=self.progress or without_progress
        )
        words, grams = work_on(
            lambda find: self._limit(find(fewest, most)),
            [learner.words, learner.grams],
            threads=self.threads or count_cores(),
        )
        del learner  # its tables hold all terms, and the matrix is still to come
        release_freed_memory()
        if not len(words.terms.ends) or not len(grams.terms.ends):
            raise ValueError(
                "no terms remain: the texts hold no words of two letters, or min_df and max_df "
                "leave none"
            )
        comments = np.concatenate([words.comments, grams.comments])
        self.adopt(words.terms, grams.terms, comments, number=number)
        return int(comments.sum())

    def _limit(self, learnt: Learnt) -> Learnt:
        if self.max_features is None or len(learnt.totals) <= self.max_features:
            return learnt
        # numpy's own order among equals is what scikit-learn keeps, too.
        chosen = (-learnt.totals).argsort()[: self.max_features]
        return learnt.keep(np.sort(chosen))

    def _compile(self) -> CompiledFeatures:
        return CompiledFeatures.build(
            self.words_, self.grams_, self.idf_, self.sublinear_, self.masks_
        )


def _join(
    own: Terms, idf: Floats, known: TfidfVectorizer
) -> tuple[Terms, Floats, NDArray[np.int64]]:
    """Return the terms of both in order, their IDFs, and the places of the known ones."""
    theirs = _in_order(known.vocabulary_)
    worth = dict(zip(own.strings(), idf.tolist(), strict=True))
    worth.update(zip(theirs, known.idf_.tolist(), strict=True))
    terms = sorted(worth)
    place = {term: number for number, term in enumerate(terms)}
    columns = np.fromiter((place[term] for term in theirs), np.int64, len(theirs))
    return Terms.read(terms), np.array([worth[term] for term in terms]), columns


def compile_features(union: FeatureUnion) -> CompiledFeatures:
    """
    Return the compiled form of fitted halves that are scikit-learn's own.

    Raises:
        ValueError: they are not the two this package makes.

    """
    halves = dict(union.transformer_list)
    known = list(halves) == list(KINDS) and not union.transformer_weights
    if not known or not all(
        _is_half(halves[name], TfidfVectorizer(**kind)) for name, kind in KINDS.items()
    ):
        raise ValueError(
            "expected TF-IDF of word 1-2-grams ('word') and of char_wb 2-5-grams ('char') with "
            "scikit-learn's defaults otherwise; train the model with moderation.train"
        )
    words, characters = halves[WORD], halves[CHARACTER]
    if words.sublinear_tf != characters.sublinear_tf:
        raise ValueError("one half is sublinear, the other is not; train the model again")
    if words.preprocessor is not characters.preprocessor:
        raise ValueError("one half reads masked words, the other does not; train the model again")
    return CompiledFeatures.build(
        Terms.read(_in_order(words.vocabulary_)),
        Terms.read(_in_order(characters.vocabulary_)),
        np.concatenate([words.idf_, characters.idf_]),
        words.sublinear_tf,
        words.preprocessor,
    )


def _is_half(found: Any, expected: TfidfVectorizer) -> bool:
    if type(found) is not TfidfVectorizer:
        return False
    settings = found.get_params()
    masks = settings["preprocessor"]
    return (masks is None or type(masks) is Masks) and all(
        settings[name] == value for name, value in expected.get_params().items() if name not in FREE
    )


def _in_order(vocabulary: dict[str, int]) -> list[str]:
    terms = list(vocabulary)
    columns = np.fromiter(vocabulary.values(), np.int64, len(terms))
    if (columns == np.arange(len(terms))).all():  # as this package writes them
        return terms
    order = np.argsort(columns)
    if (columns[order] != np.arange(len(terms))).any():
        raise ValueError("the columns of a vocabulary are not 0, 1, 2, ...; train the model again")
    return [terms[i] for i in order]


def _documents(name: str, limit: float, number: int) -> float:
    """Return a document frequency as a number of comments."""
    whole = isinstance(limit, Integral) and not isinstance(limit, bool)
    if whole and limit >= 1:
        return float(limit)
    if isinstance(limit, Real) and not isinstance(limit, Integral) and 0 <= limit <= 1:
        return float(limit) * number
    raise ValueError(f"{name}={limit!r}: expected a number from 1 on, or a share from 0.0 to 1.0")


def _idf(comments: NDArray[np.int64], number: int) -> Floats:
    """Return ln((1 + n) / (1 + df)) + 1: smoothed, as if one more comment held every term."""
    idf = np.full(len(comments), number + 1, dtype=np.float64)
    idf /= comments + 1.0
    np.log(idf, out=idf)
    idf += 1.0
    return idf
