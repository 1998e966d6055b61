"""OpenAI's moderation endpoint, without HTTP."""

import msgspec
import pytest

from moderation.errors import ServiceError
from moderation.openai import (
    CATEGORIES,
    ModerationRequest,
    choose_heads,
    describe_model,
    make_result,
)

HEADS = ("LIKELY_TO_REJECT", "INSULT", "THREAT", "IDENTITY_ATTACK")
SCORES = {"LIKELY_TO_REJECT": 0.9, "INSULT": 0.6, "THREAT": 0.1, "IDENTITY_ATTACK": 0.5}


@pytest.mark.parametrize(
    ("sent", "texts"),
    [
        ("one", ["one"]),
        (["one", "two"], ["one", "two"]),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], ["one\ntwo"]),
        ([{"type": "image_url", "image_url": {"url": "https://a.example/a.png"}}], None),
    ],
)
def test_texts_are_read_in_every_form(sent, texts):
    body = msgspec.json.encode({"input": sent, "model": "omni-moderation-latest"})
    assert msgspec.json.decode(body, type=ModerationRequest).texts == texts


def test_only_categories_with_a_head_have_scores():
    chosen = choose_heads(HEADS, {})
    result = make_result(SCORES, by_category=chosen, held=False)
    assert chosen == {
        "harassment": "INSULT", "harassment/threatening": "THREAT", "hate": "IDENTITY_ATTACK",
    }  # fmt: skip
    assert {name: value for name, value in result.category_scores.items() if value} == {
        "harassment": 0.6, "harassment/threatening": 0.1, "hate": 0.5,
    }  # fmt: skip
    assert set(result.category_scores) == set(result.categories) == set(CATEGORIES)
    assert [name for name, applies in result.categories.items() if applies] == [
        "harassment", "hate",
    ]  # fmt: skip
    assert result.category_applied_input_types["sexual"] == []
    assert result.flagged


def test_what_the_policy_holds_is_flagged_without_a_category():
    low = dict.fromkeys(SCORES, 0.1)
    chosen = choose_heads(HEADS, {})
    assert not make_result(low, by_category=chosen, held=False).flagged
    assert make_result(low, by_category=chosen, held=True).flagged


def test_a_site_chooses_heads_and_leaves_categories_out():
    chosen = choose_heads(HEADS, {"violence": "THREAT", "hate": ""})
    assert chosen["violence"] == "THREAT"
    assert "hate" not in chosen


@pytest.mark.parametrize("given", [{"violence": "FLIRTATION"}, {"rudeness": "INSULT"}])
def test_a_category_or_head_that_there_is_not_is_refused(given):
    with pytest.raises(ServiceError, match="expected one of harassment"):
        choose_heads(HEADS, given)


def test_the_model_says_what_it_does_not_score():
    said = describe_model("abc", by_category=choose_heads(HEADS, {}))
    assert said["id"] == "moderation-abc"
    assert set(said["scored_categories"]) | set(said["not_scored_categories"]) == set(CATEGORIES)
    assert "sexual" in said["not_scored_categories"]
