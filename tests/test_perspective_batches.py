"""Batches are read and written as Google's client writes and reads them."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation.perspective.batches import (
    MOST_PARTS,
    BatchAnswer,
    BatchPart,
    read_batch,
    write_batch,
)
from moderation.perspective.discovery import make_discovery
from moderation.perspective.errors import ApiError
from tests.browsers import need

TYPE = "multipart/mixed; boundary=b"
PART = "Content-Type: application/http\n\nPOST /a HTTP/1.1\n\n{}"


def batch(*parts, end="\n"):
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    return body.replace("\n", end).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_calls_are_read_in_their_order(end):
    parts = [
        "Content-Type: application/http\nContent-ID: <x + 1>\n\n"
        'POST /v1/a:b?key=k&alt=json HTTP/1.1\nAccept: */*\nX-Name: a\n  b\n\n{"a": "Brücke"}\n',
        "content-type: application/http; msgtype=request\n\nGET https://example.org/c HTTP/1.1",
    ]
    assert read_batch(batch(*parts, end=end), TYPE) == [
        BatchPart(
            "<x + 1>",
            "POST",
            "/v1/a:b?key=k&alt=json",
            {"accept": "*/*", "x-name": "a b"},
            f'{{"a": "Brücke"}}{end}'.encode(),
        ),
        BatchPart(None, "GET", "/c", {}, b""),
    ]


def test_what_stands_around_the_parts_is_not_read():
    body = b"A preamble\n" + batch(PART) + b"An epilogue\n--b\n"
    assert [part.path_with_query for part in read_batch(body, TYPE)] == ["/a"]


@pytest.mark.parametrize("spelled", ["multipart/mixed; boundary=b", 'Multipart/Mixed;boundary="b"'])
def test_a_boundary_may_be_quoted(spelled):
    assert len(read_batch(batch(PART, PART), spelled)) == 2


def test_a_boundary_within_a_line_is_part_of_a_body():
    body = batch(PART.replace("{}", "a--b\n --b--\n--bc"))
    assert read_batch(body, TYPE)[0].body == b"a--b\n --b--\n--bc"


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/mixed", "multipart/form-data; boundary=b",
     "multipart/mixed; boundary=", "multipart/mixed; boundary=ü", "multipart/mixed;\n boundary=b",
     "multipart/mixed; boundary=b" + "; a=b" * 1000],
)  # fmt: skip
def test_what_is_no_batch_by_its_type_is_refused(content_type):
    with pytest.raises(ApiError, match="expected the content type multipart/mixed"):
        read_batch(batch(PART), content_type)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "closing delimiter"), (b"--b--", "closing delimiter"),
        (b"--b\n", "closing delimiter"),
        (batch(PART)[:-4], "closing delimiter"),
        (batch(""), "application/http"), (batch("\n"), "application/http"),
        (batch(PART.replace("application/http", "text/plain")), "application/http"),
        (batch(f"Content-Transfer-Encoding: base64\n{PART}"), "not encoded"),
        (batch(f"no header\n{PART}"), "name and a value"),
        (batch(f" folded\n{PART}"), "name and a value"),
        (batch(f"X: a\rb\n{PART}"), "name and a value"),
        (batch(f"X: a\0\n{PART}"), "name and a value"),
        (batch(f"Content-Type: application/http\nX: {'a' * 20_000}\n\nPOST /a"), "at most 16384"),
        (batch("Content-Type: application/http\n\n"), "request line"),
        (batch(PART.replace("POST", "post")), "request line"),
        (batch(PART.replace("/a", "")), "request line"),
        (batch(PART.replace("/a", "a")), "begins with /"),
        (batch(PART.replace("/a", "ftp://x/a")), "begins with /"),
        (batch(PART.replace("/a", "http://[/a")), "begins with /"),
        (batch(*[PART] * (MOST_PARTS + 1)), "more than 1000 calls"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused(body, said):
    with pytest.raises(ApiError, match=said):
        read_batch(body, TYPE)


def test_no_key_and_no_text_are_shown_where_a_call_is():
    part = PART.replace("/a", "/a?key=warm").replace("{}", "warm").replace("1.1", "1.1\nX: warm")
    assert "warm" not in repr(read_batch(batch(part), TYPE))


def test_a_thousand_calls_are_read():
    assert len(read_batch(batch(*[PART] * MOST_PARTS), TYPE)) == MOST_PARTS


@given(
    st.lists(
        st.sampled_from(
            ["--b", "--", "\n", "\r\n", "\r", " ", ":", "Content-Type: application/http", "\n\n",
             "POST / HTTP/1.1", "é", "\0", "Content-ID: <a>", "http://[", "{}"]
        ),
        max_size=25,
    )
)  # fmt: skip
@example(["--b\n"] * 30_000)
@example(["--b "] * 30_000)
@example(["--b\n", "Content-Type: application/http\n\n", "POST / \n", "\r\n" * 100_000, "--b--"])
def test_any_body_is_read_or_refused(pieces):
    try:
        parts = read_batch("".join(pieces).encode(), TYPE)
    except ApiError as error:
        assert error.code == 400  # noqa: PT017 - refusing is one of two right answers
    else:
        assert all(part.path_with_query.startswith("/") for part in parts)


def test_answers_have_the_ids_of_their_calls():
    answers = [
        BatchAnswer("<x + 1>", 200, {"Content-Type": "application/json"}, b'{"a": 1}'),
        BatchAnswer("x", 404, {}, b""),
        BatchAnswer(None, 503, {"Retry-After": "1"}, "Brücke".encode()),
    ]
    content_type, body = write_batch(answers)
    boundary = content_type.partition('boundary="')[2].rstrip('"')
    assert body.decode().replace(boundary, "b").split("\r\n") == [
        "--b", "Content-Type: application/http", "Content-ID: <response-x + 1>", "",
        "HTTP/1.1 200 OK", "Content-Type: application/json", "", '{"a": 1}',
        "--b", "Content-Type: application/http", "Content-ID: response-x", "",
        "HTTP/1.1 404 Not Found", "", "",
        "--b", "Content-Type: application/http", "",
        "HTTP/1.1 503 Service Unavailable", "Retry-After: 1", "", "Brücke",
        "--b--", "",
    ]  # fmt: skip
    assert write_batch(answers) == (content_type, body)


def test_googles_client_and_this_read_each_other():
    """Long ids are folded in its headers; failed calls reach its callbacks as errors."""
    need("googleapiclient", "google-api-python-client")
    from googleapiclient import discovery, http
    from httplib2 import Response

    asked, got = [], {}

    class Wire:
        def request(self, uri, method, body, headers):
            asked.extend(read_batch(body.encode(), headers["content-type"]))
            answers = [
                BatchAnswer(part.content_id, status, {"Content-Type": "application/json"}, answer)
                for part, (status, answer) in zip(
                    asked,
                    [(200, b'{"a":\n "Br\xc3\xbccke"}'), (429, b'{"error": {}}')],
                    strict=True,
                )
            ]
            content_type, written = write_batch(answers)
            return Response({"status": "200", "content-type": content_type}), written

    service = discovery.build_from_document(
        make_discovery("http://localhost"), developerKey="k", http=http.HttpMock()
    )
    calls = service.new_batch_http_request(
        callback=lambda name, answer, error: got.update({name: (answer, error)})
    )
    bodies = [{"comment": {"text": text}} for text in ("Brücke", "--b--\n\nFrom here")]
    for name, body in zip(("a comment, with a + and more " * 4, "2"), bodies, strict=True):
        calls.add(service.comments().analyze(body=body), request_id=name)
    calls.execute(http=Wire())
    assert [json.loads(part.body) for part in asked] == bodies
    assert {part.path_with_query for part in asked} == {"/v1alpha1/comments:analyze?key=k&alt=json"}
    (first, no_error), (nothing, error) = got.values()
    assert (first, no_error, nothing, error.status_code) == ({"a": "Brücke"}, None, None, 429)
