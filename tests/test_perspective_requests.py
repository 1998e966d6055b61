"""What clients send is read as protocol buffers read it; whatever else comes is refused."""

import json
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation.perspective.errors import ApiError
from moderation.perspective.requests import (
    AnalyzeRequest,
    Context,
    SuggestedScores,
    SuggestedSpan,
    SuggestRequest,
    read_analysis,
    read_suggestion,
)

TEXT = "The ferry runs."
READERS = (read_analysis, read_suggestion)


def analysis(**more):
    return read_analysis(
        json.dumps({"comment": {"text": TEXT}, "requestedAttributes": {"INSULT": {}}, **more})
        .encode()
    )  # fmt: skip


def suggestion(scores, text=TEXT):
    body = {"comment": {"text": text}, "attributeScores": {"INSULT": scores}}
    return read_suggestion(json.dumps(body).encode()).scores["INSULT"]


def threshold(value):
    """Return what a threshold written like this is read as."""
    body = (
        f'{{"comment":{{"text":"a"}},"requestedAttributes":{{"A":{{"scoreThreshold":{value}}}}}}}'
    )
    return read_analysis(body.encode()).requested["A"]


def test_what_is_not_sent_has_its_default():
    assert analysis() == AnalyzeRequest(TEXT, {"INSULT": None})


def test_all_that_is_sent_is_read():
    assert analysis(
        doNotStore=True,
        spanAnnotations=True,
        languages=["en"],
        clientToken="t",
        sessionId="s",
        communityId="c",
        context={"articleAndParentComment": {"parentComment": {"text": "A parent."}}},
    ) == AnalyzeRequest(
        TEXT, {"INSULT": None}, ("en",), True, True, "t", "s", "c",
        Context((), None, "A parent."),
    )  # fmt: skip


def test_all_of_a_suggestion_is_read():
    body = {
        "comment": {"text": TEXT},
        "attribute_scores": {
            "INSULT": {
                "summary_score": {"value": 0.5},
                "span_scores": [{"begin": 0, "end": 3, "score": {"value": 1}}],
            }
        },
        "context": {"entries": [{"text": "one"}, {"text": "two"}]},
        "do_not_store": True,
        "community_id": "site",
    }
    assert read_suggestion(json.dumps(body).encode()) == SuggestRequest(
        TEXT,
        {"INSULT": SuggestedScores(0.5, (SuggestedSpan(0, 3, 1.0),))},
        do_not_store=True,
        community_id="site",
        context=Context(("one", "two")),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0", 0.0), ("-0.0", 0.0), ("0.7", 0.7), ('"0.7"', 0.7), ('"7e-1"', 0.7), ("1E0", 1.0),
        ("-3", -3.0), ('"-3"', -3.0), ("null", None), ("1e300", 1e300), (f"1{'0' * 300}", 1e300),
    ],
)  # fmt: skip
def test_a_number_may_be_a_string(written, read):
    assert threshold(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "NaN", '"NaN"', '"Infinity"', '"-Infinity"', "1e400", '"1e400"', f"1{'0' * 400}",
        f"1{'0' * 5000}", f'"{"9" * 5000}"', '""', '" 1"', '"1 "', '"1_0"', '"0x1"', '".5"', '"1."',
        '"01"', '"١"', "true", "{}", "[1]", '"high"',
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_refused(written):
    with pytest.raises(ApiError) as refused:
        threshold(written)
    assert refused.value.code == 400


@pytest.mark.parametrize("value", ["true", "false", 0, 1, "", [], {}, [True]])
def test_booleans_are_booleans(value):
    """A client that meant to have its texts kept off disk must not learn otherwise later."""
    with pytest.raises(ApiError, match="do_not_store"):
        analysis(doNotStore=value)


@pytest.mark.parametrize("tag", ["en", "EN", "hi-Latn", "zh-Hant-TW", "und", "es-419", "fil"])
def test_languages_are_kept_as_they_are_spelled(tag):
    assert analysis(languages=[tag]).languages == (tag,)


@pytest.mark.parametrize("tag", ["", "e", "en_GB", "en ", " ", "en-", "en-abcdefghi", "ü" * 2])
def test_languages_have_the_form_of_tags(tag):
    with pytest.raises(ApiError, match=r"languages\[0\]"):
        analysis(languages=[tag])


@pytest.mark.parametrize("value", [None, 5, ["en"], {}])
def test_languages_are_strings(value):
    with pytest.raises(ApiError, match=r"languages\[1\]"):
        analysis(languages=["en", value])


@pytest.mark.parametrize(
    ("entries", "read"),
    [
        ([], ()), ([None], ("",)), ([{}], ("",)), ({"text": "one"}, ("one",)),
        ([{"text": "one", "type": "HTML"}, {"text": None}], ("one", "")),
    ],
)  # fmt: skip
def test_entries_of_a_context_are_texts_of_any_type(entries, read):
    assert analysis(context={"entries": entries}).context == Context(read)


def test_an_article_beside_no_entries_is_one_context():
    context = {"entries": [], "articleAndParentComment": {"article": {"text": "An article."}}}
    assert analysis(context=context).context == Context((), "An article.")


def test_a_context_of_an_unknown_type_is_refused():
    with pytest.raises(ApiError, match="Unknown text type"):
        analysis(context={"entries": [{"text": "one", "type": 9}]})


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_a_type_of_text_is_a_name_or_a_number(value):
    with pytest.raises(ApiError):
        analysis(comment={"text": TEXT, "type": value})


@pytest.mark.parametrize("value", [True, 0.5, 2**31, "probability", [], {}])
def test_a_score_type_is_a_name_or_a_number(value):
    with pytest.raises(ApiError):
        analysis(requestedAttributes={"INSULT": {"scoreType": value}})


def test_a_score_type_that_nobody_knows_is_not_served():
    with pytest.raises(ApiError, match="score type 17 is not supported by attribute INSULT"):
        analysis(requestedAttributes={"INSULT": {"scoreType": 17}})


def test_the_last_of_two_equal_names_counts():
    body = b'{"comment":{"text":"a"},"comment":{"text":"b"},"requestedAttributes":{"A":{}}}'
    assert read_analysis(body).text == "b"


@pytest.mark.parametrize(
    ("begin", "end"), [(0, 1), ("0", "2"), (1.0, 2), (2, 8), (0, 2**31 - 1), (-1, 3), (3, 3)]
)
def test_places_are_whole_numbers_within_the_text(begin, end):
    """ "\N{SAILBOAT} \N{CANOE} it" has seven units: the canoe is two."""
    scores = {"spanScores": [{"begin": begin, "end": end, "score": {"value": 1}}]}
    if 0 <= float(begin) < float(end) <= 7:
        assert suggestion(scores, "\N{SAILBOAT} \N{CANOE} it").spans == (
            SuggestedSpan(int(begin), int(end), 1.0),
        )
    else:
        with pytest.raises(ApiError, match="spans within the text"):
            suggestion(scores, "\N{SAILBOAT} \N{CANOE} it")


@pytest.mark.parametrize("value", [True, None, "", "a", 2**31, 1e300, [1], 0.1])
def test_a_place_that_is_none_is_refused(value):
    with pytest.raises(ApiError):
        suggestion({"spanScores": [{"begin": 0, "end": value, "score": {"value": 1}}]})


@pytest.mark.parametrize("place", ["comment", "attributeScores", "context", "languages"])
@pytest.mark.parametrize("reader", READERS)
def test_no_error_repeats_a_text(place, reader):
    """An error may be logged; a client may put its text in a wrong place."""
    secret = "a text that nobody but its author is to read"
    for value in (secret, [secret], {"text": [secret]}, {"type": secret}, {"a": secret}):
        with pytest.raises(ApiError) as refused:
            reader(json.dumps({place: value}).encode())
        assert secret not in json.dumps(refused.value.body())


def test_no_text_is_shown_where_a_request_is():
    """What a log shows of it has no comment in it."""
    body = {
        "comment": {"text": "warm words"},
        "requestedAttributes": {"A": {}},
        "context": {"articleAndParentComment": {"article": {"text": "warm words"}}},
    }
    assert "warm" not in repr(read_analysis(json.dumps(body).encode()))
    assert "warm" not in repr(analysis(context={"entries": [{"text": "warm"}]}))
    del body["requestedAttributes"]
    body["attributeScores"] = {"A": {"summaryScore": {"value": 1}}}
    assert "warm" not in repr(read_suggestion(json.dumps(body).encode()))


def test_no_error_holds_the_body_it_refuses():
    """Python's own error of decoding does, and a log shows what errors follow from."""
    with pytest.raises(ApiError) as refused:
        read_analysis(b'{"comment":{"text":"an author\'s words \xff"}}')
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_long_name_is_not_repeated_whole():
    with pytest.raises(ApiError) as refused:
        read_analysis(json.dumps({"name" * 5000: 1}).encode())
    assert len(str(refused.value)) < 200


def test_errors_can_be_sent_between_processes():
    with pytest.raises(ApiError) as refused:
        read_analysis(b"{}")
    copy = pickle.loads(pickle.dumps(refused.value))
    assert copy.body() == refused.value.body()


NAMES = st.sampled_from(
    [
        "comment", "text", "type", "context", "entries", "articleAndParentComment", "article",
        "parentComment", "requestedAttributes", "scoreType", "scoreThreshold", "attributeScores",
        "summaryScore", "spanScores", "begin", "end", "score", "value", "languages", "doNotStore",
        "spanAnnotations", "clientToken", "sessionId", "communityId", "INSULT", "do_not_store",
    ]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["en", "PROBABILITY", "HTML", "0.5", 10**400])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
SENT = st.fixed_dictionaries(
    {},
    optional={
        "comment": st.fixed_dictionaries({"text": st.text(max_size=9)}) | VALUES,
        "requestedAttributes": st.dictionaries(NAMES, VALUES, max_size=2) | VALUES,
        "attributeScores": st.dictionaries(
            NAMES,
            st.fixed_dictionaries(
                {},
                optional={
                    "summaryScore": st.fixed_dictionaries({"value": LEAVES}) | VALUES,
                    "spanScores": st.lists(
                        st.fixed_dictionaries(
                            {"begin": LEAVES, "end": LEAVES, "score": VALUES}
                        ),
                        max_size=2,
                    ),
                },
            ),
            max_size=2,
        ),
        "context": VALUES,
        "languages": VALUES,
        "doNotStore": VALUES,
        "clientToken": VALUES,
    },
)  # fmt: skip


def read_or_refuse(body):
    """Both readers answer, or refuse as a client can read it; anything else fails the test."""
    for reader in READERS:
        try:
            request = reader(body)
        except ApiError as error:
            refused = json.loads(json.dumps(error.body()))["error"]
            if refused["code"] != 400:
                raise
        else:
            assert request.text.strip()
            assert len(request.text.encode()) <= 20_480


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf" * 100_000)
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"comment":{"text":"\\ud800 x"}}')
@example(b'{"comment":{"text":"\\udc00\\ud800"}}')
@example(b'{"comment":{"text":"\xed\xa0\x80"}}')
@example(b'{"languages":"en')
@example(b"9" * 5000)
@example(b"-")
def test_any_bytes_are_read_or_refused(body):
    read_or_refuse(body)


@given(VALUES | SENT)
def test_any_json_is_read_or_refused(value):
    read_or_refuse(json.dumps(value).encode())


@given(SENT, st.data())
def test_any_damaged_json_is_read_or_refused(value, data):
    body = bytearray(json.dumps(value).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(body[: data.draw(st.integers(0, len(body)))]))


@pytest.mark.parametrize(("characters", "fits"), [(5120, True), (5121, False)])
def test_the_limit_is_in_bytes(characters, fits):
    """A sailing boat emoji is four bytes of UTF-8."""
    comment = {"text": "\N{CANOE}" * characters}
    if fits:
        assert len(analysis(comment=comment).text) == characters
    else:
        with pytest.raises(ApiError, match=r"\(20484\) exceeded limit \(20480\)"):
            analysis(comment=comment)
