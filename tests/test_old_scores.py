"""Old scores: which column holds them, what of it counts, and what is kept whole."""

from collections import Counter

import pytest

from moderation.comments import Comment
from moderation.errors import DataError
from moderation.old_scores import OldScore, attribute_named, collect, find_column, find_groups


@pytest.mark.parametrize(
    ("column", "attribute"),
    [
        ("toxicity", "TOXICITY"),
        ("perspective_toxicity_v6", "TOXICITY"),
        ("Perspective API: Severe Toxicity", "SEVERE_TOXICITY"),
        ("IDENTITY_ATTACK_EXPERIMENTAL", "IDENTITY_ATTACK"),
        ("insultScore", "INSULT"),
        ("likely_to_reject", "LIKELY_TO_REJECT"),
        ("perspective", None),
        ("score", None),
        ("toxicity_of_parent", None),
        ("", None),
    ],
)
def test_columns_are_known_by_their_usual_spellings(column, attribute):
    assert attribute_named(column) == attribute


def test_a_column_is_taken_where_it_is_the_only_one_or_named():
    assert find_column(["x", "toxicity", "y"]) == "toxicity"
    assert find_column(["x", "toxicity", "insult"], "x") == "x"
    assert find_column(["metadata"], "metadata.perspective.score") == "metadata.perspective.score"


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        ([], None, "no column beside the comments' own"),
        ([], "x", "no column beside the comments' own"),
        (["x"], None, "no column is called like scores of the Perspective API among 'x'"),
        (["toxicity", "x", "insult"], None, "called like scores: 'toxicity', 'insult'; name"),
        (["a heron stood by the old ferry"], "x", "there are one of 30 characters"),
    ],
)
def test_a_column_that_is_not_clear_is_refused(columns, given, message):
    with pytest.raises(DataError, match=message):
        find_column(columns, given)


def comment(text, value, **fields):
    return Comment("1", text, "csv", extra={"toxicity": value}, **fields)


def test_the_first_score_of_a_text_counts_and_the_rest_is_counted_by_cause():
    left_out: Counter[str] = Counter()
    values = [("the heron", "0.25"), ("The  heron ", 0.5), ("ferry", True), ("ferry", 10**400)]
    found = collect([comment(*value) for value in values], "toxicity", left_out)
    assert [(old.text, old.score) for old in found] == [("the heron", 0.25)]
    assert sorted(left_out.values()) == [1, 2]


def test_nothing_left_is_refused():
    with pytest.raises(DataError, match="none of 1 comments has words and an old score in 'x'"):
        collect([comment("the heron", 0.5)], "x", Counter())


@pytest.mark.parametrize(
    ("articles", "threads", "groups"), [(10, 1, 10), (9, 30, 30), (9, 9, None), (0, 10, 10)]
)
def test_articles_are_kept_whole_or_threads_where_they_are_few(articles, threads, groups):
    old_scores = [
        OldScore("text", 0.5, str(n % articles) if articles else None, f"thread {n % threads}")
        for n in range(90)
    ]
    found = find_groups(old_scores)
    assert (None if found is None else len(set(found.tolist()))) == groups
