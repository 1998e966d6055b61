"""What adapting a base model brings is measured on comments that were not learnt from."""

import numpy as np
import pandas as pd
import pytest

from moderation import adaptation
from moderation.adaptation import Adapted, measure_adaptation
from moderation.base_card import adaptation_table
from moderation.plots import adaptation as draw
from tests.samples import labelled_comments

AUCS = (0.7, 0.72)
CELLS = [Adapted(name, size, AUCS, (0.8, 0.82), (0.6, 0.62)) for name in "ab" for size in (10, 30)]


@pytest.fixture
def table():
    comments = list(labelled_comments())
    labels = [int(comment.status == "removed") for comment in comments]
    return pd.DataFrame({"text": [comment.text for comment in comments], "label": labels})


class KnowsNothing:
    """A base model that gives every comment the same score."""

    def score(self, texts):
        return np.full(len(texts), 0.5)


def test_each_draw_learns_from_some_and_scores_others(table, monkeypatch):
    learnt = []

    def adapt(data, base, seed):
        learnt.append((len(data), base is None, seed))
        return KnowsNothing()

    monkeypatch.setattr(adaptation, "_adapt", adapt)
    measured = measure_adaptation({"site": table}, KnowsNothing(), sizes=(50, 100), draws=2)
    assert [(cell.corpus, cell.size) for cell in measured] == [("site", 50), ("site", 100)]
    assert measured[0].alone == measured[0].adapted == (0.5, 0.5)
    assert learnt[:4] == [(50, False, 0), (50, True, 0), (50, False, 1), (50, True, 1)]


def test_sizes_that_leave_nothing_to_score_are_left_out(table, monkeypatch):
    monkeypatch.setattr(adaptation, "_adapt", lambda data, base, seed: KnowsNothing())
    measured = measure_adaptation({"site": table}, KnowsNothing(), sizes=(50, 200), draws=1)
    assert [cell.size for cell in measured] == [50]


def test_a_model_that_begins_with_nothing_learns_from_what_it_is_given(table):
    data = adaptation.Dataset(
        table.assign(group=np.arange(len(table))), float(table["label"].mean()), "comment"
    )
    scorer = adaptation._adapt(data, None, 0)
    assert scorer.score(table["text"].tolist())[table["label"] == 1].mean() > 0.5


def test_the_table_has_means_and_what_was_learnt_from_nothing_in_brackets():
    assert list(adaptation_table(CELLS))[2:] == [
        "| a | 0.710 | 0.810 (0.610) | 0.810 (0.610) |",
        "| b | 0.710 | 0.810 (0.610) | 0.810 (0.610) |",
    ]
    assert list(adaptation_table([])) == []


def test_the_figure_is_the_same_each_time():
    assert draw(CELLS) == draw(CELLS)
    assert draw(CELLS[:2]).startswith(b"\x89PNG")
