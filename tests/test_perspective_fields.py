"""`fields` selects of an answer what Google's servers would."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.perspective.discovery import ANALYZE_ANSWER, SUGGEST_ANSWER
from moderation.perspective.errors import ApiError
from moderation.perspective.fields import LONGEST, read_selection, select

SCORE = {"value": 0.5, "type": "PROBABILITY"}
ANSWER = {
    "attributeScores": {
        "INSULT": {"spanScores": [{"begin": 0, "end": 2, "score": SCORE}], "summaryScore": SCORE},
        "my-model": {
            "spanScores": [],
            "summaryScore": SCORE,
            "wordContributions": [{"begin": 0, "end": 2, "value": 1.5}],
        },
    },
    "languages": ["en"],
    "detectedLanguages": ["en"],
    "clientToken": "a",
}


def selected(fields):
    return select(ANSWER, read_selection(fields, ANALYZE_ANSWER))


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ("languages", {"languages": ["en"]}),
        (" languages , detectedLanguages ", {"languages": ["en"], "detectedLanguages": ["en"]}),
        ("clientToken", {"clientToken": "a"}),
        ("*", ANSWER),
        ("attributeScores", {"attributeScores": ANSWER["attributeScores"]}),
        ("attributeScores/*", {"attributeScores": ANSWER["attributeScores"]}),
        ("attributeScores/SPAM", {}),
        ("attributeScores(INSULT/summaryScore/value)",
         {"attributeScores": {"INSULT": {"summaryScore": {"value": 0.5}}}}),
        ("attributeScores/*/summaryScore(value)",
         {"attributeScores": {name: {"summaryScore": {"value": 0.5}}
                              for name in ("INSULT", "my-model")}}),
        ("attributeScores/INSULT/spanScores(begin,score/value)",
         {"attributeScores": {"INSULT": {"spanScores": [{"begin": 0, "score": {"value": 0.5}}]}}}),
        ("attributeScores/INSULT/*/value",
         {"attributeScores": {"INSULT": {"spanScores": [{}], "summaryScore": {"value": 0.5}}}}),
        ("attributeScores(*/summaryScore/type,my-model/wordContributions/value)",
         {"attributeScores": {"INSULT": {"summaryScore": {"type": "PROBABILITY"}},
                              "my-model": {"summaryScore": {"type": "PROBABILITY"},
                                           "wordContributions": [{"value": 1.5}]}}}),
        ("*/*/wordContributions",
         {"attributeScores": {"my-model": {
             "wordContributions": [{"begin": 0, "end": 2, "value": 1.5}]}}}),
        ("languages,languages,attributeScores/INSULT/summaryScore/value,attributeScores/INSULT",
         {"languages": ["en"],
          "attributeScores": {"INSULT": ANSWER["attributeScores"]["INSULT"]}}),
    ],
)  # fmt: skip
def test_what_is_selected_is_left(fields, left):
    before = copy.deepcopy(ANSWER)
    assert selected(fields) == left
    assert before == ANSWER


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ("", ""), (" ", ""), (",", ","), ("languages,", ""), ("/languages", "/"),
        ("languages/", ""), ("languages/*", "*"), ("language", "language"), ("(languages)", "("),
        ("attributeScores(INSULT", "attributeScores"), ("attributeScores()", ")"),
        ("languages)", ")"), ("attributeScores(INSULT)/summaryScore", "/"),
        ("attributeScores/INSULT/summaryScore/value/x", "x"), ("*/*/nothing", "nothing"),
        ("a b", "a"), ("languages detectedLanguages", "detectedLanguages"),
        ("attributeScores/INSULT/*/nothing", "nothing"), ("clientToken/*", "*"),
        ("requestedLanguages", "requestedLanguages"),
        ("languages," * LONGEST, ""), ("attributeScores(" * 100, "attributeScores"),
    ],
)  # fmt: skip
def test_a_selection_of_nothing_there_is_refused(fields, named):
    with pytest.raises(ApiError) as refused:
        selected(fields)
    assert str(refused.value) == f"Invalid field selection {named}".strip()


def test_each_answer_has_its_own_fields():
    answer = {"requestedLanguages": ["en"], "detectedLanguages": ["en"]}
    chosen = read_selection("requestedLanguages", SUGGEST_ANSWER)
    assert select(answer, chosen) == {"requestedLanguages": ["en"]}


@given(
    st.lists(
        st.sampled_from(
            ["attributeScores", "INSULT", "spanScores", "score", "value", "*", "/", ",", "(", ")"]
        ),
        max_size=20,
    )
)
def test_any_selection_is_read_or_refused(tokens):
    """What is left is never more than there was."""
    try:
        left = selected("".join(tokens))
    except ApiError:
        return
    assert left.items() <= ANSWER.items() or left["attributeScores"]
