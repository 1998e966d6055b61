"""Joins captures of a page: words and votes from the earlier one, removals from the later one."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.captures import JoinReport, article_key, is_capture, join_captures, latest_states
from moderation.comments import Comment, Status
from moderation.parsers import read_comments

DAYS = [datetime(2026, 1, 14, tzinfo=UTC) + timedelta(days=number) for number in range(9)]
FERRY = "https://courier.example/ferry"
STATUSES = {
    "P": Status.PUBLISHED,
    "E": Status.PUBLISHED,
    "R": Status.REMOVED,
    "W": Status.WITHDRAWN,
    "?": Status.PENDING,
}


def seen(letter: str, day: datetime | None, id: str = "1", **others: object) -> Comment:
    """Return what a capture shows: P published, E edited, R removed, ? pending, W withdrawn."""
    words = {"P": "words", "E": "other words"}.get(letter)
    usual = {"article_id": FERRY, "captured_at": day, "status": STATUSES[letter]}
    return Comment(id, words, "bbc_module", **{**usual, **others})


def history(letters: str, *, id: str = "1", is_timed: bool = True) -> list[Comment]:
    """Return what several captures show of a comment; a dot where one does not show it."""
    return [
        seen(letter, day if is_timed else None, id)
        for letter, day in zip(letters, DAYS, strict=False)
        if letter != "."
    ]


def join(comments: list[Comment]) -> tuple[list[Comment], JoinReport]:
    report = JoinReport()
    return list(join_captures(comments, report)), report


@pytest.mark.parametrize(
    ("letters", "label", "words"),
    [
        ("PR", 1, "words"),
        ("PP", 0, "words"),
        ("PE", 0, "words"),
        ("PER", 1, "other words"),
        ("PRR", 1, "words"),
        ("PRP", 0, "words"),
        ("PRPR", 1, "words"),
        ("PRE", 0, "words"),
        ("P.R", 1, "words"),
        ("P?R", 1, "words"),
        ("?PR", 1, "words"),
        ("RPP", 0, "words"),
        ("PPPPR", 1, "words"),
        ("EPR", 1, "words"),
    ],
)
def test_words_seen_before_the_outcome_are_labelled(letters, label, words):
    """P published, E edited, R removed, ? pending, a dot where a capture does not show it."""
    [joined], report = join(history(letters))
    assert (joined.label, joined.text) == (label, words)
    assert joined.status is (Status.REMOVED if label else Status.PUBLISHED)
    assert (report.removed, report.kept) == (label, 1 - label)
    assert not report.left_out


@pytest.mark.parametrize(
    ("letters", "cause"),
    [
        ("P", "seen in one capture only: what became of them is not known"),
        ("R", "removed before their words were captured"),
        ("RR", "removed before their words were captured"),
        ("?R", "removed before their words were captured"),
        ("RP", "seen with words in the last capture only"),
        ("?P", "seen with words in the last capture only"),
        ("?", "pending when last seen"),
        ("P?", "pending when last seen"),
        ("PR?", "pending when last seen"),
        ("PW", "withdrawn when last seen"),
    ],
)
def test_a_comment_without_words_or_outcome_is_counted(letters, cause):
    joined, report = join(history(letters))
    assert joined == []
    assert report.left_out == {cause: 1}


@pytest.mark.parametrize(
    ("letters", "edited", "restored"),
    [("PP", 0, 0), ("PE", 1, 0), ("PER", 1, 0), ("PRP", 0, 1), ("PRE", 1, 1), ("PRR", 0, 0)],
)
def test_edits_and_restorations_are_counted(letters, edited, restored):
    _, report = join(history(letters))
    assert (report.edited, report.restored) == (edited, restored)


def test_votes_and_time_are_those_of_the_earlier_capture():
    """Votes that a removed comment could no longer collect would tell that it was removed."""
    early = seen("P", DAYS[0], positive_votes=3, negative_votes=None, rating=3)
    late = seen("P", DAYS[1], positive_votes=90, negative_votes=9, rating=81)
    gone = seen("R", DAYS[2], removal_reason="Off topic", positive_votes=0)
    for captures, votes, day in (([early, late], 3, 0), ([early, late, gone], 90, 1)):
        [joined], _ = join(captures)
        assert (joined.positive_votes, joined.captured_at) == (votes, DAYS[day])
    assert joined.removal_reason == "Off topic"


def test_captures_are_taken_in_order_of_time_whatever_the_order_given():
    [joined], _ = join(list(reversed(history("PER"))))
    assert (joined.label, joined.text) == (1, "other words")


def test_captures_without_a_time_keep_the_order_given_and_are_counted():
    [joined], report = join(history("PR", is_timed=False))
    assert joined.label == 1
    assert (report.captures, report.untimed) == (2, 1)
    assert any("captures tell no time" in line for line in report.lines())


def test_a_capture_without_a_time_comes_after_those_with_one():
    [joined], report = join([seen("R", None), seen("P", DAYS[3])])
    assert (joined.label, report.untimed) == (1, 1)


def test_a_single_capture_without_a_time_is_nothing_to_warn_of():
    assert join(history("P", is_timed=False))[1].untimed == 0


def test_articles_are_apart_by_address_and_by_title():
    there = [seen("P", DAYS[0]), seen("R", DAYS[1], article_id="https://courier.example/other")]
    joined, report = join(there)
    assert (joined, report.articles) == ([], 2)
    titled = [replace(c, article_id=None, article_title=f"Title {n}") for n, c in enumerate(there)]
    assert join(titled)[1].articles == 2


def test_a_capture_that_shows_the_title_only_joins_the_one_with_the_address():
    plain = seen("P", DAYS[0], article_id=None, article_title="Ferry")
    [joined], report = join([plain, seen("R", DAYS[1], article_title="Ferry")])
    assert (joined.label, joined.text, report.articles) == (1, "words", 1)
    assert joined.article_id == FERRY, "a split keeps the article in one part"


def test_a_title_of_two_addresses_tells_neither():
    other = "https://courier.example/other"
    captures = [
        seen("P", DAYS[0], article_title="Letters"),
        seen("P", DAYS[0], article_title="Letters", article_id=other),
        seen("R", DAYS[1], article_title="Letters", article_id=None),
    ]
    assert join(captures)[1].articles == 3


@pytest.mark.parametrize("is_text_first", [True, False])
def test_a_page_saved_as_text_joins_one_with_ids_by_number(is_text_first):
    """Its replies name their parents by number: in the end all ids are of one kind."""
    days = DAYS if is_text_first else [DAYS[1], DAYS[0]]
    text = [
        seen("P" if is_text_first else "R", days[0], "2", number=2, parent_id="1"),
        seen("P", days[0], "1", number=1),
    ]
    html = [
        seen("R" if is_text_first else "P", days[1], "902", number=2, parent_id="901"),
        seen("P", days[1], "901", number=1),
    ]
    joined, report = join([*text, *html])
    assert [(c.id, c.parent_id, c.label) for c in joined] == [("902", "901", 1), ("901", None, 0)]
    assert report.captures == 2


def test_comments_without_numbers_join_by_id():
    [joined], _ = join([seen("P", DAYS[0], "902"), seen("R", DAYS[1], "902", number=2)])
    assert joined.label == 1


def test_pages_of_one_capture_are_one():
    first = [seen("P", DAYS[0], str(n)) for n in (4, 3)]
    second = [seen("P", DAYS[0], str(n)) for n in (2, 1)]
    later = [seen("R", DAYS[1], str(n)) for n in (4, 3, 2, 1)]
    joined, report = join([*first, *second, *later])
    assert [c.label for c in joined] == [1, 1, 1, 1]
    assert report.captures == 2


def test_a_comment_may_have_moved_to_another_page_of_the_later_capture():
    """New comments push the old ones on, and page 2 is saved a minute later."""
    early = [seen("P", DAYS[0], "1"), seen("P", DAYS[0], "2")]
    late = [seen("P", DAYS[1], "3"), seen("P", DAYS[1], "2")]
    moved = [seen("R", DAYS[1] + timedelta(minutes=1), "1")]
    joined, report = join([*early, *late, *moved])
    assert {c.id: c.label for c in joined} == {"1": 1, "2": 0}
    assert (report.captures, report.left_out.total()) == (3, 1)


@pytest.mark.parametrize("times", [2, 3])
def test_a_page_given_twice_is_one_capture(times):
    """A folder and a file in it: nothing is learnt from seeing the same moment again."""
    joined, report = join([seen("P", DAYS[0], str(n)) for n in (1, 2)] * times)
    assert (joined, report.captures) == ([], 1)


def test_captures_of_one_day_that_differ_are_two():
    """Where the names tell the day only, what has changed tells the captures apart."""
    morning = [seen("P", DAYS[0], str(n)) for n in (1, 2)]
    evening = [seen("R", DAYS[0], "1"), seen("P", DAYS[0], "2")]
    joined, report = join([*morning, *evening])
    assert {c.id: c.label for c in joined} == {"1": 1, "2": 0}
    assert report.captures == 2


def test_the_report_says_what_became_of_all():
    captures = [*history("PR"), *history("PRE", id="2"), *history("R", id="3")]
    _, report = join(captures)
    assert list(report.lines()) == [
        "joined 3 captures of 1 articles: 1 comments removed and 1 kept",
        "of these, 1 edited and 1 restored in between",
        "not labelled: 1 removed before their words were captured",
    ]
    assert list(JoinReport().lines()) == []


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from("123456"),
        st.sampled_from("PER?W"),
        st.sampled_from([None, *DAYS[:3]]),
        st.sampled_from([FERRY, None]),
    ),
    max_size=25,
)


@given(HISTORIES)
def test_every_comment_is_labelled_once_or_counted_once(found):
    comments = [seen(letter, day, id, article_id=where) for id, letter, day, where in found]
    joined, report = join(comments)
    labelled = Counter((article_key(c), c.id) for c in joined)
    assert all(times == 1 for times in labelled.values())
    assert labelled.keys() <= {(article_key(c), c.id) for c in comments}
    assert report.removed + report.kept == len(joined)
    different = {(article_key(c), c.id) for c in comments}
    assert len(joined) + report.left_out.total() == len(different)


@given(HISTORIES)
def test_what_is_labelled_was_seen(found):
    comments = [seen(letter, day, id, article_id=where) for id, letter, day, where in found]
    for joined in join(comments)[0]:
        same = [c for c in comments if (c.id, c.article_id) == (joined.id, joined.article_id)]
        assert joined.text in {c.text for c in same} - {None}
        assert joined.status in {c.status for c in same}


@given(HISTORIES)
def test_the_latest_state_of_every_comment_is_given_once(found):
    comments = [seen(letter, day, id, article_id=where) for id, letter, day, where in found]
    latest = list(latest_states(comments))
    different = {(article_key(c), c.id) for c in comments}
    assert sorted((article_key(c), c.id) for c in latest) == sorted(different)


@pytest.mark.parametrize(
    ("letters", "status", "text", "label"),
    [
        ("P", "published", "words", None),
        ("PR", "removed", "words", 1),
        ("PER", "removed", "other words", 1),
        ("PE", "published", "other words", 0),
        ("R", "removed", None, None),
        ("P?", "pending", "words", None),
    ],
)
def test_the_latest_state_has_the_last_words_that_are_known(letters, status, text, label):
    [latest] = latest_states(history(letters))
    assert (str(latest.status), latest.text, latest.label) == (status, text, label)


def test_rows_of_tables_and_comments_joined_already_keep_their_label():
    row = Comment("1", "words", "csv", label=1)
    joined = replace(seen("P", DAYS[0]), label=0)
    assert list(latest_states([row, joined])) == [row, joined]


@pytest.mark.parametrize(
    ("source", "is_one"),
    [("bbc_module", True), ("bbc_text", True), ("csv", False), ("parquet", False)],
)
def test_pages_are_captures_and_tables_are_not(source, is_one):
    assert is_capture(Comment("1", "words", source)) is is_one


PAGE = """<title>Ferry</title>
<ul><li id="comment_7"><h3>Comment number 1.</h3><p class="cmt-text">{}</p></li></ul>"""


@pytest.mark.parametrize("how", ["page", "name", "option", "order"])
def test_the_time_of_a_capture_is_told_by_the_page_its_name_or_the_caller(how, tmp_path):
    """The later page is given first, except where nothing but the order tells."""
    remark = "<!-- FILE ARCHIVED ON 12:00:0{} Jan 14, 2026 -->"
    comments = []
    for late in (0, 1) if how == "order" else (1, 0):
        words = "This comment was removed because it broke the house rules." if late else "words"
        name = f"ferry-20260114T120{late}Z.html" if how == "name" else f"ferry{late}.html"
        page = PAGE.format(words) + (remark.format(late) if how == "page" else "")
        (tmp_path / name).write_text(page, encoding="utf-8")
        moment = DAYS[late] if how == "option" else None
        comments += read_comments(tmp_path / name, captured_at=moment)
    [joined], _ = join(comments)
    assert (joined.text, joined.label) == ("words", 1)


def test_many_captures_of_a_long_page_take_time_in_proportion():
    days = [DAYS[0] + timedelta(hours=number) for number in range(300)]
    comments = [seen("P", day, str(number)) for day in days for number in range(100)]
    joined, report = join(comments)
    assert (len(joined), report.captures) == (100, 300)


def test_answers_of_a_sites_own_interface_are_captures_too():
    """What a page fetches shows no more of a removed comment than the page."""
    answer = """{{"status": "ok", "discussion": {{"key": "/p/1", "webUrl": "{page}", "comments":
        [{{"id": 1, "body": "{body}", "status": "{status}"}}]}}}}"""
    notice = "This comment was removed by a moderator because it broke our standards."
    seen_then = [
        comment
        for day, body, status in [(DAYS[0], "words", "visible"), (DAYS[1], notice, "blocked")]
        for comment in read_comments(
            answer.format(page=FERRY, body=body, status=status).encode(), captured_at=day
        )
    ]
    [joined] = join_captures(seen_then, JoinReport())
    assert (joined.text, joined.label, joined.removal_reason) == ("words", 1, notice)
