"""Bias by identity term: scikit-learn's numbers, and what each of them tells from the others."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from moderation.fairness import (
    IDENTITIES,
    PEOPLE,
    TERMS,
    BiasReport,
    GroupBias,
    measure_bias,
    mentions,
)

TWO = {"women": ("women",), "older": ("pensioners",)}
TEXTS = [
    f"{who} at the {place} {n}"
    for who in ("women", "pensioners", "people")
    for place in ("ferry", "library")
    for n in range(40)
]
LABELS = np.array([int("ferry" in text) for text in TEXTS])


def measured(scores, **options) -> BiasReport:
    given = {"identities": TWO, "resamples": 20, **options}
    return measure_bias(TEXTS, LABELS, np.asarray(scores, dtype=float), **given)


def of(report: BiasReport, group: str) -> GroupBias:
    return next(bias for bias in report.groups if bias.group == group)


def random_scores(seed: int = 0, spread: float = 1.0):
    return np.random.default_rng(seed).normal(LABELS * 1.0, spread)


@pytest.mark.parametrize("rounded", [3, 0])
def test_the_three_numbers_are_scikit_learns_on_the_comments_they_are_about(rounded):
    """Rounded to whole numbers, most scores are ties."""
    scores = np.round(random_scores(), rounded)
    report = measured(scores)
    for group, named in mentions(TEXTS, TWO).items():
        removed, bias = LABELS == 1, of(report, group)
        for auc, rows in (
            (bias.subgroup_auc, named),
            (bias.bpsn_auc, (removed & ~named) | (~removed & named)),
            (bias.bnsp_auc, (removed & named) | (~removed & ~named)),
        ):
            assert auc.value == pytest.approx(roc_auc_score(LABELS[rows], scores[rows]))
            assert auc.low <= auc.value <= auc.high
            assert auc.of == rows.sum()


def test_a_scorer_that_knows_the_label_alone_is_fair():
    report = measured(LABELS)
    for bias in report.groups:
        assert {bias.subgroup_auc.value, bias.bpsn_auc.value, bias.bnsp_auc.value} == {1.0}
    assert {(summary.worst, summary.power_mean) for summary in report.summaries} == {(1.0, 1.0)}


def test_scores_raised_by_a_mention_lower_the_bpsn_auc_of_that_group_alone():
    """
    Labels alone put a gap of 1 between the classes, and a mention adds 2.

    Its kept comments then stand above the removed ones of all others. To the other group it is
    background: its removed comments, which stand even higher, are in the right order still.
    """
    report = measured(LABELS + 2.0 * mentions(TEXTS, TWO)["women"])
    women, older = of(report, "women"), of(report, "older")
    assert (women.subgroup_auc.value, women.bpsn_auc.value, women.bnsp_auc.value) == (1.0, 0.0, 1.0)
    assert (older.subgroup_auc.value, older.bpsn_auc.value) == (1.0, 1.0)
    assert older.bnsp_auc.value == 0.5  # half of its background, the women's, stands above it
    worst = {summary.measure: (summary.worst_group, summary.worst) for summary in report.summaries}
    assert worst["bpsn_auc"] == ("women", 0.0)


def test_scores_lowered_by_a_mention_lower_the_bnsp_auc():
    women = of(measured(LABELS - 2.0 * mentions(TEXTS, TWO)["women"]), "women")
    assert (women.subgroup_auc.value, women.bpsn_auc.value, women.bnsp_auc.value) == (1.0, 1.0, 0.0)


def test_noise_within_a_group_lowers_its_subgroup_auc():
    named = mentions(TEXTS, TWO)["women"]
    women = of(measured(np.where(named, random_scores(), 10.0 * LABELS)), "women")
    assert women.subgroup_auc.value < 0.9 < women.bpsn_auc.value


def test_the_power_mean_stays_near_the_worst_group():
    report = measured(random_scores() + 1.0 * mentions(TEXTS, TWO)["women"])
    for summary in report.summaries:
        values = [getattr(bias, summary.measure).value for bias in report.groups]
        assert summary.power_mean == pytest.approx(np.mean(np.power(values, -5)) ** -0.2)
        assert summary.worst == min(values) <= summary.power_mean <= np.mean(values)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("WOMEN and men", {"women", "men"}),
        ("Women's football", {"women"}),
        ("non-muslim schools", {"muslim"}),
        ("an African American poet", {"black"}),
        ("asylum seekers", {"immigrant"}),
        ("“Gay”, he wrote", {"gay"}),
        ("mentor, menu, omen, amen", set()),
        ("Gayton, Blackpool and Whitehall", set()),
        ("african drums", set()),
        ("", set()),
    ],
)
def test_mentions_are_whole_words_in_any_case(text, groups):
    found = mentions([text])
    assert {group for group, named in found.items() if named[0]} == groups


def test_terms_belong_to_one_group_each_and_are_found_in_what_fills_templates():
    terms = [term for group in IDENTITIES.values() for term in group]
    assert len(set(terms)) == len(terms)
    assert PEOPLE.keys() == IDENTITIES.keys()
    assert set(TERMS) == set(terms) | {noun for nouns in PEOPLE.values() for noun in nouns}
    assert len(set(TERMS)) == len(TERMS)
    for group, nouns in PEOPLE.items():
        for noun in nouns:
            assert [name for name, named in mentions([noun]).items() if named[0]] == [group]


def test_a_hundred_thousand_comments_are_searched_in_seconds():
    texts = ["a quiet morning at the library, with women and men reading " * 4] * 100_000
    began = time.process_time()
    assert mentions(texts)["women"].all()
    assert time.process_time() - began < 20


def test_groups_that_too_few_comments_mention_are_left_out_by_name():
    """Forty comments of each class mention each group; the third group is mentioned by none."""
    identities = {**TWO, "hindu": ("hindus",)}
    report = measured(random_scores(), identities=identities, fewest=40)
    assert [bias.group for bias in report.groups] == ["women", "older"]
    assert report.left_out == ("hindu",)
    none = measured(random_scores(), identities=identities, fewest=41)
    assert (none.groups, none.left_out, none.summaries) == ((), (*TWO, "hindu"), ())


def test_a_group_without_a_background_is_left_out():
    """Where all removed comments mention it, there is none to compare with."""
    report = measured(random_scores(), identities={"all": ("women", "pensioners", "people")})
    assert report.left_out == ("all",)


def test_false_positives_are_kept_comments_at_or_above_the_threshold():
    named = mentions(TEXTS, TWO)["women"]
    women = of(measured(np.where(named, 0.5, 0.4), threshold=0.5), "women")
    assert (women.false_positive_rate.value, women.false_positive_rate.of) == (1.0, 40)
    assert women.background_false_positive_rate.value == 0.0
    assert women.background_false_positive_rate.of == 80
    assert of(measured(LABELS), "women").false_positive_rate is None


def test_resampling_whole_articles_widens_the_intervals_of_like_comments():
    articles = np.arange(len(TEXTS)) // 10
    scores = np.random.default_rng(2).normal(size=len(TEXTS) // 10)[articles]
    alone = of(measured(scores, resamples=200), "women").subgroup_auc
    whole = of(measured(scores, resamples=200, groups=articles), "women").subgroup_auc
    assert alone.value == whole.value
    assert whole.high - whole.low > 1.3 * (alone.high - alone.low)


def test_a_group_that_one_article_mentions_has_an_interval_nevertheless():
    """Samples without that article say nothing of the group; the others do."""
    articles = np.where(mentions(TEXTS, TWO)["women"], 0, 1 + np.arange(len(TEXTS)))
    auc = of(measured(random_scores(), groups=articles), "women").subgroup_auc
    assert auc.low <= auc.value <= auc.high


def test_the_same_seed_gives_the_same_report():
    scores = random_scores()
    assert measured(scores, seed=3) == measured(scores, seed=3)
    assert measured(scores, seed=3) != measured(scores, seed=4)


def test_no_comments_are_too_few():
    nothing = np.array([])
    report = measure_bias([], nothing.astype(int), nothing)
    assert (report.comments, report.groups, report.left_out) == (0, (), tuple(IDENTITIES))


@pytest.mark.corpora
def test_real_comments_mention_groups_often_enough_to_be_measured(corpora):
    table = pd.read_csv(corpora / "insults.csv.gz").dropna(subset="text")
    texts, labels = table["text"].tolist(), table["label"].to_numpy()
    scores = table["text"].str.count("[!A-Z]").to_numpy(dtype=float)
    report = measure_bias(texts, labels, scores, resamples=20)
    named = mentions(texts)
    assert {"black", "white", "gay", "women", "men"} <= {bias.group for bias in report.groups}
    for bias in report.groups:
        rows = named[bias.group]
        assert bias.subgroup_auc.value == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
        rows = rows ^ (labels == 1)  # removed without a mention, or kept with one
        assert bias.bpsn_auc.value == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
        rows = ~rows
        assert bias.bnsp_auc.value == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
