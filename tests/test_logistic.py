"""The weights beside those of scikit-learn's own solver."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from moderation import logistic
from moderation.logistic import fit_logistic


def rows(number=400, columns=60, *, share=0.3, seed=0):
    """Return rows of a few features each, of length 1, some empty, and labels that they explain."""
    random = np.random.default_rng(seed)
    matrix = sp.random_array((number, columns), density=0.1, rng=random, format="csr")
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    matrix = sp.csr_array(sp.diags_array(1 / np.where(lengths, lengths, 1)) @ matrix)
    logits = matrix @ random.normal(size=columns) * 6 + random.normal(size=number)
    return matrix, (logits > np.quantile(logits, 1 - share)).astype(np.int64)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_weights_are_those_of_scikit_learn(strength, share):
    matrix, labels = rows(share=share)
    expected = LogisticRegression(C=strength, tol=1e-10, max_iter=100_000).fit(matrix, labels)
    found = fit_logistic(matrix, labels, strength=strength, tolerance=1e-8)
    assert found.coef_ == pytest.approx(expected.coef_, abs=1e-4)
    assert found.intercept_ == pytest.approx(expected.intercept_, abs=1e-4)


def test_the_default_tolerance_leaves_no_logit_far_from_the_best():
    matrix, labels = rows()
    best = fit_logistic(matrix, labels, strength=10.0, tolerance=1e-10)
    found = fit_logistic(matrix, labels, strength=10.0)
    assert found.n_iter_ < best.n_iter_
    assert found.decision_function(matrix) == pytest.approx(
        best.decision_function(matrix), abs=logistic.TOLERANCE
    )


def test_shares_and_importances_are_those_of_weighted_rows():
    matrix, labels = rows()
    random = np.random.default_rng(1)
    shares = np.where(random.random(len(labels)) < 0.5, labels, random.random(len(labels)))
    importance = random.uniform(0.1, 3, size=len(labels))
    both = sp.vstack([matrix, matrix], format="csr")
    outcomes = np.repeat([1, 0], len(labels))
    weights = np.concatenate([shares * importance, (1 - shares) * importance])
    expected = LogisticRegression(C=3.0, tol=1e-10, max_iter=100_000)
    expected.fit(both, outcomes, sample_weight=weights)
    found = fit_logistic(matrix, shares, strength=3.0, importance=importance, tolerance=1e-8)
    assert found.coef_ == pytest.approx(expected.coef_, abs=1e-4)
    assert found.intercept_ == pytest.approx(expected.intercept_, abs=1e-4)


def test_weights_are_pulled_towards_others_and_those_are_scaled():
    """At the minimum, what the penalties pull back is what the losses push."""
    matrix, labels = rows()
    other = np.random.default_rng(1).normal(size=matrix.shape[1])
    found = fit_logistic(matrix, labels, strength=2.0, towards=other, tolerance=1e-8)
    logits = matrix @ found.coef_[0] + found.intercept_
    errors = 2.0 * (labels - 1 / (1 + np.exp(-logits)))
    scale = logistic.FREEDOM * (matrix @ other) @ errors
    pull = found.coef_[0] - (1 + logistic.FREEDOM * scale) * other
    assert abs(scale) > 0.1
    assert pull == pytest.approx(matrix.T @ errors, abs=1e-4)
    assert errors.sum() == pytest.approx(0, abs=1e-4)


def test_a_strong_pull_leaves_the_other_weights_as_they_are():
    matrix, labels = rows()
    other = np.random.default_rng(1).normal(size=matrix.shape[1], loc=5)  # logits far from 0
    found = fit_logistic(matrix, labels, strength=1e-6, towards=other)
    assert found.coef_[0] == pytest.approx(other, abs=1e-3)


def test_what_comes_out_is_scikit_learns_own():
    matrix, labels = rows()
    found = fit_logistic(matrix, labels, strength=2.0)
    own = LogisticRegression(C=2.0).fit(matrix, labels)
    assert type(found) is LogisticRegression
    assert found.get_params() == own.get_params()
    assert {name for name in vars(own) if name.endswith("_")} == {
        name for name in vars(found) if name.endswith("_")
    }
    assert found.predict_proba(matrix).shape == (len(labels), 2)
    assert clone(found).fit(matrix, labels).score(matrix, labels) > 0.8


def test_same_input_same_weights():
    matrix, labels = rows()
    first, second = (fit_logistic(matrix, labels, strength=3.0) for _ in range(2))
    assert (first.coef_ == second.coef_).all()
    assert first.intercept_ == second.intercept_


def test_the_same_comment_removed_and_kept_is_a_matter_of_chance():
    matrix = sp.csr_array(np.array([[1.0], [1.0], [1.0], [1.0]]))
    found = fit_logistic(matrix, np.array([1, 0, 0, 0]), strength=30.0)
    assert found.predict_proba(matrix)[:, 1] == pytest.approx(0.25, abs=2e-3)


def test_rows_in_single_precision_and_long_indices_give_nearly_the_same():
    matrix, labels = rows()
    expected = fit_logistic(matrix, labels, strength=3.0).coef_
    single = matrix.astype(np.float32)
    single.indices, single.indptr = single.indices.astype("i8"), single.indptr.astype("i8")
    assert fit_logistic(single, labels, strength=3.0).coef_ == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [0, 2], [1, 2], [-1, 1], [0, np.nan]])
def test_other_labels_than_both_classes_are_refused(labels):
    with pytest.raises(ValueError, match="both 0 and 1"):
        fit_logistic(sp.csr_array(np.eye(2)), np.array(labels), strength=1.0)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_importances_that_mean_nothing_are_refused(wrong):
    matrix, labels = rows()
    importance = np.ones(len(labels))
    importance[3] = wrong
    with pytest.raises(ValueError, match="importances must be finite, not negative"):
        fit_logistic(matrix, labels, strength=1.0, importance=importance)
    with pytest.raises(ValueError, match="above 0 in both classes"):
        fit_logistic(matrix, labels, strength=1.0, importance=labels.astype(float))


def test_what_the_loop_would_read_wrongly_is_refused():
    matrix, labels = rows()
    with pytest.raises(TypeError, match="CSR form, found csc_array"):
        fit_logistic(matrix.tocsc(), labels, strength=1.0)
    with pytest.raises(TypeError, match="CSR form, found ndarray"):
        fit_logistic(matrix.toarray(), labels, strength=1.0)
    with pytest.raises(ValueError, match="399 labels, expected 400"):
        fit_logistic(matrix, labels[:-1], strength=1.0)
    with pytest.raises(ValueError, match="1 importances, expected 400"):
        fit_logistic(matrix, labels, strength=1.0, importance=np.ones(1))
    with pytest.raises(ValueError, match="2 weights to be pulled towards, expected 60"):
        fit_logistic(matrix, labels, strength=1.0, towards=np.ones(2))


def test_too_few_passes_are_said(monkeypatch):
    matrix, labels = rows()
    monkeypatch.setattr(logistic, "MOST_PASSES", 2)
    with pytest.warns(ConvergenceWarning, match="after 2 passes"):
        fit_logistic(matrix, labels, strength=30.0)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_logistic(matrix, labels, strength=30.0)
