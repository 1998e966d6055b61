"""The card and its figures say what was measured."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from moderation.cards import bias_table, summarise_bias
from moderation.fairness import BiasReport, measure_bias
from moderation.plots import calibration, precision_recall, score_distribution, strongest_words
from moderation.thresholds import choose_points

RNG = np.random.default_rng(0)
LABELS = np.array([1] * 40 + [0] * 160)
SCORES = np.clip(RNG.normal(0.3 + 0.3 * LABELS, 0.15), 0, 1)


def test_the_card_names_data_quality_use_and_limits(trained):
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("## Use", "## Quality", "## Fairness", "## Training data", "## Limits"):
        assert heading in card
    facts = json.loads(trained.with_suffix(".json").read_text(encoding="utf-8"))
    assert f"{facts['metrics']['roc_auc']['value']:.3f}" in card
    assert facts["training_data"]["sha256"] in card


def test_every_picture_of_the_card_is_there(trained):
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert len(pictures) == 4
    for picture in pictures:
        with Image.open(trained.parent / picture) as opened:
            assert opened.width > 800


def test_a_card_says_where_too_few_comments_mention_anybody(trained):
    """As in the sample archive, of which two hundred comments are set aside."""
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    assert "too few comments mention an identity term to tell" in card
    facts = json.loads(trained.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["bias"]["groups"] == []


@pytest.fixture
def bias() -> BiasReport:
    """Return the report of a scorer that a mention of women misleads."""
    texts = [f"{who} {n}" for n in range(60) for who in ("women", "pensioners", "readers")]
    labels = np.arange(180) // 3 % 2
    scores = np.array([0.2 * text.startswith("women") for text in texts]) + 0.1 * labels
    return measure_bias(texts, labels, scores, threshold=0.2, resamples=20)


def test_the_bias_table_has_a_row_for_each_group_and_what_is_over_all(bias):
    table = list(bias_table(bias))
    assert len(table) == 2 + 2 + 2
    assert len({line.count("|") for line in table}) == 1
    assert table[2].startswith("| women | 60 | 30 | 1.000 [1.000, 1.000] | 0.000 [0.000, 0.000] |")
    assert table[2].endswith(" 100.0% | 0.0% |")
    assert table[4].startswith("| the worst | | | 1.000 (women) | 0.000 (women) | ")
    assert table[5].startswith("| power mean | | | 1.000 | 0.000 | ")


def test_without_a_threshold_the_bias_table_has_no_rates(bias):
    without = replace(
        bias,
        threshold=None,
        groups=tuple(
            replace(group, false_positive_rate=None, background_false_positive_rate=None)
            for group in bias.groups
        ),
    )
    assert {line.count("|") for line in bias_table(without)} == {7}


def test_groups_left_out_are_named_and_counted(bias):
    last = list(summarise_bias(bias))[-1]
    assert last.startswith("left out, too few (17 groups with fewer than 20 removed or kept")
    assert last.endswith("disabled, immigrant")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: precision_recall(LABELS, SCORES, choose_points(LABELS, SCORES)),
        lambda: calibration(LABELS, SCORES, base_rate=0.2),
        lambda: score_distribution(LABELS, SCORES, choose_points(LABELS, SCORES)),
        lambda: strongest_words([("ferry", -1.0), ("$x$ _y_", 2.0)]),
    ],
)
def test_figures_are_pictures_and_the_same_each_time(draw):
    first = draw()
    assert draw() == first
    assert Image.open(io.BytesIO(first)).format == "PNG"


def test_few_comments_can_be_drawn_too():
    labels, scores = np.array([0, 1, 1]), np.array([0.1, 0.5, 0.5])
    assert calibration(labels, scores, base_rate=0.2)
    assert precision_recall(labels, scores, [])
