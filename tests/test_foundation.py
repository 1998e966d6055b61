"""The base model: what it learns from which source, on small tables of neutral words."""

import numpy as np
import pandas as pd
import pytest

from moderation import foundation
from moderation.calibration import Scale
from moderation.foundation import (
    KINDS,
    LICENCES,
    MEMBERS,
    OFFENCE,
    TOXICITY,
    columns_of,
    learn_foundation,
    without,
)
from moderation.scorer import Scorer
from tests.samples import labelled_comments

COLUMNS = set().union(*map(columns_of, LICENCES))


def corpora(rows=60):
    """Return a table for each source, with every column that is learnt from."""
    tables = {}
    for number, name in enumerate(LICENCES):
        comments = list(labelled_comments(removed=rows // 3, kept=rows - rows // 3))
        labels = np.array([int(c.status == "removed") for c in comments])
        if name == "jigsaw_clean":
            labels[:] = 0
        frame = pd.DataFrame({"text": [f"{c.text} {number}" for c in comments], "label": labels})
        tables[name] = frame.assign(**dict.fromkeys(COLUMNS, labels))
    return tables


@pytest.fixture(scope="module")
def learnt():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foundation, "FEWEST", 2)
        yield learn_foundation(corpora())


@pytest.fixture(scope="module")
def scorer(learnt):
    return Scorer(learnt.pipeline([Scale(2.0, -1.0), Scale(3.0, -2.0)]))


def test_all_heads_are_there_and_know_what_is_worse(scorer):
    assert scorer.attributes == ("LIKELY_TO_REJECT", TOXICITY, *KINDS)
    for scores in scorer.score_attributes(["zorble quimp", "the ferry at the bridge"]).values():
        assert 0 < scores[1] < scores[0] < 1


def test_the_pipeline_is_scikit_learns_and_gives_the_general_score(learnt, scorer):
    texts = ["zorble", "the ferry", ""]
    expected = 1 / (1 + np.exp(1.0 - 2.0 * learnt.logits(texts)[:, 0]))
    assert scorer.pipeline.predict_proba(texts)[:, 1] == pytest.approx(expected)
    assert scorer.score(texts) == pytest.approx(expected)
    assert scorer.score_attributes(texts)["LIKELY_TO_REJECT"] == pytest.approx(expected)


def test_toxicity_has_a_scale_of_its_own(learnt, scorer):
    texts = ["zorble", "the ferry"]
    expected = 1 / (1 + np.exp(2.0 - 3.0 * learnt.logits(texts)[:, 1]))
    assert scorer.score_attributes(texts)[TOXICITY] == pytest.approx(expected, abs=1e-6)


def test_the_members_are_brought_to_the_same_spread(learnt):
    """Whatever a member's own spread, none drowns the others in their sum."""
    tables = corpora()
    logits = learnt.logits([text for table in tables.values() for text in table["text"]])
    assert 0.9 < logits[:, 1].std() <= 1.0 + 1e-9
    assert logits[:, 0].std() == pytest.approx(1 + OFFENCE.share / len(MEMBERS), abs=0.1)


def test_a_corpus_is_left_out_with_all_copies_of_its_texts():
    tables = {
        "one": pd.DataFrame({"text": ["Read this", "and that"], "label": [0, 1]}),
        "two": pd.DataFrame({"text": ["read  THIS ", "another"], "label": [1, 0]}),
    }
    left = without(tables, "one")
    assert list(left) == ["two"]
    assert left["two"]["text"].tolist() == ["another"]


def test_a_source_that_is_left_out_is_done_without(monkeypatch):
    monkeypatch.setattr(foundation, "FEWEST", 2)
    tables = corpora()
    del tables["sbic"]
    learnt = learn_foundation(tables)
    assert learnt.general == pytest.approx(learnt.toxicity)


def test_every_source_has_a_licence_that_lets_a_model_be_shipped():
    assert {licence.split(" labels")[0] for licence in LICENCES.values()} <= {
        "CC0-1.0", "Apache-2.0", "MIT", "CC BY 4.0"
    }  # fmt: skip
    assert all(map(columns_of, LICENCES))
    assert not columns_of("insults")


def test_a_group_of_people_is_named_less_against_it_where_its_names_are_learnt(monkeypatch):
    """Also where comments that mention it were mostly removed."""
    monkeypatch.setattr(foundation, "FEWEST", 2)
    tables = {
        name: table.assign(
            text=[
                f"{text} muslims" if label else text
                for text, label in zip(table["text"], table["label"], strict=True)
            ]
        )
        for name, table in corpora().items()
    }
    logits = [
        learn_foundation(tables, identity_terms=terms).logits(["muslims"])[0, 0]
        for terms in ((), foundation.TERMS)
    ]
    assert logits[1] < logits[0] - 0.5
