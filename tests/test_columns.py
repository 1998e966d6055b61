"""Which column of a table means what, and a row of it as a `Comment`."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comments import Comment
from moderation.errors import ParseError
from moderation.parsers.columns import ALIASES, STATUSES, find_columns, show_names
from moderation.parsers.notes import Notes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def fields(*names: str, given: Mapping[str, str] | None = None) -> Mapping[str, str]:
    return find_columns(names, given=given or {}, source="example").by_field


def read(row: Mapping[str, Any], notes: Notes | None = None) -> Comment:
    columns = find_columns(row, given={}, source="example")
    return columns.comment(row, number=7, source="csv", notes=notes or Notes())


@pytest.mark.parametrize("field", ALIASES)
def test_every_field_is_found_by_its_own_name_however_it_is_spelled(field):
    for spelled in (field, field.upper(), field.replace("_", " "), field.title().replace("_", "")):
        names = (spelled,) if field == "text" else (spelled, "text")
        assert fields(*names)[field] == spelled


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for field, names in ALIASES.items() for name in names]
)
def test_every_alias_is_found(name, field):
    """A text's own aliases stand beside an id: some are other things without one."""
    names = (name, "id") if field == "text" else (name, "text")
    assert fields(*names)[field] == name


@pytest.mark.parametrize(
    ("names", "field", "column"),
    [
        (["body", "text", "id"], "text", "text"),
        (["message", "comment", "id"], "text", "comment"),
        (["comment_id", "id", "text"], "id", "id"),
        (["text", "Likes", "up votes"], "positive_votes", "Likes"),
        (["TEXT", "Text"], "text", "TEXT"),
    ],
)
def test_a_fields_own_name_comes_first_then_the_aliases_in_order(names, field, column):
    assert fields(*names)[field] == column


@pytest.mark.parametrize("name", ["body", "content", "message"])
@pytest.mark.parametrize("others", [(), ("level",), ("time", "level"), ("date", "title", "name")])
def test_a_message_without_a_trait_of_comments_is_a_log_or_a_setting(name, others):
    with pytest.raises(ParseError, match=r"no text column among .*--column text=NAME"):
        fields(name, *others)
    assert fields(name, *others, given={"text": name})["text"] == name


def test_columns_are_named_by_the_caller_where_their_names_say_nothing():
    found = fields("a", "b", "text", given={"text": "a", "label": "b"})
    assert found == {"text": "a", "label": "b"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"words": "a"}, "no field is called 'words'; fields are text, id"),
        ({"text": "z"}, "no column 'z' in example; it has 'a', 'text'"),
    ],
)
def test_a_wrong_name_of_the_callers_is_refused(given, message):
    with pytest.raises(ParseError, match=message):
        fields("a", "text", given=given)


def test_columns_that_no_field_takes_are_kept():
    columns = find_columns(["text", "toxicity", "", "Headline"], given={}, source="example")
    row = {"text": "words", "toxicity": "0.5", "": "3", "Headline": "A headline"}
    assert columns.extra == ("toxicity", "Headline")
    comment = columns.comment(row, number=1, source="csv", notes=Notes())
    assert comment.extra == {"toxicity": "0.5", "Headline": "A headline"}


def test_a_column_in_whose_place_another_is_read_does_not_overwrite_it():
    """`--column text=body` on a table that has a 'text', too."""
    columns = find_columns(["text", "body"], given={"text": "body"}, source="example")
    assert (columns.extra, columns.hidden) == ((), ("text",))


def test_what_is_unknown_is_left_out_of_the_further_columns():
    assert read({"text": "a", "x": None, "y": math.nan, "z": ""}).extra == {"z": ""}


@pytest.mark.parametrize(("value", "status"), STATUSES.items())
def test_every_status_is_understood_in_any_case(value, status):
    assert read({"text": "a", "status": value}).status is status
    assert read({"text": "a", "status": f" {value.upper()} "}).status is status


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_status_it_is_not_known(value):
    """Taken for published, such comments would be learnt as kept."""
    assert read({"text": "a", "status": value}).status is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("seen", "the status 'seen' is not known; expected one of published, "),
        (3, "the status '3' is not known"),
        ("I never said that", "the status of 17 characters is not known"),
        ("word" * 20, "the status of 80 characters is not known"),
    ],
)
def test_an_unknown_status_is_refused_with_its_row_and_without_words(value, shown):
    """A column called 'status' may hold the texts themselves, as Twitter's does."""
    with pytest.raises(ParseError, match=f"row 7: {shown}") as refused:
        read({"text": "a", "status": value})
    assert refused.value.row == 7


@pytest.mark.parametrize(
    ("value", "label"),
    [
        *((one, 1) for one in (1, 1.0, True, "1", "1.0", "true", " TRUE ", "yes")),
        *((nought, 0) for nought in (0, 0.0, False, "0", "0.0", "False", "no")),
        *((unknown, None) for unknown in (None, "", math.nan)),
    ],
)
def test_the_label_is_one_nought_or_unknown(value, label):
    assert read({"text": "a", "label": value}).label == label


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2, "'2'"), (0.7, "'0.7'"), ("toxic", "'toxic'"), ("not so nice", "of 11 characters")],
)
def test_another_label_is_refused_with_its_row_and_without_words(value, shown):
    with pytest.raises(ParseError, match=f"row 7: the label is {shown}, expected 0 or 1"):
        read({"text": "a", "label": value})


@pytest.mark.parametrize(
    ("text", "status", "read_as"),
    [
        ("words", "removed", "words"),
        ("", "removed", None),
        ("", "pending", None),
        ("", "withdrawn", None),
        ("", "published", ""),
        (None, "published", None),
        (math.nan, "published", None),
        (" ", "removed", " "),
        ("0", "published", "0"),
    ],
)
def test_the_words_of_a_comment_that_is_not_shown_are_unknown(text, status, read_as):
    assert read({"text": text, "status": status}).text == read_as


@pytest.mark.parametrize("text", [3, 0.5, True, ["a"], {"a": 1}, b"a"])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(ParseError, match=r"row 7: the text is a .*, expected a string"):
        read({"text": text})


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((3, 3), ("3", 3), (3.0, 3), ("3.0", 3), (" 3 ", 3), ("-3", -3), ("+3", 3), ("1e3", 1000)),
        *((0, 0), ("0", 0), (2**53 + 1, 2**53 + 1), (2**63 - 1, 2**63 - 1)),
        *((None, None), ("", None), (math.nan, None)),
    ],
)
def test_votes_are_whole_numbers_or_unknown(value, number):
    notes = Notes()
    assert read({"text": "a", "likes": value}, notes).positive_votes == number
    assert not notes.left_out


@pytest.mark.parametrize(
    "value",
    [
        *("many", "3.5", 3.5, "nan", "inf", math.inf, "1,2,3", [3], {"count": 3}, 2**63),
        *(10**400, "1" * 5000, "٣x"),
    ],
)
def test_a_count_that_is_not_understood_is_unknown_and_counted(value):
    notes = Notes()
    assert read({"text": "a", "likes": value}, notes).positive_votes is None
    assert notes.left_out == {"values of 'likes' not understood": 1}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-01-14", datetime(2026, 1, 14)),
        ("20260114", datetime(2026, 1, 14)),
        ("2026-01-14T12:30", datetime(2026, 1, 14, 12, 30)),
        (" 2026-01-14 12:30:15.25 ", datetime(2026, 1, 14, 12, 30, 15, 250_000)),
        ("2026-01-14T12:30Z", datetime(2026, 1, 14, 12, 30)),
        ("2026-01-14T12:30+02:00", datetime(2026, 1, 14, 10, 30)),
        (datetime(2026, 1, 14, 12, 30), datetime(2026, 1, 14, 12, 30)),
        (
            datetime(2026, 1, 14, 12, 30, tzinfo=timezone(timedelta(hours=-3))),
            datetime(2026, 1, 14, 15, 30),
        ),
        (date(2026, 1, 14), datetime(2026, 1, 14)),
    ],
)
def test_times_are_aware_and_in_utc(value, moment):
    created_at = read({"text": "a", "created_at": value}).created_at
    assert created_at == moment.replace(tzinfo=UTC)
    assert created_at.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "14/01/2026", "2026-13-01", 1_700_000_000, "1700000000", "1612121212345"),
        *(1612121212345, 20260114.5, ["2026-01-14"], "0001-01-01T00:00+14:00"),
    ],
)
def test_a_time_that_is_not_understood_is_unknown_and_counted(value):
    """Milliseconds since 1970 read as ISO 8601 would be a day in the year 1612."""
    notes = Notes()
    assert read({"text": "a", "created_at": value}, notes).created_at is None
    assert notes.left_out == {"values of 'created_at' not understood": 1}


@pytest.mark.parametrize(
    ("value", "read_as"),
    [("12", "12"), (12, "12"), (12.0, "12"), (1.5, "1.5"), (math.nan, None), ("", None)],
)
def test_ids_are_strings_also_where_gaps_made_the_column_one_of_floats(value, read_as):
    assert read({"text": "a", "parent_id": value}).parent_id == read_as


def test_a_row_without_an_id_is_known_by_its_number_and_words():
    """By its number alone, row 7 of the next table would pass for the same comment."""
    unnamed = read({"text": "a"}).id
    assert unnamed.startswith("7-")
    assert read({"text": "a", "id": ""}).id == unnamed
    assert read({"text": "b"}).id != unnamed


@pytest.mark.parametrize(("value", "flag"), [("TRUE", True), (1, True), ("0", False), ("x", False)])
def test_an_editors_pick_is_said_to_be_one(value, flag):
    assert read({"text": "a", "editors_pick": value}).highlighted is flag


def test_what_the_source_says_of_itself_fills_what_a_row_does_not_say():
    notes = Notes(article_id="article", captured_at=datetime(2026, 1, 14, tzinfo=UTC))
    assert read({"text": "a", "article_id": ""}, notes).article_id == "article"
    assert read({"text": "a", "article_id": "own"}, notes).article_id == "own"
    assert read({"text": "a"}, notes).captured_at == notes.captured_at


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(ALIASES, JSON)))
def test_whatever_a_row_holds_it_is_a_comment_or_refused(row):
    try:
        read({"text": None, **row})
    except ParseError as error:
        assert error.row == 7  # noqa: PT017 both are right


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["id", "Comment text", "perspective_toxicity_v6"], None),
        (["page.url", "a/b", "a:b", ""], None),
        (["I would never", "have thought so, honestly"], "'I would never', one of 25 characters"),
        (["Why?"], "one of 4 characters"),
        (["one two three four"], "one of 18 characters"),
        ([], "none"),
        ([f"c{n}" for n in range(13)], ", ".join(f"'c{n}'" for n in range(12)) + " …"),
    ],
)
def test_headings_are_shown_and_words_in_their_place_are_not(names, shown):
    """A table without a header has a comment there."""
    assert show_names(names) == (shown or ", ".join(map(repr, names)))
