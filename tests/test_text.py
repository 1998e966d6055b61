"""Comment HTML to plain text, and the words of a text with their places."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring, fragment_fromstring

from moderation.text import html_to_text, markup_to_text, tidy, words

TAGS = st.sampled_from(
    [
        *("<p>", "</p>", "<br>", "<div>", "</div>", "<b>", "</b>", "<li>", "<!-- r -->", "<ul>"),
        *("<script>", "</script>", "&amp;", "&lt;", "&#x1F600;", "&#xD800;", "&bogus;", "<", ">"),
        *("<style>", "</style>", "<template>", "<![CDATA[x]]>", "<?pi?>", "\0", "\r\n", "a"),
    ]
)

PLAIN = st.sampled_from(
    [
        *("<br>", "<br/>", "<BR />", "<b>bold</b>", "<i>x</i>", "<div>one</div>", "<ul><li>a</ul>"),
        *('<a href="https://example.org/?a=1&amp;b" rel=nofollow>', "</a>", "<blockquote>said"),
        *("</blockquote>", "<span class='a b'>x</span>", "<code>y</code>", "<!-- r -->", "<p>two"),
    ]
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br>two</p>", "one\ntwo"),
        ("<p>one<br/><br/>two</p>", "one\n\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<ul><li>one<li>two</ul>", "one\n\ntwo"),
        ("<p>a <b>bold</b><i> word</i></p>", "a bold word"),
        ("<p>one\n   line\r\nof\rsource&#13;</p>", "one line of source"),
        ("<p>a&nbsp;&nbsp;b</p>", "a b"),
        ("<p>a<script>x()</script>b<style>y</style>c</p>", "abc"),
        ("<p>a<template><b>x</b></template>b</p>", "ab"),
        ("<p>a<!-- remark -->b</p>", "ab"),
        ("<p>&lt;b&gt; &amp;amp; &#233;</p>", "<b> &amp; é"),
        ("<p></p>", ""),
        ("<blockquote>said</blockquote>reply", "said\n\nreply"),
    ],
)
def test_html_becomes_what_a_reader_sees(html, text):
    assert html_to_text(fragment_fromstring(html, create_parent="div")) == text


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  one  ", "one"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("one \t \u00a0 two", "one two"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one\n \t \n  \ntwo", "one\n\ntwo"),
        ("one\u2028two\x0cthree\x85four", "one two three four"),
        ("zero\u200bwidth \u202eturned", "zero\u200bwidth \u202eturned"),
        (" \n\t\r\n", ""),
    ],
)
def test_tidy_folds_white_space_and_nothing_else(text, tidied):
    assert tidy(text) == tidied


@given(st.text())
def test_tidy_keeps_every_other_character_and_changes_nothing_twice(text):
    tidied = tidy(text)
    assert "".join(tidied.split()) == "".join(text.split())
    assert tidy(tidied) == tidied


@given(st.text())
def test_words_are_the_runs_between_white_space(text):
    assert [text[span.begin : span.end] for span in words(text)] == text.split()


@given(st.lists(TAGS | st.text(max_size=5), max_size=30))
def test_no_markup_is_too_broken(pieces):
    page = "<div>" + "".join(pieces)
    body = document_fromstring(page.encode("utf-8", "replace"))
    text = html_to_text(body)
    assert text == tidy(text)
    assert not any("\ud800" <= character <= "\udfff" for character in text)


def test_markup_nested_deeper_than_the_stack_is_walked():
    body = fragment_fromstring("<i>" * 200 + "deep" + "</i>" * 200, create_parent="div")
    for _ in range(3000):
        outer = fragment_fromstring("<b></b>")
        outer.append(body)
        body = outer
    assert html_to_text(body) == "deep"


@pytest.mark.parametrize(
    "text",
    [" " * 5_000_000 + "x", "\n " * 1_000_000, "x" * 5_000_000, "word " * 1_000_000],
    ids=["spaces", "blank lines", "one word", "words"],
)
def test_long_texts_are_tidied_too(text):
    assert tidy(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("one &amp; two", "one & two"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<!-- nothing -->", ""),
        ("a\x00<b>b</b>", "ab"),
        ("  plain \n text ", "plain\ntext"),
        ("<script>no words</script>words", "words"),
    ],
)
def test_a_body_is_read_as_a_reader_sees_it(body, text):
    assert markup_to_text(body) == text


@given(st.lists(st.one_of(PLAIN, st.sampled_from(["one", "two &amp; three", " ", "\n", "1 > 0"]))))
def test_plain_markup_reads_the_same_without_a_parser(pieces):
    body = "".join(["<p>", *pieces, "</p>"])
    element = fragment_fromstring(body, create_parent="div")
    assert markup_to_text(body) == html_to_text(element)


def test_markup_of_megabytes_is_read_at_once():
    """No run of spaces, tags or quotation marks makes the search go back and forth."""
    for piece in ("<a", "<a ", "<a b", '<a b="', "<a b=c ", "<p>", "&", "<", " ", "<br/"):
        assert isinstance(markup_to_text(piece * (300_000 // len(piece))), str)


@given(
    st.text(st.sampled_from([" ", "a", "\t", "\n", "\r", "\v", "\f", "\x1c", "\x1f", "\xa0", "é"]))
)
def test_spaces_of_any_kind_are_folded_and_lines_kept(text):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    folded = "\n".join(" ".join(line.split()) for line in lines)
    assert tidy(text) == re.sub("\n{3,}", "\n\n", folded).strip()
