"""Asking at a quota: the pace, what replies mean, and what is waited for or given up."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.answers import Answer
from moderation.errors import DataError, SourceError
from moderation.old_api import (
    LONGEST_PAUSE,
    LONGEST_WAIT,
    PATIENCE,
    Asker,
    Failure,
    Pace,
    Question,
    Reply,
    check_endpoint,
    judge,
    open_sender,
    read_retry_after,
)
from tests.perspectives import (
    ENGLISH_ONLY,
    KEY,
    bad_key,
    question,
    refusal,
    score_of,
    serve_old_api,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER_LANGUAGE = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


def scored(value=0.5, name="TOXICITY"):
    body = {"attributeScores": {name: {"summaryScore": {"value": value}}}}
    return Reply(200, json.dumps(body).encode())


def refused(error_type, **more):
    return Reply(400, json.dumps(refusal(error_type, **more)).encode())


def ask(replies, questions=None, *, trusted=False):
    """Ask with replies prepared; return the answers, what was sent, the clock and what was said."""
    clock, sent, said = Clock(), [], []

    def send(question):
        sent.append(question)
        return replies.pop(0)

    pace = Pace(60_000, clock=clock.read, sleep=clock.sleep)
    answers = Asker(send, pace, said.append).ask_all(questions or [question()], trusted=trusted)
    return [answer for _, answer in answers], sent, clock, said


@given(
    st.floats(0.1, 6000), st.lists(st.floats(0, 90), min_size=1, max_size=200), st.floats(0, 1e6)
)
def test_no_minute_has_more_requests_than_its_quota(per_minute, pauses, now):
    """Whatever lies between them: time that was not used is not made up for."""
    clock = Clock(now)
    pace = Pace(per_minute, clock=clock.read, sleep=clock.sleep)
    began = []
    for pause in pauses:
        pace.wait()
        began.append(clock.now)
        clock.now += pause
    gaps = [later - earlier for earlier, later in pairwise(began)]
    assert all(gap >= 60 / per_minute - 1e-6 for gap in gaps)


def test_the_pace_is_kept_where_answers_come_at_once():
    clock = Clock()
    pace = Pace(60, clock=clock.read, sleep=clock.sleep)
    for _ in range(5):
        pace.wait()
    assert clock.slept == [1, 1, 1, 1]


@pytest.mark.parametrize("per_minute", [0, -1, float("nan")])
def test_a_pace_that_is_none_is_refused(per_minute):
    with pytest.raises(ValueError, match="expected a number above 0"):
        Pace(per_minute, clock=float, sleep=print)


def test_a_request_has_what_is_asked_and_is_not_to_be_stored():
    asked = Question("the ferry", ("TOXICITY", "INSULT"), ("en", "de"), frozenset({"INSULT"}))
    assert asked.as_request() == {
        "comment": {"text": "the ferry", "type": "PLAIN_TEXT"},
        "requestedAttributes": {"TOXICITY": {}},
        "languages": ["en", "de"],
        "doNotStore": True,
    }
    assert "languages" not in question().as_request()


def test_half_a_pair_of_surrogates_is_sent_as_the_sign_for_it():
    text = question("the \ud83d ferry 😀").as_request()["comment"]["text"]
    assert text == "the \ufffd ferry 😀"


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (scored(0.25), Answer((0.25,))),
        (scored(0), Answer((0.0,))),
        (scored(1.5), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (scored("0.5"), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (scored(True), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (scored(None), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (scored(float("nan")), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (scored(name="INSULT"), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (Reply(200, b"[]"), Answer((None,), "ANSWER_WITHOUT_SCORE")),
        (Reply(200, b"<html>"), Failure("an answer that is no JSON")),
        (Reply(200, b"[" * 100_000), Failure("an answer that is no JSON")),
        (Reply(0, broken="ConnectError"), Failure("ConnectError")),
        (Reply(503, b"[" * 100_000), Failure("503")),
        (Reply(408), Failure("408")),
        (
            Reply(429, b'{"error": {"status": "RESOURCE_EXHAUSTED"}}'),
            Failure("429 RESOURCE_EXHAUSTED"),
        ),
        (Reply(500, b"oops", retry_after=7.0), Failure("500", 7.0)),
        (refused("COMMENT_TOO_LONG"), Answer((None,), "COMMENT_TOO_LONG")),
        (refused("COMMENT_EMPTY"), Answer((None,), "COMMENT_EMPTY")),
        (refused(OTHER_LANGUAGE), Answer((None,), OTHER_LANGUAGE)),
        (refused("the words of a comment"), Answer((None,), "INVALID_ARGUMENT")),
        (Reply(413, b"too large"), Answer((None,), "HTTP_413")),
        (Reply(400, b'{"error": {"details": [7]}}'), Answer((None,), "HTTP_400")),
        (Reply(400, b'{"error": 7}'), Answer((None,), "HTTP_400")),
    ],
)
def test_what_a_reply_means(reply, meaning):
    """Names are kept of an error, never its message, which may quote the comment."""
    assert judge(reply, question()) == meaning


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(400, json.dumps(bad_key()).encode()), r"refuses the key \(API_KEY_INVALID\)"),
        (Reply(403, b'{"error": {"status": "PERMISSION_DENIED"}}'), r"the key \(PERMISSION_DENIED"),
        (Reply(401), r"refuses the key \(401\)"),
        (Reply(302), "answers with 302, which is not followed"),
        (Reply(404), r"no Perspective API at the endpoint \(404\)"),
    ],
)
def test_what_no_question_would_help_stops_at_once(reply, told):
    with pytest.raises(SourceError, match=told):
        judge(reply, question())


def test_an_attribute_that_the_language_lacks_is_left_out_and_the_others_asked_again():
    lacks = {"languageNotSupportedByAttributeError": {"attribute": ENGLISH_ONLY}}
    replies = [refused(OTHER_LANGUAGE, **lacks), scored(0.25)]
    answers, sent, _, _ = ask(replies, [question("die Fähre", "TOXICITY", ENGLISH_ONLY)])
    assert [list(one.as_request()["requestedAttributes"]) for one in sent] == [
        ["TOXICITY", ENGLISH_ONLY],
        ["TOXICITY"],
    ]
    assert answers == [Answer((0.25, None), OTHER_LANGUAGE)]


def test_a_text_whose_language_lacks_the_only_attribute_has_no_score():
    lacks = {"languageNotSupportedByAttributeError": {"attribute": "TOXICITY"}}
    answers, sent, _, _ = ask([refused(OTHER_LANGUAGE, **lacks)])
    assert answers == [Answer((None,), OTHER_LANGUAGE)]
    assert len(sent) == 1


def test_failures_are_waited_for_ever_longer_and_asked_again():
    replies = [Reply(429), Reply(0, broken="ReadTimeout"), Reply(503), scored()]
    answers, sent, clock, said = ask(replies)
    assert answers == [Answer((0.5,))]
    assert len(sent) == 4
    assert clock.slept == [1, 2, 4]
    assert said == ["429: tried again in 1 s, and then ever later"]


def test_an_answer_ends_the_row_of_failures():
    replies = [Reply(503), Reply(503), scored(), Reply(503), scored()]
    _, _, clock, said = ask(replies, [question("a"), question("b")])
    assert [seconds for seconds in clock.slept if seconds >= 1] == [1, 2, 1]
    assert len(said) == 2


@pytest.mark.parametrize(("asked", "slept"), [(30.0, 30), (0.1, 1), (1e9, LONGEST_WAIT)])
def test_what_the_server_asks_to_wait_is_honoured(asked, slept):
    assert ask([Reply(429, retry_after=asked), scored()])[2].slept == [slept]


def test_too_many_failures_in_a_row_end_it():
    replies = [Reply(500)] * PATIENCE
    with pytest.raises(SourceError, match=f"failed {PATIENCE} times in a row.* 500; look whether"):
        ask(replies)
    assert replies == []


def test_pauses_grow_up_to_the_longest():
    clock = ask([Reply(500)] * (PATIENCE - 1) + [scored()])[2]
    assert clock.slept == [min(2.0**n, LONGEST_PAUSE) for n in range(PATIENCE - 1)]


def test_a_refusal_before_any_score_is_the_questions_fault():
    with pytest.raises(SourceError, match=r"gives no scores \(INVALID_REQUEST\); check --attrib"):
        ask([refused("INVALID_REQUEST")])


@pytest.mark.parametrize("trusted", [False, True])
def test_a_refusal_after_a_score_is_the_texts_fault(trusted):
    replies = [refused("INVALID_REQUEST")] if trusted else [scored(), refused("INVALID_REQUEST")]
    answers = ask(replies, [question("a"), question("b")][trusted:], trusted=trusted)[0]
    assert answers[-1] == Answer((None,), "INVALID_REQUEST")


def test_refusals_one_after_the_other_are_not_the_texts_fault():
    """The API may change while it is asked for days."""
    replies = [scored(), *[refused("INVALID_REQUEST")] * PATIENCE]
    questions = [question(str(number)) for number in range(PATIENCE + 1)]
    with pytest.raises(SourceError, match="gives no scores"):
        ask(replies, questions)
    between = [*[refused("INVALID_REQUEST")] * (PATIENCE - 1), scored()]
    answers = ask(between * 2, [*questions, *questions][: 2 * PATIENCE], trusted=True)[0]
    assert len(answers) == 2 * PATIENCE


def test_a_text_that_is_too_long_says_nothing_of_the_question():
    answers = ask([refused("COMMENT_TOO_LONG"), scored()], [question("a"), question("b")])[0]
    assert answers == [Answer((None,), "COMMENT_TOO_LONG"), Answer((0.5,))]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://api.example.org/v1alpha1/", "https://api.example.org/v1alpha1"),
        ("http://127.0.0.1:8000/v1alpha1", "http://127.0.0.1:8000/v1alpha1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1alpha1"),
    ],
)
def test_an_endpoint_is_an_address(given, found):
    assert check_endpoint(given) == found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("http://api.example.org/v1alpha1", "begins with http://, by which the key"),
        ("ftp://localhost", "begins with ftp://"),
        ("api.example.org", "no address of an API"),
        ("https://api.example.org/?key=secret", "without a key"),
        ("https://me:secret@api.example.org", "without a key"),
        ("https://[api", "no address of an API"),
    ],
)
def test_an_endpoint_that_would_lose_the_key_is_refused_without_a_word_of_it(given, told):
    with pytest.raises(DataError, match=told) as error:
        check_endpoint(given)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "a\nb", "a\rHost: b"])
def test_a_key_that_no_header_carries_is_refused_without_a_word_of_it(key):
    with pytest.raises(DataError, match="MODERATION_PERSPECTIVE_KEY is no key") as error:
        open_sender("https://api.example.org", key, now=datetime.now).__enter__()
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:02:00", None),
        ("soon", None),
        ("9" * 5000, None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(given, seconds):
    assert read_retry_after(given, NOON) == seconds


def test_the_key_travels_in_a_header_and_nowhere_else():
    with serve_old_api() as api, open_sender(api.address, KEY, now=lambda: NOON) as send:
        found = judge(send(question("the ferry")), question("the ferry"))
    assert found == Answer((score_of("the ferry"),))
    assert api.paths == ["/v1alpha1/comments:analyze"]
    assert KEY not in json.dumps(api.requests)


def test_a_redirect_is_not_followed():
    with serve_old_api() as api, serve_old_api() as other:
        api.faults.append((307, {"Location": f"{other.address}/comments:analyze"}))
        with open_sender(api.address, KEY, now=lambda: NOON) as send:
            assert send(question()).status == 307
    assert other.requests == []


def test_what_the_server_asks_to_wait_is_read():
    with serve_old_api() as api, open_sender(api.address, KEY, now=lambda: NOON) as send:
        api.faults.append((429, {"Retry-After": "Sun, 01 Mar 2026 12:01:00 GMT"}))
        assert send(question()).retry_after == 60
        api.faults.append((503, {"Retry-After": "5"}))
        assert send(question()).retry_after == 5


def test_a_connection_that_is_cut_is_a_failure():
    with serve_old_api() as api, open_sender(api.address, KEY, now=lambda: NOON) as send:
        api.faults.append("cut")
        assert send(question()) == Reply(0, broken="RemoteProtocolError")
    with open_sender(api.address, KEY, now=lambda: NOON) as send:
        assert send(question()) == Reply(0, broken="ConnectError")


def test_several_are_under_way_where_answers_take_longer_than_the_pace():
    both = Barrier(2, timeout=30)  # opens only where two stand before it
    clock = Clock()

    def send(question):
        both.wait()
        return scored()

    pace = Pace(60, clock=clock.read, sleep=clock.sleep)
    asker = Asker(send, pace, print, at_once=2)
    questions = [question(str(number)) for number in range(6)]
    assert [asked for asked, _ in asker.ask_all(questions)] == questions
