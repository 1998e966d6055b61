"""
The requests and answers in `perspective/`, compared field by field.

Each file has a note, what is sent (`request`, or `body` as text; with `query`) by which method,
and the status and the answer that it gets. Errors of the service itself name what makes them.
"""

import json
from pathlib import Path

import pytest

from moderation.perspective import errors
from moderation.perspective.analysis import analyze, answer_suggestion
from moderation.perspective.discovery import ANALYZE_ANSWER, SUGGEST_ANSWER
from moderation.perspective.parameters import read_parameters, write_answer, write_json
from moderation.perspective.requests import read_analysis, read_suggestion
from tests.heads import OneWord, make_table, tell_languages

CASES = sorted((Path(__file__).parent / "perspective").glob("*.json"))
ERROR_TYPES = {
    "COMMENT_TOO_LONG",
    "COMMENT_EMPTY",
    "NO_REQUESTED_ATTRIBUTES",
    "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
    "LANGUAGE_DETECTION_FAILED",
    "INVALID_REQUEST",
}


def ask(case, body):
    """Return status and bytes, as the service puts the parts together."""
    try:
        if case["method"] == "error":
            raise getattr(errors, case["error"]["maker"])(**case["error"]["arguments"])
        analysis = case["method"] == "analyze"
        parameters = read_parameters(
            case.get("query", {}), answer=ANALYZE_ANSWER if analysis else SUGGEST_ANSWER
        )
        if not analysis:
            answer = answer_suggestion(read_suggestion(body), detect=tell_languages)
        else:
            answer = analyze(
                read_analysis(body),
                model=OneWord(),
                table=make_table(),
                detect=tell_languages,
                words=parameters.words,
            )
        return 200, write_answer(answer, parameters)
    except errors.ApiError as error:
        return error.code, write_json(error.body())


def read_case(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    return case, case.get("body", json.dumps(case.get("request"))).encode()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_request_gets_its_answer(path):
    case, body = read_case(path)
    status, written = ask(case, body)
    assert json.loads(written) == case["answer"]
    assert status == case["status"] == case["answer"].get("error", {}).get("code", 200)


def test_attributes_are_answered_in_the_order_asked():
    """Comparing objects does not tell."""
    case, body = read_case(CASES[0].with_name("analyze_several.json"))
    asked = list(case["request"]["requestedAttributes"])
    assert list(json.loads(ask(case, body)[1])["attributeScores"]) == asked


def test_every_error_type_of_the_contract_has_a_file():
    found = {
        detail.get("errorType")
        for path in CASES
        for detail in read_case(path)[0]["answer"].get("error", {}).get("details", ())
    }
    assert found - {None} == ERROR_TYPES
