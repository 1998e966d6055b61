"""BBC pages saved as text; the cases are the files in `tests/pages/bbc_text`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.parsers import bbc_text, read_comments
from moderation.parsers.bbc import find_page_number, find_placeholder, find_reply_number, read_count
from moderation.parsers.notes import Notes
from moderation.text import tidy
from tests.pages.expectations import expected, find_pages, found

PAGES = find_pages("bbc_text")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")),
    st.lists(
        st.sampled_from(
            ["• rate this", "Comment number 3.", "* Comment number 4.", "Page 1 of 2", "words", ""]
        ),
        max_size=6,
    ).map("\n".join),
)
PAGE = """A headline

  • rate this

    Comment number 2.

    {second}

  • rate this

    Comment number 1.

    {first}
"""


def indent(text: str, by: str) -> str:
    return "".join(f"{by}{line}\n" for line in text.split("\n"))


def texts(page: str) -> list[str | None]:
    return [comment.text for comment in bbc_text.parse(page, Notes())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_read_as_its_expectation_says(page):
    assert found(read_comments(page)) == expected(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_page_reads_the_same_in_other_encodings_and_line_ends(page, encoding, tmp_path):
    """Windows saves pages as text with a mark, or in UTF-16, and ends lines with CR LF."""
    other = tmp_path / page.name
    text = page.read_text(encoding="utf-8").replace("\n", "\r\n")
    other.write_bytes(text.encode(encoding))
    assert found(read_comments(other)) == expected(page)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_words_come_back_as_a_page_shows_them(given_texts):
    """Whatever readers write: a page sets their lines in, and so they are known."""
    items = [
        f"  • rate this\n\n    Comment number {number}.\n\n" + indent(text, "    ")
        for number, text in zip(range(len(given_texts), 0, -1), given_texts, strict=True)
    ]
    page = "A headline\n\n" + "".join(items) + "\nPage 1 of 2\n\nMore stories\n"
    assert texts(page) == [tidy(text) for text in given_texts]


def test_comments_are_given_in_page_order():
    numbers = [c.number for c in bbc_text.parse(PAGE.format(first="a", second="b"), Notes())]
    assert numbers == [2, 1]


def test_the_caller_states_the_article_which_text_does_not_tell():
    page = PAGE.format(first="a", second="b")
    [comment, _] = read_comments(page.encode(), article="bridge")
    assert (comment.article_id, comment.article_title) == ("bridge", "A headline")


@pytest.mark.parametrize(
    "line",
    ["Advertisement", "  • Comment is free", "BBC © 2014", "  • rate this recipe", "\u2022", "-"],
)
def test_a_line_between_two_comments_belongs_to_neither_and_ends_no_list(line):
    page = PAGE.format(first="First words.", second=f"Second words.\n\n{line}")
    assert texts(page) == ["Second words.", "First words."]


@pytest.mark.parametrize(
    "words",
    ["Comment number 9.", "• Comment number 9.", "• rate this", "* rate this +3", "Page 1 of 2"],
)
def test_words_set_in_like_a_comment_are_its_words(words):
    page = PAGE.format(first="First words.", second=f"Before\n\n    {words}\n\n    after.")
    assert texts(page) == [f"Before\n\n{words}\n\nafter.", "First words."]


def test_a_page_number_in_a_comment_is_not_the_pages():
    notes = Notes()
    page = PAGE.format(first="Page 7 of 9", second="b") + "\nPage 1 of 2\n"
    list(bbc_text.parse(page, notes))
    assert (notes.page, notes.pages, notes.is_partial) == (1, 2, True)


@pytest.mark.parametrize(
    "text",
    [
        "Comment number 3.\n\nis a heading of its own.",
        "  • first\n  • second\n\n    Comment number 3.\n",
        "  • rate this\n\n    and that",
        "  • Comment number three.\n",
        "On the page, Comment number 3. is missing.",
    ],
)
def test_an_article_that_speaks_of_comments_has_none(text):
    assert not bbc_text.recognises(text)


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("This comment was removed because it broke the house rules. Explain.", "removed"),
        ("THIS COMMENT WAS REMOVED BECAUSE IT BROKE THE HOUSE RULES", "removed"),
        ("This comment was removed because it broke the house rules: spam.", "removed"),
        ("This post is awaiting moderation.", "pending"),
        ("  This comment is\n awaiting moderation.\n Explain ", "pending"),
        ("This comment was removed because it was dull.", None),
        ("This comment was removed because it broke the house rules. Explain, please.", None),
        ("Why? This comment was removed because it broke the house rules.", None),
        ("", None),
    ],
)
def test_only_the_whole_sentence_stands_for_a_comment(sentence, status):
    """Readers quote the sentence; the site shows nothing but it."""
    placeholder = find_placeholder(sentence)
    assert (placeholder and str(placeholder.status)) == status


@pytest.mark.parametrize(
    ("text", "number", "answered"),
    [
        ("#16 yes", 18, 16),
        ("#16, yes", 18, 16),
        ("#16", 18, 16),
        ("#18 yes", 18, None),
        ("#19 yes", 18, None),
        ("#16th Street", 18, None),
        ("# 16", 18, None),
        ("#1 fan", 18, None),
        ("#1 Priority here", 18, None),
        ("#1 I am no fan", 18, 1),
        ("#1fan", 18, None),
        ("yes #16", 18, None),
        ("#16 yes", None, 16),
        ("#1234567 yes", None, None),
    ],
)
def test_a_reply_names_an_earlier_number_at_its_start(text, number, answered):
    assert find_reply_number(text, number=number) == answered


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Page 1 of 2", (1, 2)),
        ("  [Page 12 of 13]  ", (12, 13)),
        ("Page 1 of 2 and more", None),
        ("see Page 1 of 2", None),
        ("Page one of two", None),
    ],
)
def test_a_page_number_is_a_line_of_its_own(line, shown):
    found = find_page_number(f"before\n{line}\nafter")
    assert (found and (found.page, found.pages)) == shown


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("5", 5),
        ("+5", 5),
        ("-5", -5),
        ("−5", -5),
        (" 1,204\n", 1204),
        ("0", 0),
        ("", None),
        ("5 people", None),
        ("1" * 5000, None),
    ],
)
def test_a_count_that_is_not_shown_is_unknown_and_not_zero(shown, number):
    assert read_count(shown) == number


@pytest.mark.parametrize(
    "filling",
    ["\n" * 100_000, "    ...\n" * 50_000, "• rate this" + " " * 200_000 + "x", "-\n" * 100_000],
    ids=["blank lines", "dots", "spaces", "bullets"],
)
def test_long_runs_of_furniture_are_read_over(filling):
    """Each of these took from half a minute to hours with patterns of quadratic time."""
    page = PAGE.format(first="a", second="b") + filling
    assert len(texts(page)) == 2
