"""What kind of input something is: nothing that is no comment becomes one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import (
    ModerationError,
    NothingToRead,
    ParseError,
    SourceError,
    UnknownFormat,
)
from moderation.parsers import FAMILIES, FORMATS, pages, read_comments
from tests.others import make_others

OTHERS = list(make_others())
PROSE = """Ferry stopped, buses crowded

The harbour ferry stopped at noon, the company said.
Passengers took the bus, and many walked.
"It was a fine day for it," one of them said, "and I was in no hurry."
Boats will run again on Monday, weather permitting.
"""
POEM = """The tide goes out, the tide comes in
The boats lie still, the days begin
The nets are dry, the coffee hot
The bell is rung, the fish is not
The tide goes out, the tide comes in
"""
MARKDOWN = """| id | text | label |
|----|------|-------|
| 1 | hello | 0 |
| 2 | there | 1 |
| 3 | again | 0 |
"""
LOG = """2026-01-14 12:30:01,123 INFO server started, port 8000
2026-01-14 12:30:02,456 WARNING slow request, 3 seconds
2026-01-14 12:30:03,789 INFO comment received, text of 40 characters
2026-01-14 12:30:04,000 INFO stopped, bye
"""
MAIL = """From: editor@courier.example
Subject: Comment, body and text
Date: Wed, 14 Jan 2026 12:30:00 +0000

Please read the comments, all of them.
"""
ARTICLE = "<!doctype html><html><body><h1>Ferry</h1>{}</body></html>"
LIST = "<ul>" + "<li class='comment'>I am an item, not a comment</li>" * 5 + "</ul>"

NO_COMMENTS = {
    "prose.txt": PROSE,
    "poem.txt": POEM,
    "headline.txt": "Comment, text and body\n",
    "bullets.txt": "Shopping\n\n  • bread\n  • rate this recipe\n  • Comment number nine\n",
    "dialogue.txt": "- Is it open?\n- It is; come in, sit down.\n- Thank you; I will.\n" * 3,
    "letter.txt": "Dear Sir,\n\nI write to you, as before, of the ferry.\n\nYours,\nA reader\n",
    "markdown.md": MARKDOWN,
    "readme.md": "# Comments\n\n* `text`: words; `id`: a number\n* [link](https://a.example)\n",
    "link.md": "[Home](/) | [News](/news)\n\n[Photo: agency] The ferry stopped.\n",
    "footnotes.txt": "[1] First note, on boats.\n[2] Second note, on buses.\n[3] Third, on tea.\n",
    "server.log": LOG,
    "bracketed.log": "[2026-01-14 12:30:01] started\n[2026-01-14 12:30:02] stopped\n" * 5,
    "barred.log": "12:30 | INFO | started\n12:31 | INFO | stopped\n12:32 | WARN | slow\n" * 3,
    "infobox.txt": "{{Infobox | name = Ferry | text = none}}\nThe ferry is a boat.\n",
    "style.css": "{color: red}\np {margin: 0; padding: 0}\na {color: blue; margin: 0}\n",
    "settings.ini": "[comments]\ntext = on\nlabel = off\n",
    "settings.yaml": "comments:\n  text: on\n  label: off\n",
    "mail.eml": MAIL,
    "code.py": "import csv, json\n\ncomments, text = [], None\nid, label = 1, 0\n",
    "tabs.txt": "Name\tis not\nthis a\ttable, nor\n",
    "article.html": ARTICLE.format("<p>The ferry stopped, at noon.</p>"),
    "lists.html": ARTICLE.format(LIST),
    "newsletter.html": ARTICLE.format(
        "<form><ul><li id='comment_box'>Your comment</li></ul></form>"
    ),
    "other_comments.html": ARTICLE.format("<div id='disqus_thread'><p>Nice ferry</p></div>"),
    "page_named.csv": ARTICLE.format("<table><tr><td>id<td>text</table>"),
    "answer.json": '{"comments": "<div>No item in here.</div>"}',
}
REFUSED = {
    "prose.csv": (PROSE, "no text column"),
    "people.csv": ("name,town\nAda,Ferrymoor\nBea,Saltby\n", "among 'name', 'town'; .*--guess"),
    "people.txt": ("name;town\nAda;Ferrymoor\nBea;Saltby\nCai;Wick\n", "no text column"),
    "people.tsv": ("name\ttown\nAda\tFerrymoor\n", "no text column"),
    "log.jsonl": ('{"time": "12:30", "level": "INFO", "message": "started"}\n', "no text column"),
    "settings.json": ('{"name": "ferry", "content": "words"}', "no text column"),
    "pretty.json": (
        json.dumps({"text": "words", "id": 1}, indent=2),
        "one JSON object over several lines with 'text', 'id'; expected one on each",
    ),
    "array.json": (json.dumps([{"text": "words"}], indent=2), "a JSON array with 'text'; exp"),
    "list.json": ('["one", "two"]', "a JSON array"),
    "empty.json": ("[]", "a JSON array"),
    "object.json": ("{}", "no text column among none"),
    "number.json": ("7", "JSON .a number.; expected a page, an export, a table or JSON"),
    "text.json": ('"words of no file"', "JSON .a text.; expected .* with --mapping: --guess"),
    "numbers.json": ("[1, 2, 3]", "JSON .an array.; expected"),
    "feed.xml": (
        "<?xml version='1.0'?><rss><item><comments>3</comments></item></rss>",
        "XML of the kind 'rss'; expected a page, an export, a table or JSON with comments",
    ),
    "commits.csv": ("commit,date,message\nab,2026-01-14,Mend the ferry\n", "no text column"),
}
TABLES = {
    "comments.csv": ("id,text\n1,a\n", "csv", "a"),
    "stdin": ("id,text\n1,a\n", "csv", "a"),
    "few.txt": ("id\ttext\n1\ta\n", "csv", "a"),
    "ragged.txt": ("id,text,label\n1,a,0\n2,b\n3,c,1\n4,d,0\n", "csv", "a"),
    "spaced.txt": ("id, text, label\n1, a, 0\n2, b, 1\n", "csv", " a"),
    "german.txt": ('id;text;label\n1;"eins; zwei, drei";0\n', "csv", "eins; zwei, drei"),
    "html.txt": ("id,text\n1,<p>a</p>\n", "csv", "<p>a</p>"),
    "brackets.txt": ('text,id\n"[sic] a",1\n', "csv", "[sic] a"),
    "lines": ('\n\n{"text": "a"}\n', "jsonl", "a"),
    "text_named.csv": ('{"text": "a"}\n', "jsonl", "a"),
    "with_comments": ('{"text": "a", "comments": 3}\n', "jsonl", "a"),
}
TOKENS = st.sampled_from(
    [
        *("id,text\n", "text", "id", "label", ",", ";", "\t", "|", "\n", '"', "1", "\r\n", " "),
        *('{"text": "a"}\n', '{"comments": "<', "{", "[", '"}', "\ufeff", "<p>", "<html>", "é"),
        *('<li id="comment_1">', '<p class="cmt-text">', "#1 ", "</p>", "Comment number 2."),
        *("  • rate this\n", "    Comment number 3.\n", "    words\n", "Page 1 of 2\n", "&#1;"),
        *("This comment is awaiting moderation.", "PAR1", "\0", "<!--", "<?xml?>", "\u2028"),
    ]
)


@pytest.mark.parametrize("name", NO_COMMENTS)
def test_nothing_that_is_no_comment_becomes_one(name, tmp_path):
    path = tmp_path / name
    path.write_text(NO_COMMENTS[name], encoding="utf-8")
    reading = read_comments(path)
    assert list(reading) == []
    _, said, remark = reading.summary().partition("no comments found")
    assert said
    is_article = reading.format == pages.NAME and "<" not in NO_COMMENTS[name]
    assert remark == (f"; {pages.TAKEN_FOR_ARTICLE}" if is_article else "")


def test_xml_that_is_a_page_is_one():
    page = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>A page.</p></html>'
    assert list(read_comments(page)) == []


@pytest.mark.parametrize(("name", "content"), OTHERS, ids=[name for name, _ in OTHERS])
def test_what_is_none_of_the_formats_is_never_taken_for_one(name, content, tmp_path):
    """It is a page in which nobody comments, or unknown, and the message says what was seen."""
    path = tmp_path / name
    path.write_bytes(content)
    try:
        reading = read_comments(path)
        assert list(reading) == []
        assert reading.format == pages.NAME
    except (UnknownFormat, NothingToRead) as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 both are right
        assert str(error).isprintable()  # noqa: PT017


def test_there_are_enough_others():
    """Not the same ones again and again."""
    assert len({content for _, content in OTHERS}) >= 200


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_without_comments_is_refused(name, tmp_path):
    content, message = REFUSED[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ParseError, match=message):
        list(read_comments(tmp_path / name))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_known_by_its_content(name, tmp_path):
    content, format, text = TABLES[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    reading = read_comments(tmp_path / name)
    assert next(reading).text == text
    assert reading.format == format


def test_a_column_named_by_the_caller_makes_a_table_known():
    content = b"nr;Volltext\n1;eins\n"
    assert [c.text for c in read_comments(content, columns={"text": "Volltext"})] == ["eins"]


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(
        SourceError, match="no format is called 'phpbb'; formats are bbc, "
    ) as error:
        read_comments(b"id,text\n1,a\n", format="phpbb")
    assert all(name in str(error.value) for name in (*FAMILIES, *FORMATS))


@pytest.mark.parametrize("format", ["coral", "disqus", "commento"])
def test_a_format_forced_on_something_else_is_refused_with_advice(format, tmp_path):
    path = tmp_path / "prose.txt"
    path.write_text(PROSE, encoding="utf-8")
    with pytest.raises(ParseError) as error:
        list(read_comments(path, format))
    said = str(error.value)
    assert said.endswith(f"; nothing in it is known as {format}: leave out --format")
    assert said.startswith(f"{path}: ")
    assert "the file" not in said


def test_a_forced_format_that_is_not_known_in_the_file_is_told_where_it_has_no_comments():
    reading = read_comments(b'{"name": "x"}', "coral")
    assert list(reading) == []
    assert "; nothing in it is known as coral, which --format names" in reading.summary()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("content", [PROSE, LIST, "id,text\n1,a\n", '{"text": "a"}\n', "PAR1"])
def test_a_forced_format_finds_comments_only_where_it_fits(format, content):
    fitting = {"csv": "id,text", "jsonl": '{"text"'}
    try:
        count = len(list(read_comments(content.encode(), format)))
    except ModerationError:
        count = 0
    assert count == content.startswith(fitting.get(format, "nothing"))


@settings(deadline=None, max_examples=500)
@given(st.lists(TOKENS, max_size=25), st.sampled_from([None, *FORMATS, *FAMILIES]))
def test_whatever_is_thrown_together_is_read_or_refused(tokens, format):
    """Pieces of all formats in one file: comments or the package's own errors, nothing else."""
    try:
        for comment in read_comments("".join(tokens).encode(), format):
            assert comment.text is None or isinstance(comment.text, str)
    except ModerationError as error:
        assert str(error).isprintable()  # noqa: PT017 both are right


@pytest.mark.parametrize(
    "content",
    [b"x" * 5_000_000, b"words, and more. " * 300_000, b"A line, of words.\n" * 100_000],
    ids=["one word", "one line", "lines"],
)
def test_a_long_text_is_no_table(content):
    assert list(read_comments(content)) == []
