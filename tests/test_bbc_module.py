"""Pages of the BBC's comments module; the cases are the files in `tests/pages/bbc_module`."""

import gzip
import re
from datetime import UTC, datetime
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import ParseError
from moderation.parsers import bbc_module, read_comments
from moderation.parsers.bbc import parse_time
from moderation.parsers.html import find_capture_time
from moderation.parsers.notes import Notes
from moderation.text import tidy
from tests.pages.expectations import expected, find_pages, found

PAGES = find_pages("bbc_module")
HTML = [page for page in PAGES if page.suffix == ".html"]
NOON = datetime(2013, 7, 5, 12, tzinfo=UTC)
ITEM = '<li class="cmt-normal" id="comment_{id}"><h3>Comment number {id}.</h3>{more}</li>'


def item(number: int, text: str, more: str = "") -> str:
    return ITEM.format(id=number, more=f'{more}<p class="cmt-text">{text}</p>')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_read_as_its_expectation_says(page):
    assert found(read_comments(page)) == expected(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_reads_the_same_packed_and_with_other_line_ends(page, tmp_path):
    other = tmp_path / f"{page.name}.gz"
    other.write_bytes(gzip.compress(page.read_bytes().replace(b"\n", b"\r\n")))
    assert found(read_comments(other)) == expected(page)


@pytest.mark.parametrize("page", HTML, ids=lambda page: page.stem)
@pytest.mark.parametrize("mark", ["'", ""], ids=["single", "none"])
def test_attributes_may_have_single_quotation_marks_or_none(page, mark, tmp_path):
    """SingleFile leaves them out where it can."""
    other = tmp_path / page.name
    text = page.read_text(encoding="utf-8")
    other.write_text(
        re.sub(r'(class|id)="([\w-]+)"', rf"\1={mark}\2{mark}", text), encoding="utf-8"
    )
    assert found(read_comments(other)) == expected(page)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), max_size=6))
def test_any_words_come_back_as_a_page_shows_them(texts):
    """Markup that a reader writes is escaped, and stays the reader's."""
    page = "".join(item(n, escape(text)) for n, text in enumerate(texts)) + "<p class='cmt-text'>"
    found = bbc_module.parse(page, Notes())
    assert [comment.text for comment in found] == [tidy(text) for text in texts]


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("5 July 2013 14:02", datetime(2013, 7, 5, 14, 2, tzinfo=UTC)),
        ("5 Jul 2013 14:02", datetime(2013, 7, 5, 14, 2, tzinfo=UTC)),
        ("14:02 5 July 2013", datetime(2013, 7, 5, 14, 2, tzinfo=UTC)),
        ("  5\n July   2013 14:02 ", datetime(2013, 7, 5, 14, 2, tzinfo=UTC)),
        ("2 hours ago", datetime(2013, 7, 5, 10, tzinfo=UTC)),
        ("1 Week ago", datetime(2013, 6, 28, 12, tzinfo=UTC)),
        ("just now", NOON),
        ("99999999999 weeks ago", None),
        ("31 June 2013 14:02", None),
        ("25:02 5 July 2013", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_time_of_a_comment(shown, moment):
    assert parse_time(shown, captured_at=NOON) == moment


@pytest.mark.parametrize(
    ("remark", "moment"),
    [
        ("<!-- FILE ARCHIVED ON 14:02:11 Jul 05, 2013 AND", datetime(2013, 7, 5, 14, 2, 11)),
        ("FILE ARCHIVED ON 14:02:11 Jul 05, 2013 AND", None),
        ("<!-- FILE ARCHIVED ON 99:02:11 Jul 05, 2013 AND", None),
        ("<!-- FILE ARCHIVED ON 14:02:11 Feb 31, 2013 AND", None),
        (
            "<!--\n Page saved with SingleFile \n url: https://a.example/ \n"
            " saved date: Fri Jul 05 2013 16:02:00 GMT-0300 (BRT)\n-->",
            datetime(2013, 7, 5, 19, 2),
        ),
        ("saved date: Fri Jul 05 2013 16:02:00 GMT+0200", None),
    ],
)
def test_the_time_of_a_capture_is_read_from_an_archives_remark_only(remark, moment):
    """A reader can write the same words, but no remark of HTML."""
    assert find_capture_time(remark) == (moment and moment.replace(tzinfo=UTC))


def test_what_the_page_says_goes_before_what_the_caller_states():
    """One `--article` for a folder of pages must not make them captures of one article."""
    remark = "<!-- FILE ARCHIVED ON 14:02:11 Jul 05, 2013 -->"
    address = '<link rel="canonical" href="https://courier.example/ferry">'
    stated = {"article": "stated", "captured_at": NOON}
    [silent] = read_comments(f"<p>x</p>{item(1, 'a')}".encode(), **stated)
    [telling] = read_comments(f"{address}{remark}{item(1, 'a')}".encode(), **stated)
    assert (silent.article_id, silent.captured_at) == ("stated", NOON)
    assert telling.article_id == "https://courier.example/ferry"
    assert telling.captured_at != NOON


def test_words_of_one_item_are_no_words_of_the_item_around_it():
    inner = f"<ul>{item(2, '#1 inner', '<span class=cmt-rating-positive-value>7</span>')}</ul>"
    outer = ITEM.format(id=1, more=f'<p class="cmt-text">outer</p>{inner}')
    first, second = bbc_module.parse(f"<ul>{outer}</ul>", Notes())
    assert (first.text, first.positive_votes) == ("outer", None)
    assert (second.text, second.positive_votes, second.parent_id) == ("#1 inner", 7, "1")


def test_a_comment_of_megabytes_does_not_end_the_page():
    """The usual limits of libxml2 cut the page off there, and say nothing."""
    page = item(1, "x" * 12_000_000) + item(2, "<b>" * 1000 + "after") + item(3, "last")
    assert [c.id for c in read_comments(page.encode())] == ["1", "2", "3"]


def test_elements_nested_beyond_the_limit_are_refused():
    page = item(1, "<b>" * 3000 + "deep") + item(2, "after")
    with pytest.raises(ParseError, match="nested thousands deep"):
        list(read_comments(page.encode()))


@pytest.mark.parametrize(
    ("envelope", "message"),
    [
        ('{"comments": "<p>", ', "breaks off or is malformed"),
        ('{"comments": "<p>"} {}', "breaks off or is malformed"),
        ('{"comments": "<p>", "x": ' + "[" * 100_000, "breaks off or is malformed"),
        ('{"comments": "<p>", "x": ' + "1" * 5000 + "}", "breaks off or is malformed"),
        ('{"total": 3}', "without a 'comments' text"),
        ('{"comments": 3}', "without a 'comments' text"),
        ('["<p>"]', "without a 'comments' text"),
    ],
    ids=["cut off", "two", "deep", "long number", "no comments", "no text", "array"],
)
def test_an_answer_that_is_not_the_modules_is_refused(envelope, message):
    with pytest.raises(ParseError, match=message):
        list(read_comments(envelope.encode(), format="bbc_module_json"))


@pytest.mark.parametrize("page", [" \n<!-- only a remark -->", "<?xml version='1.0'?>"])
def test_a_page_without_an_element_is_refused_where_the_format_is_forced(page):
    with pytest.raises(ParseError, match="without any markup"):
        list(read_comments(page.encode(), format="bbc_module"))


def test_a_page_without_comments_has_none_where_the_format_is_forced():
    assert list(read_comments(b"<p>An article.</p>", format="bbc_module")) == []


def test_a_long_page_is_read_whole():
    page = "".join(item(number, f"#{number - 1} words") for number in range(1, 5001))
    assert sum(c.parent_id is not None for c in read_comments(page.encode())) == 4999
