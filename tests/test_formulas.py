"""Marks against formulas: what they stop, what they leave alone, and that they come off again."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.formulas import _SIGNS, MARKED, mark, mark_row, unmark

HOSTILE = st.text(st.sampled_from("=+-@'\"“,;|\t\n\r\v\x85\u2028\u202e\u200b\ufeff＝＋－＠−﹣ ax1"))


@given(st.one_of(st.text(), HOSTILE))
def test_marks_come_off_again(text):
    assert unmark(mark(text)) == text


@given(HOSTILE)
def test_no_cell_begins_with_a_sign_wherever_a_table_is_cut_up(text):
    """As a spreadsheet that takes another separator, or a quotation mark, as the end of a cell."""
    cells = [mark(text)]
    for separator in ('"', "“", ",", ";", "|", "\t", "\n", "\r", "\v", "\x85", "\u2028"):
        cells = [part for cell in cells for part in cell.split(separator)]
    for cell in cells:
        assert cell.strip(" \u200b\u202e\ufeff")[:1] not in set("=+-@＝＋－＠−﹣")
    assert mark(text)[:1] not in set("\t\r\n")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-5 degrees", "'-5 degrees"),
        ("@anna I agree", "'@anna I agree"),
        ("\tindented", "'\tindented"),
        ("\rold", "'\rold"),
        ("  =1", "'  =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("＝1", "'＝1"),
        ('he said "=1"', 'he said "\'=1"'),
        ("one;=1", "one;'=1"),
        ("a list:\n- one\n- two", "a list:\n'- one\n'- two"),
        ("'=1", "''=1"),
    ],
)
def test_what_a_spreadsheet_takes_for_a_formula_is_marked(text, marked):
    assert mark(text) == marked


@pytest.mark.parametrize(
    "text", ["", "1 - 1 = 0", "anna@courier.example", "it's fine", "a-b", "'quoted'", "😀 = fun"]
)
def test_plain_words_are_left_alone(text):
    assert mark(text) == text


def test_every_form_of_a_sign_is_known():
    forms = {chr(code) for code in range(0x110000) if normalize("NFKC", chr(code)) in set("=+-@")}
    assert forms <= set(_SIGNS)
    assert {mark(form) for form in forms} == {f"'{form}" for form in forms}


def test_a_row_says_that_its_texts_are_marked():
    row = {"text": "=1", "rating": -3, "author": None}
    assert mark_row(row) == {"text": "'=1", "rating": -3, "author": None, MARKED: 1}
