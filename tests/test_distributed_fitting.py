"""Weights fitted over parts are those of scikit-learn, and counts of terms err as they say."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import add

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from moderation.distributed.fitting import Start, fit_over_parts
from moderation.distributed.frequencies import (
    GRAMS,
    NOTHING,
    WORDS,
    count_terms,
    find_terms,
    hash_terms,
    merge_counts,
    sort_terms,
)
from moderation.distributed.losses import Fits, sum_losses
from moderation.distributed.rounds import Rounds
from moderation.errors import ClusterError
from moderation.features import make_features
from moderation.logistic import fit_logistic
from moderation.vocabulary import Terms
from tests.samples import labelled_comments

TEXTS = [str(comment.text) for comment in labelled_comments()]


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(0)
    matrix = sp.random(600, 80, density=0.1, format="csr", random_state=0)
    truth = random.normal(size=80)
    labels = (matrix @ truth + random.logistic(size=600) > 0.5).astype(np.int64)
    return matrix, labels


def evaluate_in(parts, matrix, labels):
    rows = np.array_split(np.arange(len(labels)), parts)

    def evaluate(weights, intercept):
        fits = Fits(weights[np.newaxis], np.array([intercept]))
        each = (sum_losses(matrix[some], labels[some].astype(np.int8), fits) for some in rows)
        sums = reduce(add, each)
        return sums.losses[0], sums.gradients[0], sums.slopes[0]

    return evaluate


@pytest.mark.parametrize("strength", [0.3, 3.0, 30.0], ids=lambda strength: f"C={strength:g}")
@pytest.mark.parametrize("parts", [1, 7], ids=lambda parts: f"parts={parts}")
def test_weights_are_those_of_scikit_learn(problem, strength, parts):
    matrix, labels = problem
    start = Start.at_rate(80, float(labels.mean()))
    fit = fit_over_parts(evaluate_in(parts, matrix, labels), start, strength=strength)
    expected = LogisticRegression(C=strength, tol=1e-10, max_iter=5000).fit(matrix, labels)
    np.testing.assert_allclose(fit.coef_, expected.coef_, rtol=0, atol=1e-4)
    np.testing.assert_allclose(fit.intercept_, expected.intercept_, atol=1e-4)


def test_weights_known_from_elsewhere_pull_as_in_the_local_fit(problem):
    matrix, labels = problem
    towards = np.random.default_rng(1).normal(size=80)
    start = Start.at_rate(80, float(labels.mean()))
    evaluate = evaluate_in(3, matrix, labels)
    fit = fit_over_parts(evaluate, start, strength=1.0, towards=towards, tolerance=1e-7)
    expected = fit_logistic(matrix, labels, strength=1.0, towards=towards, tolerance=1e-7)
    np.testing.assert_allclose(fit.coef_, expected.coef_, atol=1e-5)
    np.testing.assert_allclose(fit.intercept_, expected.intercept_, atol=1e-5)


def test_the_sums_do_not_overflow():
    fits = Fits(np.ones((1, 1)), np.zeros(1))
    sums = sum_losses(sp.csr_matrix([[1000.0], [1000.0]]), np.array([0, 1], dtype=np.int8), fits)
    assert sums.losses[0] == 1000.0
    assert sums.slopes[0] == 1.0


def test_rows_that_are_not_meant_add_nothing(problem):
    matrix, labels = problem
    meant = np.arange(600) % 3 > 0
    fits = Fits(np.random.default_rng(2).normal(size=(2, 80)), np.array([0.1, -0.2]))
    found = sum_losses(matrix, np.where(meant, labels, -1).astype(np.int8), fits)
    expected = sum_losses(matrix[meant], labels[meant].astype(np.int8), fits)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-12)
    np.testing.assert_allclose(found.gradients, expected.gradients, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.slopes, expected.slopes, rtol=1e-9)


def test_fits_side_by_side_find_what_each_finds_alone(problem):
    """The rounds give each fit its own sums, and go on when one has ended."""
    matrix, labels = problem
    start, strengths = Start.at_rate(80, float(labels.mean())), [0.3, 3.0, 30.0]
    signs = labels.astype(np.int8)
    asked = []

    def evaluate(fits):
        asked.append(len(fits.intercepts))
        return sum_losses(matrix, signs, fits)

    rounds = Rounds(evaluate, fits=len(strengths))

    def fit(number):
        try:
            ask = partial(rounds.ask, number)
            return fit_over_parts(ask, start, strength=strengths[number])
        finally:
            rounds.leave()

    with ThreadPoolExecutor(len(strengths)) as pool:
        together = list(pool.map(fit, range(len(strengths))))
    for strength, found in zip(strengths, together, strict=True):
        alone = fit_over_parts(evaluate_in(1, matrix, labels), start, strength=strength)
        np.testing.assert_allclose(found.coef_, alone.coef_, atol=1e-4)
    assert len(asked) == max(found.n_iter_[0] for found in together)
    assert asked[0] == 3
    assert asked[-1] == 1


def test_a_round_that_fails_fails_for_all_who_wait():
    def fail(fits):
        raise ClusterError("the workers are gone")

    rounds = Rounds(fail, fits=2)

    def ask(number):
        with pytest.raises(ClusterError, match="the workers are gone"):
            rounds.ask(number, np.zeros(80), 0.0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ask, range(2)))


def count_in(parts: int, most: int):
    counts = NOTHING
    for part, rows in enumerate(np.array_split(np.arange(len(TEXTS)), parts)):
        counts = merge_counts(
            counts, count_terms([TEXTS[row] for row in rows], part=part), most=most
        )
    return counts


@pytest.mark.parametrize("parts", [1, 3, 8], ids=lambda parts: f"parts={parts}")
def test_counts_are_exact_while_there_is_room(parts):
    """Terms, order and counts are those that the features learn from all texts at once."""
    counts = count_in(parts, 1 << 20).keep(2)
    found = find_terms(TEXTS, counts.hashes)
    expected = make_features().fit(TEXTS)
    comments = []
    for kind, terms in ((WORDS, expected.words_), (GRAMS, expected.grams_)):
        spelled, numbers = sort_terms([found[kind]], counts)
        assert spelled.strings() == terms.strings()
        comments.append(numbers)
    assert counts.error == 0
    idf = np.log((1 + len(TEXTS)) / (1 + np.concatenate(comments))) + 1
    np.testing.assert_allclose(idf, expected.idf_, rtol=1e-15)


@pytest.mark.parametrize("most", [50, 200, 600], ids=lambda most: f"most={most}")
def test_a_count_is_too_small_by_no_more_than_the_error(most):
    exact, rough = count_in(8, 1 << 20), count_in(8, most)
    assert len(rough.hashes) <= most
    assert rough.error > 0
    known = Counter(dict(zip(rough.hashes.tolist(), rough.comments.tolist(), strict=True)))
    for hashed, comments in zip(exact.hashes.tolist(), exact.comments.tolist(), strict=True):
        assert comments - rough.error <= known[hashed] <= comments


def test_each_term_is_asked_of_a_part_that_holds_it():
    counts = count_in(4, 1 << 20)
    for part, rows in enumerate(np.array_split(np.arange(len(TEXTS)), 4)):
        wanted = counts.hashes[counts.parts == part]
        found = find_terms([TEXTS[row] for row in rows], wanted)
        assert sorted(hashed for half in found for hashed, _ in half) == wanted.tolist()


def test_a_word_is_not_an_n_gram_of_the_same_letters():
    terms = Terms.read(["ferry", "a", "10", "20"])
    hashes = np.concatenate([hash_terms(terms, WORDS), hash_terms(terms, GRAMS)])
    assert len(set(hashes.tolist())) == 8
