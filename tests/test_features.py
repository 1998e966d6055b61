"""The features are scikit-learn's own, number for number; scikit-learn is here to compare with."""

import copy
import pickle
import random
from dataclasses import replace
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.validation import validate_data

from moderation import kernels, vocabulary
from moderation.buffers import read_texts
from moderation.features import TfidfFeatures, compile_features
from moderation.kernels import BLOCK, COMMON, TOKEN
from moderation.model import CLASSIFIER, FEATURES, Scorer
from moderation.vocabulary import Terms
from tests.conftest import SHARED
from tests.samples import labelled_comments

COMMENTS = [comment.text for comment in labelled_comments()]
LABELS = [int("zorble" in text or "quimp" in text) for text in COMMENTS]
UNSEEN = [
    "Zorble ferry, harbour bridge! number 7",
    "river\x1clantern\u2028market\xa0garden",
    "nothing that was seen",
    "",
    "   ",
    "ferry " * 40,
]


def union(**common):
    """Return what the features are compared with, written out here."""
    words = TfidfVectorizer(ngram_range=(1, 2), **common)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
    return FeatureUnion([("word", words), ("char", characters)])


def differences(found, expected):
    """Return what differs between two matrices; of scikit-learn's, rows may be in any order."""
    expected = expected.copy()
    expected.sort_indices()
    same = {
        "shape": found.shape == expected.shape,
        "types": (found.dtype, found.indices.dtype) == (expected.dtype, expected.indices.dtype),
        "rows": np.array_equal(found.indptr, expected.indptr),
        "columns": np.array_equal(found.indices, expected.indices),
        "values": found.data.shape == expected.data.shape
        and bool(np.all(np.abs(found.data - expected.data) <= 1e-9)),
    }
    return [part for part, is_same in same.items() if not is_same]


def assert_same_as_scikit_learn(seen, unseen, **common):
    """Compare what is learnt from texts, and the matrices of these and of others."""
    reference, features = union(**common), TfidfFeatures(**common)
    try:
        expected = reference.fit_transform(seen)
    except ValueError:
        with pytest.raises(ValueError, match=r"no terms remain|below min_df"):
            features.fit_transform(seen)
        return
    assert differences(features.fit_transform(seen), expected) == []
    names = features.get_feature_names_out()
    assert names.dtype == object
    assert names.tolist() == reference.get_feature_names_out().tolist()
    assert differences(features.transform(unseen), reference.transform(unseen)) == []


# The same matrix


SETTINGS = [
    {},
    {"sublinear_tf": True},
    {"min_df": 2, "sublinear_tf": True},
    {"min_df": 0.05},
    {"min_df": 1.0, "max_df": 1.0},
    {"max_df": 0.25},
    {"max_df": 30},
    {"max_features": 1},
    {"max_features": 11},
    {"max_features": 300},
    {"max_features": 100_000},
    {"min_df": 3, "max_df": 0.5, "max_features": 40},
    {"min_df": 0.02, "max_df": 150, "max_features": 75, "sublinear_tf": True},
]


@pytest.mark.parametrize("common", SETTINGS, ids=str)
def test_matrix_is_that_of_scikit_learn(common):
    assert_same_as_scikit_learn(COMMENTS, UNSEEN, **common)


@pytest.mark.parametrize("kept", [1, 2, 5, 20, 64, 257, 600])
def test_of_terms_that_come_equally_often_the_same_are_kept(kept):
    """All terms tie but a few; which of them stay is up to numpy's order among equals."""
    texts = [f"zorble{a}{b} quimp{b}{a}" for a in "abcdefghij" for b in "klmnopqrst"]
    assert_same_as_scikit_learn(texts, texts[::-1], max_features=kept)


TRICKY = [
    *("", " ", "a", "ab", "_", "__", "_a", "the", "ferry", "Zorble", "zorble", "number7", "٣٤"),
    *("ΟΔΟΣ", "Σ", "ΑΣ.Β", "Α'Σ", "ΑΣ'", "ΑΣ\u0301Β", "Α\u0345Σ", "ΣΣ", "1Σ", "ςσΣ", "ʰΣ"),
    *("İ", "İİ", "ß", "ẞ", "ﬁ", "ﬃx", "ŉ", "ǰ", "ǅ", "ǈa", "ǋ", "ᾈ", "K", "Å", "Ⅷ", "ⓐ", "ª"),
    *("e\u0301", "\u0301", "क्षि", "עברית", "عبارة", "ไทย", "漢字", "한국어", "\u1112\u1161"),
    *("👩‍👩‍👧", "🛶", "🇩🇪", "𐐀𐐁", "𝕋𝕖", "\ud800", "\udfff", "\ud83d\ude00", "\ud7ff", "\ue000"),
    *("\x00", "a\x00b", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u180e"),
    *map(chr, range(0x2000, 0x200C)),
    *("\u2028", "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", "\t", "\r\n", "\v\f"),
    *("\x7f", "\x80", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "don't", "a-b"),
]
"""Case that depends on neighbours, letters that become two, white space, the ends of ranges."""


@pytest.mark.parametrize("between", ["", " ", "Σ", "_"])
def test_every_tricky_piece_beside_every_other(between):
    seen = [first + between + second for first in TRICKY for second in TRICKY]
    assert_same_as_scikit_learn(["ferry", *seen], TRICKY)


characters = st.characters(exclude_categories=())
pieces = st.sampled_from(TRICKY) | st.text(characters, max_size=6)
long_tokens = st.builds(lambda piece, times: piece * times, pieces, st.integers(1, 70))
texts = st.lists(pieces | st.just(" ") | long_tokens, max_size=9).map("".join)
common_settings = st.fixed_dictionaries(
    {},
    optional={
        "min_df": st.sampled_from([1, 2, 0.3]),
        "max_df": st.sampled_from([1.0, 0.7, 3]),
        "max_features": st.integers(1, 30),
        "sublinear_tf": st.booleans(),
    },
)


@settings(max_examples=400)
@given(st.lists(texts, max_size=6), st.lists(texts, max_size=4), common_settings)
def test_any_text_gives_what_scikit_learn_gives(seen, unseen, common):
    assert_same_as_scikit_learn(seen, unseen + seen[::-1], **common)


@settings(max_examples=100)
@given(st.lists(st.sampled_from(TRICKY), min_size=1, max_size=300))
def test_tricky_pieces_side_by_side_and_apart(found):
    seen = ["".join(found), " ".join(found), *found]
    assert_same_as_scikit_learn(seen, [" ".join(found[::-1])])


def ascii_token(length):
    return "".join("zorblequimp"[k % 11] for k in range(length))


LONG = {
    "one byte less than the longest remembered": [ascii_token(TOKEN - 1)],
    "the longest remembered": [ascii_token(TOKEN), "a" * TOKEN],
    "one byte more": [ascii_token(TOKEN + 1), "a" * (TOKEN + 1)],
    "more bytes than letters": ["ж" * 32, "ж" * 33, "漢" * 21, "漢" * 22, "🛶" * 16, "🛶" * 17],
    "letters that become two": ["İ" * 32, "İ" * 33, "İ" * 400],
    "sigma at the end of a long one": ["ΟΔΟΣ" * 40, "ΟΔΟΣ" * 40 + ".'", "ΟΔΟΣ" * 40 + "'α"],
    "same end, other beginning": ["quimp" + "zorble" * 6, "grumf" + "zorble" * 6],
    "20 KB": [ascii_token(20_000)],
    "20 KB of words without white space": ["zorble-quimp,ferry'lantern/" * 750],
    "a long one between others": ["ferry " + ascii_token(90) + " quimp " + ascii_token(91) + " a"],
    "long ones only": [f"{ascii_token(70)} {ascii_token(80)} {ascii_token(70)}"],
    "a block of tokens": [" ".join(f"zorble{n}" for n in range(BLOCK))],
    "one more": [" ".join(f"zorble{n}" for n in range(BLOCK + 1))],
    "many blocks": [" ".join(f"zorble{n % 90} ferry" for n in range(5 * BLOCK))],
    "a long one ends a block": [
        " ".join(["quimp"] * (BLOCK - 1) + [ascii_token(70), "ferry", "quimp"])
    ],
    "a long one begins a block": [" ".join(["quimp"] * BLOCK + [ascii_token(70), "ferry"])],
    "one word 5,000 times": ["zorble " * 5000],
    "one letter 5,000 times": ["zz " * 5000 + "z" * 5000],
    "counts around the end of a table": ["ab " * 1023, "ab " * 1024, "ab " * 1025],
}


@pytest.mark.parametrize("sublinear", [False, True])
@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_long_tokens_and_long_texts(long, sublinear):
    assert_same_as_scikit_learn([*long, "ferry quimp"], UNSEEN + long, sublinear_tf=sublinear)
    assert_same_as_scikit_learn(COMMENTS[:50], long, sublinear_tf=sublinear)


def test_more_letters_than_have_a_bit_of_their_own():
    """The letters beyond the common ones go by another table, those beyond that by none."""
    chance = random.Random(5)
    ranges = [(0x4E00, 300), (0xAC00, 200), (0x400, 90), (0x61, 26), (0x10400, 40), (0x1F300, 60)]
    letters = [[chr(first + k) for k in range(number)] for first, number in ranges]

    def made_up():
        alphabet = chance.choice(letters)
        return "".join(chance.choices(alphabet[: chance.choice([5, 400])], k=chance.randint(1, 6)))

    texts = [" ".join(made_up() for _ in range(chance.randint(1, 15))) for _ in range(500)]
    assert len(set("".join(texts[:300]).lower())) > 5 * COMMON
    assert set("".join(texts[300:]).lower()) - set("".join(texts[:300]).lower())
    assert_same_as_scikit_learn(texts[:300], texts[300:])
    assert_same_as_scikit_learn(texts[:300], texts[300:], max_features=500, sublinear_tf=True)


@pytest.mark.parametrize("number", [COMMON - 1, COMMON, COMMON + 1])
def test_about_as_many_letters_as_have_a_bit(number):
    """The space that pads words is one of them."""
    letters = [chr(0x4E00 + k) for k in range(number - 1)]
    seen = ["".join(letters), " ".join(a + b for a, b in pairwise(letters))]
    assert_same_as_scikit_learn(seen, ["".join(letters[::-1]), "ж".join(letters)])


@pytest.mark.corpora
@pytest.mark.parametrize(
    "path", sorted((SHARED / "corpora").glob("*.csv.gz")), ids=lambda path: path.name.split(".")[0]
)
def test_real_comments_give_the_same_matrix_and_scores(path):
    """Some files have one label only: which comments are long is learnt instead."""
    table = pd.read_csv(path, usecols=["text"], dtype=str, keep_default_na=False, nrows=2000)
    rows = table["text"].tolist()
    learn, measure = rows[: len(rows) * 3 // 4], rows[len(rows) * 3 // 4 :]
    lengths = [len(text) for text in learn]
    common = {"min_df": 2, "sublinear_tf": True}
    features, reference = TfidfFeatures(**common), union(**common)
    expected = reference.fit_transform(learn)
    assert differences(features.fit_transform(learn), expected) == []
    assert features.get_feature_names_out().tolist() == reference.get_feature_names_out().tolist()
    unseen = reference.transform(measure)
    assert differences(features.transform(measure), unseen) == []
    classifier = LogisticRegression(tol=1e-2).fit(expected, lengths > np.median(lengths))
    told = classifier.predict_proba(unseen)[:, 1]
    for halves in (reference, features.to_sklearn()):
        scorer = Scorer(Pipeline([(FEATURES, halves), (CLASSIFIER, classifier)]))
        assert scorer.score(measure) == pytest.approx(told, abs=1e-6)


# The comparison itself


@pytest.fixture(scope="module")
def expected():
    return union(sublinear_tf=True).fit(COMMENTS).transform(UNSEEN)


@pytest.fixture(scope="module")
def features():
    return TfidfFeatures(sublinear_tf=True).fit(COMMENTS)


def broken(features, **changes):
    """Return fitted features of which the compiled form is another."""
    changed = copy.copy(features)
    changed._compiled = replace(features._compiled, **changes)
    return changed


def swapped(features, terms, *, of):
    """Return what the vocabulary says of its terms, with two of them swapped."""
    numbers = getattr(features._compiled.vocabulary, of).copy()
    names = features.get_feature_names_out()
    begin = 0 if of == "members" else features._compiled.words
    one, other = (names.tolist().index(term) - begin for term in terms)
    numbers[[one, other]] = numbers[[other, one]]
    return replace(features._compiled.vocabulary, **{of: numbers})


def test_features_that_are_right_have_no_differences(features, expected):
    assert differences(features.transform(UNSEEN), expected) == []
    assert differences(broken(features).transform(UNSEEN), expected) == []


@pytest.mark.parametrize(
    ("of", "terms"),
    [
        ("grams", ["char__fer", "char__ri"]),
        ("grams", ["char__ferry", "char__arbou"]),
        ("members", ["word__ferry", "word__zorble"]),
        ("members", ["word__number", "word__bridge quimp"]),
    ],
)
def test_two_swapped_features_are_found(features, expected, of, terms):
    changed = broken(features, vocabulary=swapped(features, terms, of=of))
    assert differences(changed.transform(UNSEEN), expected)


def test_a_dropped_damping_of_counts_is_found(features, expected):
    changed = broken(features, sublinear=False)
    assert differences(changed.transform(UNSEEN), expected) == ["values"]


@pytest.mark.parametrize("column", [0, -1])
def test_a_single_wrong_idf_is_found(features, column):
    """Every column is in what was learnt from."""
    idf = features.idf_.copy()
    idf[column] *= 1.001
    expected = union(sublinear_tf=True).fit_transform(COMMENTS)
    assert differences(features.transform(COMMENTS), expected) == []
    assert differences(broken(features, idf=idf).transform(COMMENTS), expected) == ["values"]


def test_idfs_of_the_wrong_half_are_found(features, expected):
    changed = broken(features, idf=features.idf_[::-1].copy())
    assert differences(changed.transform(UNSEEN), expected) == ["values"]


@pytest.mark.parametrize(
    "wrong",
    [lambda values: values * np.sqrt(len(values) + 1), lambda values: values / np.sqrt(2)],
    ids=["a row that is not scaled", "a row that is scaled as a whole"],
)
def test_a_forgotten_norm_is_found(features, expected, monkeypatch, wrong):
    right = kernels.transform

    def transform(*arguments):
        right(*arguments)
        *_, starts, _, values = arguments
        for begin, end in pairwise(starts):
            values[begin:end] = wrong(values[begin:end])

    monkeypatch.setattr(kernels, "transform", transform)
    assert differences(features.transform(UNSEEN), expected) == ["values"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda matrix: matrix.astype(np.float32), ["types"]),
        (lambda matrix: matrix[:-1], ["shape", "rows"]),
        (lambda matrix: matrix[[1, 0, 2, 3, 4, 5]], ["rows", "columns", "values"]),
        (lambda matrix: sp.csr_matrix(matrix.multiply(1 + 1e-6)), ["values"]),
    ],
    ids=["floats of half the size", "a missing row", "swapped rows", "one in a million"],
)
def test_another_matrix_is_found(features, expected, change, found):
    changed = change(features.transform(UNSEEN))
    assert set(found) <= set(differences(changed, expected))


# An estimator like others


class SpelledOut(TfidfFeatures):
    """The features of numbers written as words, for scikit-learn's checks, which give numbers."""

    def fit(self, X, y=None):
        return super().fit(self._spell(X, reset=True))

    def fit_transform(self, X, y=None):
        return super().fit_transform(self._spell(X, reset=True))

    def transform(self, X):
        if not self.__sklearn_is_fitted__():
            return super().transform([])
        return super().transform(self._spell(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.two_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _spell(self, X, reset):
        rows = validate_data(self, X, reset=reset, dtype="numeric")
        return [" ".join(f"zorble{k} at {cell:.2f}" for k, cell in enumerate(row)) for row in rows]


@estimator_checks.parametrize_with_checks([SpelledOut(), SpelledOut(sublinear_tf=True, threads=2)])
def test_scikit_learn_finds_an_ordinary_estimator(estimator, check):
    check(estimator)


def test_scikit_learn_has_one_check_for_what_takes_texts():
    """All others give numbers; those are answered by the class above."""
    with pytest.warns(SkipTestWarning, match="string=True"):
        (outcome,) = estimator_checks.check_estimator(TfidfFeatures())
    assert (outcome["check_name"], outcome["status"]) == ("check_estimator_cloneable", "passed")


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_estimators_unfitted,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_transformers_unfitted,
        estimator_checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_that_need_no_numbers_pass_on_the_features_themselves(check):
    check("TfidfFeatures", TfidfFeatures())


def test_parameters_come_back_and_a_clone_is_not_fitted():
    given_settings = {"min_df": 2, "max_df": 0.9, "max_features": 50, "sublinear_tf": True}
    features = TfidfFeatures(**given_settings, threads=1).fit(COMMENTS)
    assert features.get_params() == {
        **given_settings,
        "threads": 1,
        "progress": None,
    }
    cloned = clone(features)
    assert cloned.get_params() == features.get_params()
    with pytest.raises(NotFittedError):
        cloned.transform(UNSEEN)
    assert differences(cloned.fit(COMMENTS).transform(UNSEEN), features.transform(UNSEEN)) == []


def through_pickle(features, tmp_path):
    return pickle.loads(pickle.dumps(features))


def through_joblib(features, tmp_path):
    joblib.dump(features, tmp_path / "features.joblib", compress=3)
    return joblib.load(tmp_path / "features.joblib")


def through_a_mapped_file(features, tmp_path):
    joblib.dump(features, tmp_path / "features.joblib")
    return joblib.load(tmp_path / "features.joblib", mmap_mode="r")


def through_a_deep_copy(features, tmp_path):
    return copy.deepcopy(features)


COPIES = [through_pickle, through_joblib, through_a_mapped_file, through_a_deep_copy]


@pytest.mark.parametrize("through", COPIES)
def test_a_copy_gives_the_same_matrix(features, tmp_path, through):
    copied = through(features, tmp_path)
    assert copied.get_feature_names_out().tolist() == features.get_feature_names_out().tolist()
    assert differences(copied.transform(UNSEEN), features.transform(UNSEEN)) == []


def test_tables_are_not_pickled(features):
    """They are made anew from the terms, and are many times as large."""
    features.transform(UNSEEN)
    assert "_compiled" not in pickle.loads(pickle.dumps(features)).__dict__


def test_a_copy_gives_the_same_matrix_after_a_setting_was_changed(tmp_path):
    """Without a fit in between, both do what scikit-learn does."""
    features = TfidfFeatures().fit(COMMENTS).set_params(sublinear_tf=True)
    reference = union().fit(COMMENTS)
    reference.set_params(word__sublinear_tf=True, char__sublinear_tf=True)
    expected = reference.transform(UNSEEN)
    assert differences(through_pickle(features, tmp_path).transform(UNSEEN), expected) == []
    assert differences(features.transform(UNSEEN), expected) == []


def test_grid_search_finds_what_it_finds_with_scikit_learn():
    grid = [(min_df, sublinear) for min_df in (1, 3) for sublinear in (False, True)]
    labels = np.arange(len(COMMENTS)) % 3 == 0

    def losses(features, settings_of):
        steps = [("features", features), ("classifier", LogisticRegression())]
        search = GridSearchCV(Pipeline(steps), settings_of, scoring="neg_log_loss", cv=3)
        return search.fit(COMMENTS, labels).cv_results_["mean_test_score"]

    ours = losses(
        TfidfFeatures(),
        [{"features__min_df": [m], "features__sublinear_tf": [s]} for m, s in grid],
    )
    theirs = losses(
        union(),
        [
            {f"features__{half}__{name}": [value] for half in ("word", "char")
             for name, value in (("min_df", m), ("sublinear_tf", s))}
            for m, s in grid
        ],
    )  # fmt: skip
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert len(set(ours)) == len(grid)


def test_features_are_a_step_of_a_pipeline():
    ours = Pipeline([("f", TfidfFeatures(min_df=2)), ("c", LogisticRegression())])
    theirs = Pipeline([("f", union(min_df=2)), ("c", LogisticRegression())])
    found, told = (
        pipeline.fit(COMMENTS, LABELS).predict_proba(UNSEEN) for pipeline in (ours, theirs)
    )
    assert found == pytest.approx(told, abs=1e-6)
    names = ours[:-1].get_feature_names_out().tolist()
    assert names == theirs[:-1].get_feature_names_out().tolist()


@pytest.mark.parametrize("ask", ["get_feature_names_out", "to_sklearn", "transform"])
def test_what_is_not_fitted_says_so(ask):
    arguments = (UNSEEN,) if ask == "transform" else ()
    with pytest.raises(NotFittedError, match="TfidfFeatures"):
        getattr(TfidfFeatures(), ask)(*arguments)


@pytest.mark.parametrize(
    "read",
    [tuple, iter, np.array, pd.Series, lambda texts: np.array(texts, dtype=object)],
    ids=["tuple", "generator", "array of text", "Series", "array of objects"],
)
def test_texts_come_in_many_shapes(features, expected, read):
    learnt = TfidfFeatures(sublinear_tf=True).fit(read(COMMENTS))
    assert learnt.idf_.tolist() == features.idf_.tolist()
    assert differences(learnt.transform(read(UNSEEN)), expected) == []
    assert differences(learnt.fit_transform(read(COMMENTS)), features.transform(COMMENTS)) == []


@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "expected several texts"),
        (b"one text", "expected several texts"),
        (["ferry", None], "text 1 is a NoneType"),
        ([b"ferry", "quimp"], "text 0 is a bytes"),
        (["ferry", "quimp", float("nan")], "text 2 is a float"),
        ([["ferry"]], "text 0 is a list"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(features, method, texts, message):
    with pytest.raises(TypeError, match=message):
        getattr(copy.copy(features), method)(texts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_df": -1},
        {"min_df": 0},
        {"min_df": 1.5},
        {"min_df": -0.5},
        {"min_df": "two"},
        {"min_df": None},
        {"min_df": float("nan")},
        {"max_df": 0},
        {"max_df": -2},
        {"max_df": 1.01},
        {"max_df": -0.1},
        {"max_df": [1]},
        {"min_df": 5, "max_df": 4},
        {"min_df": 0.5, "max_df": 0.25},
        {"min_df": 201},
        {"max_features": 0},
        {"max_features": -1},
        {"max_features": 2.5},
    ],
    ids=str,
)
def test_what_scikit_learn_refuses_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        union(**wrong).fit(COMMENTS)
    with pytest.raises(ValueError, match=r"."):
        TfidfFeatures(**wrong).fit(COMMENTS)


@pytest.mark.parametrize("texts", [[], [""], [" \n"], ["a b c"], ["!?"]])
def test_texts_without_words_are_refused(texts):
    """Also with n-grams in them: scikit-learn's half of words refuses, too."""
    with pytest.raises(ValueError, match=r"vocabulary|terms"):
        union().fit(texts)
    with pytest.raises(ValueError, match=r"no terms remain|below min_df"):
        TfidfFeatures().fit(texts)


def test_a_failed_fit_leaves_what_was_learnt(expected):
    features = TfidfFeatures(sublinear_tf=True).fit(COMMENTS)
    with pytest.raises(ValueError, match="no terms remain"):
        features.fit(["?"])
    assert differences(features.transform(UNSEEN), expected) == []


def test_a_new_fit_forgets_the_old_one(features):
    again = TfidfFeatures(sublinear_tf=True).fit(UNSEEN)
    again.transform(COMMENTS)
    again.fit(COMMENTS)
    assert differences(again.transform(UNSEEN), features.transform(UNSEEN)) == []


def test_no_texts_give_no_rows(features):
    matrix = features.transform([])
    assert matrix.shape == (0, len(features.idf_))
    assert matrix.nnz == 0


def test_matrix_is_canonical_as_it_claims(features):
    matrix = features.transform(COMMENTS + UNSEEN)
    assert matrix.has_canonical_format
    checked = sp.csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
    assert checked.has_canonical_format


@pytest.mark.skipif(
    "sparse_interface" not in sklearn.get_config(), reason="this scikit-learn has matrices only"
)
@pytest.mark.parametrize(("kind", "made"), [("spmatrix", sp.csr_matrix), ("sparray", sp.csr_array)])
def test_matrix_is_of_the_kind_that_scikit_learn_is_set_to(features, kind, made):
    with sklearn.config_context(sparse_interface=kind):
        expected = union(sublinear_tf=True).fit(COMMENTS).transform(UNSEEN)
        found = features.transform(UNSEEN)
    assert type(found) is type(expected) is made
    assert differences(found, expected) == []


# scikit-learn's own classes


@pytest.mark.parametrize("common", SETTINGS, ids=str)
def test_to_sklearn_and_back_gives_the_same_matrix(common):
    features = TfidfFeatures(**common).fit(COMMENTS)
    halves = features.to_sklearn()
    matrix = features.transform(UNSEEN)
    assert differences(matrix, halves.transform(UNSEEN)) == []
    assert halves.get_feature_names_out().tolist() == features.get_feature_names_out().tolist()
    assert differences(compile_features(halves).transform(read_texts(UNSEEN)), matrix) == []


def test_to_sklearn_keeps_the_settings_and_can_be_fitted_again():
    common = {"min_df": 2, "max_df": 0.75, "max_features": 70, "sublinear_tf": True}
    halves = TfidfFeatures(**common).fit(UNSEEN + UNSEEN).to_sklearn()
    for _, half in halves.transformer_list:
        assert {name: half.get_params()[name] for name in common} == common
    assert differences(
        TfidfFeatures(**common).fit_transform(COMMENTS), halves.fit_transform(COMMENTS)
    ) == []  # fmt: skip


def test_to_sklearn_shares_nothing_that_changes(features):
    halves = features.to_sklearn()
    halves.transformer_list[0][1].idf_[:] = 0
    assert (features.idf_ > 0).all()


def test_a_vocabulary_given_by_hand_is_compiled():
    """In any order, and with terms that no text can hold."""
    words = ["quimp", "ferry", "a", "", "zor-ble", "number 7", "ferry ", "the old ferry", "river"]
    grams = ["er", " f", "f", "", "ferryx", "x", "ferry", "rry ", " number", "zor", "e f"]
    halves = union(sublinear_tf=True)
    halves.set_params(word__vocabulary=words, char__vocabulary=grams).fit(COMMENTS)
    found = compile_features(halves).transform(read_texts(UNSEEN + COMMENTS))
    assert differences(found, halves.transform(UNSEEN + COMMENTS)) == []


REFUSED = {
    "case": {"word__lowercase": False},
    "case of n-grams": {"char__lowercase": False},
    "single words": {"word__ngram_range": (1, 1)},
    "three words": {"word__ngram_range": (1, 3)},
    "shorter n-grams": {"char__ngram_range": (2, 4)},
    "n-grams across words": {"char__analyzer": "char"},
    "stop words": {"word__stop_words": ["the"]},
    "accents": {"char__strip_accents": "unicode"},
    "tokens": {"word__token_pattern": r"(?u)\b\w+\b"},
    "no norm": {"word__norm": None},
    "another norm": {"char__norm": "l1"},
    "no IDFs": {"char__use_idf": False},
    "IDFs not smoothed": {"word__smooth_idf": False},
    "yes or no": {"word__binary": True},
    "smaller floats": {"word__dtype": np.float32},
    "one half damped": {"word__sublinear_tf": True},
    "the other half damped": {"char__sublinear_tf": True},
    "a weight for a half": {"transformer_weights": {"char": 0.5}},
}


@pytest.mark.parametrize("other", REFUSED.values(), ids=REFUSED)
def test_a_union_with_other_settings_is_refused(other):
    halves = union().set_params(**other).fit(COMMENTS)
    with pytest.raises(ValueError, match="train the model"):
        compile_features(halves)


class OwnVectorizer(TfidfVectorizer):
    """May do anything."""


HALVES = dict(union().transformer_list)


@pytest.mark.parametrize(
    "halves",
    [
        [("char", HALVES["char"]), ("word", HALVES["word"])],
        [("words", HALVES["word"]), ("chars", HALVES["char"])],
        [("word", HALVES["char"]), ("char", HALVES["word"])],
        [("word", HALVES["word"])],
        [*HALVES.items(), ("more", CountVectorizer())],
        [("word", OwnVectorizer(ngram_range=(1, 2))), ("char", HALVES["char"])],
        [("word", CountVectorizer(ngram_range=(1, 2))), ("char", HALVES["char"])],
        [("word", "drop"), ("char", HALVES["char"])],
    ],
    ids=["order", "names", "swapped", "one", "three", "subclass", "counts", "dropped"],
)
def test_a_union_of_other_halves_is_refused(halves):
    with pytest.raises(ValueError, match="train the model"):
        compile_features(clone(FeatureUnion(halves)).fit(COMMENTS))


# Scores


@pytest.fixture(scope="module")
def scorer():
    """Return a scorer of a pipeline that is scikit-learn's throughout."""
    steps = [(FEATURES, union(min_df=2, sublinear_tf=True)), (CLASSIFIER, LogisticRegression(C=9))]
    return Scorer(Pipeline(steps).fit(COMMENTS, LABELS))


@settings(max_examples=200)
@given(st.lists(texts | st.sampled_from(COMMENTS), max_size=6))
def test_any_text_is_scored_as_by_the_pipeline(scorer, found):
    scores = scorer.score(found)
    assert scores.shape == (len(found),)
    if found:
        told = scorer.pipeline.predict_proba(found)[:, 1]
        assert scores == pytest.approx(told, abs=1e-12)


@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_long_texts_are_scored_and_explained_as_by_the_pipeline(scorer, long):
    texts = [*long, *(f"{text} ferry quimp {COMMENTS[0]}" for text in long)]
    told = scorer.pipeline.decision_function(texts)
    assert scorer.score(texts) == pytest.approx(scorer.pipeline.predict_proba(texts)[:, 1])
    assert [scorer.explain(text).logit for text in texts] == pytest.approx(told, abs=1e-9)


# Threads and memory


@pytest.fixture(scope="module")
def archive():
    """Return 1.5 MB of comments in made-up words, some of which come very often."""
    chance = np.random.default_rng(7)
    syllables = np.array(
        ["zor", "ble", "quim", "fer", "ry", "lan", "tern", "gru", "wuz", "ž", "漢"]
    )
    words = ["".join(chance.choice(syllables, chance.integers(1, 6))) for _ in range(20_000)]
    words += [word * 9 for word in words[:300]]
    chance.shuffle(words)
    ranks = np.minimum(chance.zipf(1.2, 160_000), len(words)) - 1
    cuts = np.sort(chance.integers(0, len(ranks), 6_000))
    texts = [" ".join(words[rank] for rank in part) for part in np.split(ranks, cuts)]
    assert 1_400_000 < sum(len(text.encode()) for text in texts) < 1_800_000
    return texts


def make_scorer(features):
    """Return a scorer with made-up weights, with a memory of its own."""
    classifier = LogisticRegression()
    classifier.classes_ = np.array([0, 1])
    classifier.coef_ = np.random.default_rng(3).normal(size=(1, len(features.idf_)))
    classifier.intercept_ = np.array([-1.0])
    return Scorer(Pipeline([(FEATURES, features.to_sklearn()), (CLASSIFIER, classifier)]))


@pytest.fixture(scope="module")
def alone(archive):
    """Return features learnt in one thread, with the matrix."""
    features = TfidfFeatures(min_df=2, sublinear_tf=True, threads=1)
    return features, features.fit_transform(archive)


def assert_identical(found, expected):
    """Compare matrices to the last bit."""
    assert found.shape == expected.shape
    for part in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(found, part), getattr(expected, part))


def assert_learnt_the_same(found, expected):
    for terms in ("words_", "grams_"):
        for part in Terms._fields:
            assert np.array_equal(
                getattr(getattr(found, terms), part), getattr(getattr(expected, terms), part)
            )
    assert np.array_equal(found.idf_, expected.idf_)


def test_one_thread_gives_the_matrix_of_scikit_learn(archive, alone):
    features, matrix = alone
    reference = union(min_df=2, sublinear_tf=True)
    assert differences(matrix, reference.fit_transform(archive)) == []
    assert features.get_feature_names_out().tolist() == reference.get_feature_names_out().tolist()


@pytest.mark.parametrize("threads", [2, 3, None])
def test_threads_change_nothing(archive, alone, threads):
    """The text is large enough for as many to work at once."""
    assert vocabulary.choose_threads(read_texts(archive), threads) == (
        threads or joblib.cpu_count()
    )
    features = TfidfFeatures(min_df=2, sublinear_tf=True, threads=threads)
    assert_identical(features.fit_transform(archive), alone[1])
    assert_learnt_the_same(features, alone[0])
    assert_identical(features.transform(archive[::-1]), alone[0].transform(archive[::-1]))


@pytest.mark.parametrize("max_features", [100, 5_000])
def test_threads_change_nothing_where_terms_tie(archive, max_features):
    one, three = (
        TfidfFeatures(max_features=max_features, threads=threads).fit(archive) for threads in (1, 3)
    )
    assert_learnt_the_same(three, one)


def test_threads_change_no_score(archive, alone):
    scores = make_scorer(alone[0]).score(archive, threads=1)
    assert len(np.unique(scores)) > 1000
    for threads in (2, 3, None):
        assert np.array_equal(make_scorer(alone[0]).score(archive, threads=threads), scores)


def test_scores_do_not_depend_on_what_was_scored_before(archive, alone):
    """A thread remembers tokens, and which ones depends on its past."""
    scorer = make_scorer(alone[0])
    scores = scorer.score(archive[:2000])
    for others in (archive[::-1], UNSEEN, archive[3000:], [ascii_token(20_000), *LONG["20 KB"]]):
        scorer.score(others)
        assert np.array_equal(scorer.score(archive[:2000]), scores)
    one_by_one = [scorer.score([text])[0] for text in archive[:200]]
    assert one_by_one == scores[:200].tolist()


def test_explaining_in_between_changes_no_score(archive, alone):
    scorer = make_scorer(alone[0])
    scores = scorer.score(archive[:300])
    for text in archive[:20]:
        scorer.explain(text)
    assert np.array_equal(scorer.score(archive[:300]), scores)


@pytest.mark.parametrize("threads", [1, 2])
def test_forgetting_tokens_changes_nothing(archive, alone, monkeypatch, threads):
    """A block of tokens must fit in the memory, and not much more does."""
    scores = make_scorer(alone[0]).score(archive)
    monkeypatch.setattr(vocabulary, "_REMEMBERED", 1 << 5)
    features = TfidfFeatures(min_df=2, sublinear_tf=True, threads=threads)
    assert_identical(features.fit_transform(archive), alone[1])
    assert_learnt_the_same(features, alone[0])
    remembered = sum(int(memory.sizes[0]) for memory in features._compiled.vocabulary._idle)
    assert 0 < remembered < len({token for text in archive for token in text.split()}) / 5
    assert np.array_equal(make_scorer(features).score(archive, threads=threads), scores)


def test_a_token_is_remembered_once_in_whatever_case():
    texts = ["lantern", "Lantern LANTERN", "straßenlaternen", "STRAßENLATERNEN", "ÄRGER Ärger ΣΑΣ"]
    assert_same_as_scikit_learn(texts, [text.swapcase() for text in texts], sublinear_tf=True)
    features = TfidfFeatures(threads=1).fit(texts)
    features.transform(texts[:4])
    (memory,) = features._compiled.vocabulary._idle
    assert memory.sizes[0] == 2


def test_learning_shows_its_progress(archive):
    seen = []

    def progress(items, number, what):
        seen.append((number, what))
        return items

    TfidfFeatures(threads=1, progress=progress).fit(archive[:1000])
    ((number, what),) = seen
    assert number > 1
    assert what == "learning words"


def test_extended_by_known_terms_it_is_still_what_scikit_learn_gives():
    own_texts = ["the ferry to the harbour", "a ferry, a harbour; zorble", "zorble the quimp"]
    known_texts = ["the ferry sails", "quimp at the harbour", "sails and the quimp", "Ω sails"]
    known = TfidfFeatures(sublinear_tf=True).fit(known_texts).to_sklearn()
    features = TfidfFeatures(sublinear_tf=True).fit(own_texts)
    own_names = set(features.get_feature_names_out())
    columns = features.extend(known)
    names = features.get_feature_names_out()
    assert names[columns].tolist() == known.get_feature_names_out().tolist()
    assert set(names) == own_names | set(known.get_feature_names_out())
    texts = [*own_texts, *known_texts, "something else, ferry"]
    expected = features.to_sklearn().transform(texts)
    assert np.abs(features.transform(texts) - expected).max() < 1e-12


def test_extended_terms_keep_the_idfs_of_the_known_ones():
    known = TfidfFeatures(sublinear_tf=True).fit(["ferry one", "ferry two", "ferry three"])
    features = TfidfFeatures(sublinear_tf=True).fit(["ferry zorble", "zorble"])
    zorble = features.idf_[list(features.get_feature_names_out()).index("word__zorble")]
    columns = features.extend(known.to_sklearn())
    assert (features.idf_[columns] == known.idf_).all()
    assert features.idf_[list(features.get_feature_names_out()).index("word__zorble")] == zorble


@pytest.mark.parametrize("settings", [{"min_df": 2}, {"min_df": 0.1, "max_df": 0.8}])
def test_rows_can_be_weighed_as_if_only_some_had_been_learnt_from(settings):
    """Cross-validation learns one vocabulary, and sees the numbers of one for each part."""
    texts = [*COMMENTS, *UNSEEN] * 3 + ["something else entirely", "entirely different words"]
    rows, others = np.arange(0, len(texts), 2), np.arange(1, len(texts), 2)
    whole = TfidfFeatures(min_df=1, sublinear_tf=True).fit(texts)
    matrix = whole.transform(texts)
    before = matrix.copy()
    whole.min_df, whole.max_df = settings["min_df"], settings.get("max_df", 1.0)
    reweighed = whole.as_if_learnt_from(matrix, rows)
    part = TfidfFeatures(sublinear_tf=True, **settings).fit([texts[row] for row in rows])
    names = whole.get_feature_names_out().tolist()
    columns = [names.index(name) for name in part.get_feature_names_out()]
    for wanted in (rows, others):
        found = reweighed(wanted).toarray()
        expected = part.transform([texts[row] for row in wanted]).toarray()
        np.testing.assert_allclose(found[:, columns], expected, atol=1e-12)
        assert found.sum() == pytest.approx(expected.sum())
    assert (matrix != before).nnz == 0


def test_columns_that_are_known_from_elsewhere_keep_their_idf():
    features = TfidfFeatures().fit(COMMENTS)
    matrix = features.transform(COMMENTS)
    every = np.arange(len(features.idf_))
    same = features.as_if_learnt_from(matrix, np.arange(2), known=every)(np.arange(len(COMMENTS)))
    np.testing.assert_allclose(same.toarray(), matrix.toarray(), atol=1e-12)
