"""Query parameters are those of Google's clients, and one of ours."""

import json

import pytest

from moderation.perspective.discovery import SUGGEST_ANSWER, make_discovery
from moderation.perspective.errors import ApiError
from moderation.perspective.parameters import (
    Parameters,
    read_parameters,
    write_answer,
    write_json,
)

ANSWER = {"languages": ["en"], "clientToken": "Brücke \N{CANOE}"}


def test_without_parameters_an_answer_is_indented_and_whole():
    assert read_parameters({}) == Parameters(pretty=True, selection=None, words=False)
    assert write_answer(ANSWER, read_parameters({})).decode() == (
        '{\n  "languages": [\n    "en"\n  ],\n  "clientToken": "Brücke \N{CANOE}"\n}\n'
    )


@pytest.mark.parametrize(("value", "lines"), [("true", 6), ("1", 6), ("false", 1), ("0", 1)])
def test_an_answer_may_be_on_one_line(value, lines):
    written = write_answer(ANSWER, read_parameters({"prettyPrint": value}))
    assert len(written.decode().splitlines()) == lines
    assert json.loads(written) == ANSWER


def test_errors_are_written_as_answers_are():
    assert write_json({"error": {"code": 400}}, pretty=False) == b'{"error":{"code":400}}'


def test_every_parameter_of_the_discovery_document_is_known():
    """What Google's clients offer is taken, or refused as not served."""
    sent = {"$.xgafv": "2", "alt": "json", "fields": "clientToken", "prettyPrint": "true"}
    for name in make_discovery("http://localhost")["parameters"]:
        if name == "callback":
            with pytest.raises(ApiError, match="callback is not served"):
                read_parameters({name: "run"})
        else:
            assert read_parameters({name: sent.get(name, "a")}).pretty


@pytest.mark.parametrize("name", ["", "Key", "pretty_print", "$alt", "format", "comment.text"])
def test_other_parameters_are_refused(name):
    with pytest.raises(ApiError, match="Cannot bind query parameter"):
        read_parameters({name: "true"})


@pytest.mark.parametrize("value", ["media", "proto", "JSON", "", "sse"])
def test_other_forms_than_json_are_refused(value):
    with pytest.raises(ApiError, match="Only alt=json is served"):
        read_parameters({"alt": value})


@pytest.mark.parametrize("name", ["prettyPrint", "wordContributions"])
@pytest.mark.parametrize("value", ["", "yes", "True", "2"])
def test_booleans_have_one_spelling(name, value):
    with pytest.raises(ApiError, match=rf"'{name}' \(TYPE_BOOL\)"):
        read_parameters({name: value})


@pytest.mark.parametrize(("value", "words"), [("true", True), ("false", False)])
def test_words_are_told_where_they_are_asked_for(value, words):
    assert read_parameters({"wordContributions": value}).words is words


def test_words_are_of_an_analysis_only():
    for answer in (SUGGEST_ANSWER, None):
        with pytest.raises(ApiError, match="Cannot bind query parameter"):
            read_parameters({"wordContributions": "true"}, answer=answer)


@pytest.mark.parametrize("answer", [SUGGEST_ANSWER, None])
def test_an_empty_selection_selects_all(answer):
    assert read_parameters({"fields": ""}, answer=answer).selection is None


def test_the_discovery_document_is_answered_whole():
    assert read_parameters({"fields": "resources/x"}, answer=None).selection is None


def test_no_key_is_kept():
    assert "a-key" not in repr(read_parameters({"key": "a-key", "access_token": "a-key"}))
