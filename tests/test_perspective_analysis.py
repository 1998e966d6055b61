"""Answers tell scores in their places, and the languages asked for and found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.explanations import Contribution, Explanation
from moderation.perspective.analysis import (
    ENOUGH_TO_TELL,
    analyze,
    answer_analysis,
    answer_suggestion,
    plan_analysis,
)
from moderation.perspective.attributes import AttributeTable
from moderation.perspective.errors import ApiError
from moderation.perspective.requests import AnalyzeRequest, SuggestedScores, SuggestRequest
from tests.heads import OneWord, make_table, tell_languages

LONG = "Der Fluss und der Garten und die Brücke."
"""Just long enough to be told."""


def ask(text="The zorble. The river!", *, model=None, words=False, **asked):
    request = AnalyzeRequest(text, {"TOXICITY": None}, **asked)
    model = model or OneWord()
    return analyze(request, model=model, table=make_table(), detect=tell_languages, words=words)


def spans(answer):
    scores = answer["attributeScores"]["TOXICITY"]["spanScores"]
    return [(span["begin"], span["end"], span["score"]["value"]) for span in scores]


@pytest.mark.parametrize(
    ("annotated", "scored"),
    [(False, 1), (True, 3)],
)
def test_all_texts_are_scored_in_one_call(annotated, scored):
    model = OneWord()
    ask(model=model, span_annotations=annotated)
    assert [len(call) for call in model.calls] == [scored]


def test_without_annotations_one_span_holds_white_space_too():
    assert spans(ask(" zorble ")) == [(0, 8, 0.25)]
    assert spans(ask(" zorble ", span_annotations=True)) == [(1, 7, 0.25)]


@given(st.text(min_size=1, max_size=30).filter(str.strip))
def test_each_span_has_the_score_of_its_own_text(text):
    answer, model = ask(text, span_annotations=True), OneWord()
    units = text.encode("utf-16-le", "surrogatepass")
    for begin, end, value in spans(answer):
        part = units[2 * begin : 2 * end].decode("utf-16-le", "surrogatepass")
        assert [value] == model.score_even([part])["TOXICITY"]


def test_a_text_with_a_lone_surrogate_is_answered():
    assert spans(ask("\ud800 zorble", span_annotations=True)) == [(0, 8, 0.25)]


@pytest.mark.parametrize(
    ("threshold", "told"), [(None, True), (0.0, True), (0.25, True), (0.2500001, False)]
)
def test_a_score_at_its_threshold_is_told(threshold, told):
    request = AnalyzeRequest("zorble", {"TOXICITY": threshold})
    answer = analyze(request, model=OneWord(), table=make_table(), detect=tell_languages)
    assert ("attributeScores" in answer) is told


@pytest.mark.parametrize("languages", [(), ("sv",), ("en", "sv")])
def test_where_nobody_knows_what_a_model_learnt_no_language_is_refused(languages):
    answer = ask(LONG, model=OneWord(languages=None), languages=languages)
    assert answer["languages"] == (list(languages) or ["de"])


def test_what_is_found_is_refused_from_a_length_on():
    """White space around it tells nothing."""
    assert len(LONG) == ENOUGH_TO_TELL
    assert ask(f"{LONG[1:]}   ")["detectedLanguages"] == ["de"]
    with pytest.raises(ApiError, match=r"request languages: de$"):
        ask(LONG)


def test_a_language_that_was_learnt_may_be_spelled_with_its_script():
    model = OneWord(languages=frozenset({"hi-Latn"}))
    assert ask(model=model, languages=("hi-latn-IN",))["languages"] == ["hi-latn-IN"]
    with pytest.raises(ApiError, match=r"request languages: hi$"):
        ask(model=model, languages=("hi",))


def test_an_unknown_attribute_is_refused_before_a_language():
    request = AnalyzeRequest(LONG, {"SPAM": None})
    with pytest.raises(ApiError, match="Unknown requested attribute: SPAM"):
        plan_analysis(request, table=make_table(), learnt=OneWord().languages, detected="de")


def test_several_requests_can_be_scored_in_one_call():
    """A batch of requests gets the answers that each gets alone."""
    model, table = OneWord(), make_table()
    requests = [
        AnalyzeRequest("The zorble. Yes!", {"TOXICITY": None}, span_annotations=True),
        AnalyzeRequest("The ferry", {"INSULT": None, "my-model": None}),
    ]
    plans = [plan_analysis(r, table=table, learnt=model.languages, detected="en") for r in requests]
    scores = model.score_even([text for plan in plans for text in plan.texts])
    answers = []
    for plan in plans:
        answers.append(answer_analysis(plan, {a: v[: len(plan.texts)] for a, v in scores.items()}))
        scores = {a: v[len(plan.texts) :] for a, v in scores.items()}
    assert answers == [
        analyze(r, model=model, table=table, detect=tell_languages) for r in requests
    ]


def test_words_are_told_of_the_models_own_attribute_only():
    request = AnalyzeRequest("zorble", {"TOXICITY": None, "my-model": None})
    answer = analyze(
        request, model=OneWord(), table=make_table(), detect=tell_languages, words=True
    )
    told = {
        name: "wordContributions" in scores for name, scores in answer["attributeScores"].items()
    }
    assert told == {"TOXICITY": False, "my-model": True}


def test_no_words_are_explained_for_nobody():
    model = OneWord()
    model.explain = None
    assert spans(ask("zorble", model=model, words=True)) == [(0, 6, 0.25)]


def test_words_come_in_their_order_in_utf16():
    """An explanation may tell a word of letters that stood apart after those within it."""
    parts = (Contribution(4, 6, -0.5), Contribution(0, 3, 1.0))
    request = AnalyzeRequest("🛶🛶a bc", {"A": None})
    table = AttributeTable(["A"])
    plan = plan_analysis(request, table=table, learnt=None, detected="und")
    answer = answer_analysis(plan, {"A": [0.5]}, own="A", explanation=Explanation(0.0, parts))
    assert answer["attributeScores"]["A"]["wordContributions"] == [
        {"begin": 0, "end": 5, "value": 1.0},
        {"begin": 6, "end": 8, "value": -0.5},
    ]


@pytest.mark.parametrize("token", [None, "comment:7"])
@pytest.mark.parametrize("languages", [(), ("sv", "und")])
def test_a_suggestion_is_answered_in_any_language(token, languages):
    request = SuggestRequest(LONG, {"INSULT": SuggestedScores(1.0)}, languages, client_token=token)
    expected = {"detectedLanguages": ["de"]}
    if languages:
        expected["requestedLanguages"] = ["sv", "und"]
    if token:
        expected["clientToken"] = token
    assert answer_suggestion(request, detect=tell_languages) == expected
