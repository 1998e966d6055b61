"""The card and its figures say what was measured."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from moderation.plots import calibration, precision_recall, score_distribution, strongest_words
from moderation.thresholds import choose_points

RNG = np.random.default_rng(0)
LABELS = np.array([1] * 40 + [0] * 160)
SCORES = np.clip(RNG.normal(0.3 + 0.3 * LABELS, 0.15), 0, 1)


def test_the_card_names_data_quality_use_and_limits(trained):
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("## Use", "## Quality", "## Training data", "## Limits"):
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


@pytest.mark.parametrize(
    "draw",
    [
        lambda: precision_recall(LABELS, SCORES, choose_points(LABELS, SCORES)),
        lambda: calibration(LABELS, SCORES),
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
    assert calibration(labels, scores)
    assert precision_recall(labels, scores, [])
