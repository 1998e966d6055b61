"""Comments as HTML: what a reader wrote is shown, never interpreted."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.app import markup
from moderation.comments import Comment, Status
from moderation.explanations import Contribution
from moderation.text import words

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</div></mark><h1>big</h1>",
    "<!-- never closed",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "<style>*{display:none}</style>",
)
PLAIN = Comment("1", "a quiet remark", "csv")


def shown(fragment: str) -> str:
    """Return what is left of HTML without its tags: the text a browser would show."""
    return html.unescape(re.sub(r"<[^>]*>", "", fragment))


def elements(fragment: str) -> set[str]:
    return {str(element.tag) for element in lxml.html.fromstring(fragment).iter()}


def mark_each_word(text: str) -> list[Contribution]:
    return [Contribution(span.begin, span.end, 1.0) for span in words(text)]


def test_a_masked_word_says_what_it_was_read_as():
    marked = markup.mark_words("a h e l l o", [Contribution(2, 11, 1.0, 'he"llo')])
    [mark] = lxml.html.fragments_fromstring(marked)[-1:]
    assert (mark.text, mark.get("title")) == ("h e l l o", '+1.00, read as he"llo')


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["id", "text", "author", "removal_reason"])
def test_what_a_reader_controls_is_text_in_a_card(field, hostile):
    card = markup.comment_card(replace(PLAIN, **{field: hostile}), role="focus")
    assert elements(card) <= {"div", "span", "b", "bdi"}
    [element] = lxml.html.fromstring(card).xpath("//*[@data-comment]")
    place = {"id": "@data-comment", "text": ".//*[@dir]", "author": ".//b"}.get(field, ".//bdi")
    assert element.xpath(f"string({place})") == hostile


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "show",
    [
        lambda text: markup.article_line(replace(PLAIN, article_title=text)),
        lambda text: markup.article_line(replace(PLAIN, article_id=text)),
        markup.title_line,
        markup.quiet,
        lambda text: markup.notice(text, tone="error"),
        lambda text: markup.bullets([text]),
        lambda text: f"<p>{markup.mark_words(text, mark_each_word(text))}</p>",
    ],
)
def test_what_a_page_controls_is_text_everywhere(show, hostile):
    assert elements(show(hostile)) <= {"div", "ul", "li", "bdi", "p", "mark"}
    assert lxml.html.fromstring(show(hostile)).text_content() == hostile


@pytest.mark.parametrize("text", ["www.courier.example", "train --out x", "a@b.example", ":tada:"])
def test_a_message_is_shown_to_the_letter(text):
    """As Markdown, an address would be a link and two hyphens a dash: a command could not run."""
    assert f">{text}<" in markup.notice(text, tone="warning")


@pytest.mark.parametrize(
    ("text", "span", "marked"),
    [
        ("one two three", (4, 7), "two"),
        ("a & <b> end", (4, 7), "<b>"),
        ("&amp; is & and &lt;", (15, 19), "&lt;"),
        ("🦭 seal 👩‍👩‍👧 family", (7, 12), "👩‍👩‍👧"),
        ("שלום עולם", (5, 9), "עולם"),
        ("end \u202eof it", (4, 7), "\u202eof"),
        ("last", (0, 4), "last"),
    ],
)
def test_a_mark_stays_inside_its_word(text, span, marked):
    fragment = markup.mark_words(text, [Contribution(*span, 1.0)])
    [mark] = lxml.html.fromstring(f"<p>{fragment}</p>").xpath("//mark")
    assert mark.text_content() == marked
    assert shown(fragment) == text


@given(st.text(), st.lists(st.floats(-3, 3)))
def test_without_tags_the_text_is_what_was_written(text, values):
    """Whatever is marked, no character is lost, added or moved."""
    spans = zip(words(text), values, strict=False)
    contributions = [Contribution(span.begin, span.end, value) for span, value in spans]
    assert shown(markup.mark_words(text, contributions)) == text
    assert shown(markup.escape(text)) == text


def test_the_words_that_moved_the_score_most_are_marked_most_and_faint_ones_not_at_all():
    values = (0.1, 0.5, 1.0, -2.0)
    text = "faint some most lowers"
    spans = zip(words(text), values, strict=True)
    fragment = markup.mark_words(text, [Contribution(s.begin, s.end, v) for s, v in spans])
    assert re.findall(r'class="(\w+)" style="--shade:(\d+)%.*?>(\w+)</mark>', fragment) == [
        ("raised", "14", "some"),
        ("raised", "28", "most"),
        ("lowered", "55", "lowers"),
    ]


def test_no_more_words_are_marked_than_say_something():
    text = "word " * 30
    contributions = mark_each_word(text)
    assert markup.mark_words(text, contributions).count("<mark") == markup.MARKED_WORDS


@pytest.mark.parametrize("unseen", ["\u202e", "\u2066", "\u200b", "\ufeff"])
def test_what_cannot_be_seen_is_named_and_kept_from_what_follows(unseen):
    """An override inside an element of its own ends with it: the words after it run as written."""
    assert markup.escape(f"left {unseen}right") == (
        f'left <span class="mod-unseen" title="U+{ord(unseen):04X}">{unseen}</span>right'
    )


def test_joiners_that_emoji_and_persian_need_are_left_alone():
    shown = '<span class="mod-emoji">👩‍👧</span> می‌خواهم'
    assert markup.escape("👩‍👧 می‌خواهم") == shown


def test_half_a_surrogate_pair_does_not_break_the_page():
    assert markup.escape("half \ud83d") == "half ?"


def test_a_card_shows_the_facts_that_are_known():
    full = replace(
        PLAIN, number=12, author="A. Reader", created_at=datetime(2026, 3, 1, tzinfo=UTC),
        positive_votes=3, negative_votes=0, rating=-2, highlighted=True, status=Status.PENDING,
    )  # fmt: skip
    head = "#12A. Reader1 Mar 2026 00:00 UTC▲ 3▼ 0rating -2editors' pickpending"
    assert shown(markup.comment_card(full, role="around")) == f"{head}a quiet remark"


def test_unknown_facts_are_left_out_of_a_card():
    """Votes that a page does not show are not zero votes."""
    assert shown(markup.comment_card(PLAIN, role="focus")) == "a quiet remark"


def test_a_comment_without_words_says_so():
    gone = replace(PLAIN, text=None, status=Status.REMOVED)
    assert shown(markup.comment_card(gone, role="around")) == "removedIts words are not known."


def test_times_are_shown_in_utc_wherever_they_come_from():
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert markup.show_time(moment) == "28 Feb 2026 23:30 UTC"


@pytest.mark.parametrize(
    ("text", "line"),
    [("short", "short"), ("exactly 10", "exactly 10"), ("one more 11", "one more …"), ("", "")],
)
def test_a_long_text_is_shortened_to_one_line(text, line):
    assert markup.shorten(text, length=10) == line
