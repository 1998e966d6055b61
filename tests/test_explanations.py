"""Explanations add up to the logit and point at what the reader wrote."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.datasets import GatherReport, gather
from moderation.explanations import Contribution, Explanation
from moderation.model import Space, fit_scorer
from tests.samples import labelled_comments


@pytest.fixture(scope="module")
def scorer():
    dataset = gather(labelled_comments(), GatherReport())
    return fit_scorer(dataset, Space.learn(dataset.texts), strength=3.0)


def logit(scorer, text):
    return float(scorer.pipeline.decision_function([text])[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "a",
        "Zorble ZORBLE zorble, bridge!",
        "ferry\u2028quimp\xa0river",
        "İstanbul İİİ zorble İ quimp",
        "ΟΔΟΣ ferry ΣΑΣ",
        "🛶 ferry 👩‍👩‍👧 quimp e\u0301te\u0301",
        "عبارة ferry שלום quimp",
        "zorble" * 200,
    ],
)
def test_contributions_add_up_to_the_logit(scorer, text):
    assert scorer.explain(text).logit == pytest.approx(logit(scorer, text), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("zorbleİΣςß \n'"), max_size=60))
def test_contributions_add_up_on_any_text(scorer, text):
    assert scorer.explain(text).logit == pytest.approx(logit(scorer, text), abs=1e-9)


def test_spans_are_the_words_of_the_original_text(scorer):
    text = "İİ the Zorble, at the  bridge"
    found = [text[part.begin : part.end] for part in scorer.explain(text).contributions]
    assert found == ["İİ", "the", "Zorble,", "at", "the", "bridge"]


def test_the_word_that_tells_raises_the_score_most(scorer):
    text = "the river and a zorble by the garden"
    strongest = scorer.explain(text).strongest(1)[0]
    assert text[strongest.begin : strongest.end] == "zorble"
    assert strongest.value > 0


def test_leaving_the_strongest_word_out_lowers_the_score(scorer):
    text = "market zorble lantern"
    assert logit(scorer, "market lantern") < logit(scorer, text)


def test_strongest_features_are_ordered_words_of_both_sides(scorer):
    features = scorer.strongest_features(4, [comment.text for comment in labelled_comments()])
    weights = [weight for _, weight in features]
    assert weights == sorted(weights)
    assert len({name for name, _ in features}) == 8
    assert weights[0] < 0 < weights[-1]
    assert np.isfinite(weights).all()


def test_strongest_features_are_words_that_several_of_the_texts_hold(scorer):
    names = {name for name, _ in scorer.strongest_features(4, ["zorble ferry"] * 2 + ["quimp"])}
    assert names == {"zorble", "ferry"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 0.7, 0.5, -2.0], [1.0, 0.7]),
        ([0.35, 2.0, 1.2], [2.0, 1.2]),
        ([0.2, 0.1], []),
        ([-1.0, -0.5], []),
        ([], []),
    ],
)
def test_words_that_stand_out_add_nearly_as_much_as_the_strongest(values, expected):
    parts = tuple(Contribution(k, k + 1, value) for k, value in enumerate(values))
    found = Explanation(0.0, parts).standing_out(share=0.6, least=0.3)
    assert [part.value for part in found] == expected
