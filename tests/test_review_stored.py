"""Comments in the store: what adding changes, what comes to wait by it, and threads."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from moderation import review
from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.review import AddCounts
from moderation.tables import StoredComment, StoredScore
from tests.desks import (
    ARTICLE,
    NOON,
    FakeScorer,
    act,
    act_on_all,
    add,
    after,
    judge,
    read_held,
    remark,
    remarks,
    shown,
    take_back,
)


def read_comment(session) -> StoredComment:
    query = select(StoredComment).execution_options(populate_existing=True)
    return session.scalars(query).one()


def test_adding_counts_what_is_new_updated_and_unchanged(session):
    assert add(session, remark("1"), remark("2")) == AddCounts(new=2)
    again = add(session, remark("1"), remark("2", rating=4), remark("3"))
    assert again == AddCounts(new=1, updated=1, unchanged=1)


def test_a_later_capture_in_which_nothing_changed_updates_nothing(session):
    add(session, remark(captured_at=NOON))
    assert add(session, remark(captured_at=NOON + timedelta(days=1))).unchanged == 1
    assert add(session, remark(captured_at=NOON + timedelta(hours=1), rating=3)).updated == 0


def test_an_id_twice_in_one_table_is_one_comment_as_last_given(session):
    counts = add(session, remark(rating=1), remark(rating=2))
    assert counts == AddCounts(new=1, updated=1)
    assert shown(session).comment.rating == 2


def test_other_words_in_the_same_table_wait_once(session):
    add(session, remark(text="0.1 first"), remark(text="0.9 second"), remark(text="0.9 second"))
    assert shown(session).comment.text == "0.9 second"
    assert review.count_waiting(session) == 1


def test_more_comments_than_are_looked_up_at_once_are_all_stored(session, monkeypatch):
    monkeypatch.setattr(review.stored, "LOOKED_UP_AT_ONCE", 3)
    comments = [remark(str(n)) for n in range(8)]
    assert add(session, *comments).new == 8
    assert add(session, *comments).unchanged == 8
    assert review.count_waiting(session) == review.count_comments(session) == 8


# What waits


@pytest.mark.parametrize(
    "settled",
    [
        remark(status=Status.REMOVED),
        remark(status=Status.WITHDRAWN),
        remark(label=0),
        remark(label=1),
        remark(text=None),
        remark(text=None, status=Status.PENDING),
        remark(text=""),
    ],
    ids=lambda comment: f"{comment.status}, label {comment.label}, text {comment.text!r}",
)
def test_what_is_settled_or_has_no_words_never_waits(session, settled):
    add(session, settled)
    assert review.count_waiting(session) == 0
    assert judge(session, FakeScorer()) == 0
    assert review.count_comments(session) == 1


@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.PENDING, None])
def test_what_is_published_pending_or_unknown_waits(session, status):
    add(session, remark(status=status))
    assert review.count_waiting(session) == 1
    assert shown(session).comment == remark(status=status)


def test_what_waits_is_held_since_it_was_added(session):
    add(session, remark("1"), at=NOON)
    add(session, remark("1", rating=3), remark("2"), at=after(5))
    assert {id: held.held_at for id, held in read_held(session).items()} == {
        "1": NOON, "2": after(5),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known", "coming", "kept"),
    [
        (NOON, NOON - timedelta(days=1), "stored"),
        (NOON, NOON, "coming"),
        (NOON, NOON + timedelta(days=1), "coming"),
        (NOON, None, "coming"),
        (None, NOON, "coming"),
    ],
)
def test_an_older_capture_never_overwrites_a_newer_one(session, known, coming, kept):
    add(session, remark(author="stored", captured_at=known))
    add(session, remark(author="coming", captured_at=coming))
    assert shown(session).comment.author == kept


def test_a_capture_without_a_time_does_not_open_the_door_to_older_ones(session):
    add(session, remark(author="first", captured_at=NOON))
    add(session, remark(author="second"))
    add(session, remark(author="oldest", captured_at=NOON - timedelta(days=1)))
    assert shown(session).comment.author == "second"


def test_words_are_kept_when_a_later_capture_no_longer_shows_them(session):
    add(session, remark(text="0.8 strong words", captured_at=NOON))
    gone = remark(text=None, status=Status.REMOVED, captured_at=NOON + timedelta(days=1))
    assert add(session, gone).updated == 1
    row = read_comment(session)
    assert (row.text, row.status) == ("0.8 strong words", Status.REMOVED)
    assert review.count_waiting(session) == 0


def test_a_known_outcome_survives_a_capture_that_tells_none(session):
    """One capture alone has no label; the comment was seen to stay up, and need not wait again."""
    add(session, remark(label=0))
    add(session, remark(rating=7))
    assert review.count_waiting(session) == 0


def test_a_kept_comment_that_is_referred_later_waits(session):
    add(session, remark(label=0))
    add(session, remark(status=Status.PENDING))
    assert review.count_waiting(session) == 1


def test_what_its_source_has_settled_meanwhile_waits_no_longer(session):
    add(session, *remarks("12"))
    add(session, remark("1", status=Status.REMOVED))
    assert list(read_held(session)) == ["2"]


def test_edited_words_wait_again_without_their_old_score_and_verdict(session):
    """Nobody has judged the new words; the decision on the old ones stays in the history."""
    scorer = FakeScorer()
    add(session, remark(text="0.2 mild"))
    judge(session, scorer)
    act(session, "1")
    add(session, remark(text="0.9 advertising instead"))
    waiting = shown(session, scorer=scorer)
    assert waiting.comment.text == "0.9 advertising instead"
    assert (waiting.score, waiting.proposed, waiting.cause) == (None, None, None)
    assert list(review.decided_comments(session)) == []
    assert len(review.history(session, waiting.key)) == 1
    assert take_back(session) == []


def test_edited_words_are_scored_anew_by_every_model(session):
    add(session, remark(text="0.2 mild"))
    judge(session, FakeScorer("first"))
    judge(session, FakeScorer("second"))
    add(session, remark(text="0.9 advertising instead"))
    assert list(session.scalars(select(StoredScore))) == []
    again = FakeScorer("first")
    judge(session, again)
    assert again.asked == ["0.9 advertising instead"]


def test_edited_words_are_nobodys_any_longer(session):
    """Whoever has the old words on screen has not seen these."""
    add(session, remark(text="0.2 mild"))
    review.claim_next(session, [shown(session).key], moderator="anna", now=NOON)
    add(session, remark(text="0.9 advertising instead"), at=after(1))
    held = read_held(session)["1"]
    assert (held.claimed_by, held.held_at) == (None, after(1))


def test_words_that_an_older_capture_knows_are_filled_in(session):
    """Captures may be uploaded in any order."""
    add(session, remark(text=None, status=Status.PENDING, captured_at=NOON))
    add(session, remark(author="older", captured_at=NOON - timedelta(days=1)))
    waiting = shown(session).comment
    assert (waiting.text, waiting.status, waiting.author) == (
        "0.5 a quiet remark", Status.PENDING, None,
    )  # fmt: skip


def test_votes_that_change_leave_a_decision_in_force(session):
    add(session, remark())
    act(session, "1")
    add(session, remark(positive_votes=9, captured_at=NOON))
    assert review.count_waiting(session) == 0


def test_what_was_decided_in_bulk_does_not_wait_when_it_comes_again(session):
    """In the same session, too, whose objects are older than what the bulk action wrote."""
    add(session, *remarks("123"))
    old = session.scalars(select(StoredComment)).all()
    act_on_all(session, "123")
    add(session, *(replace(comment, rating=4) for comment in remarks("123")))
    assert read_held(session) == {}
    assert len(old) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (remark(), remark(article_id="https://courier.example/news/ferry")),
        (remark(article_id=None), remark(article_id=None, article_title="Ferry")),
        (remark("1\n2", article_id="a"), remark("2", article_id="a\n1")),
        (remark("b", article_id="a"), remark("ab", article_id="")),
    ],
)
def test_the_same_id_on_another_article_is_another_comment(session, one, other):
    assert add(session, one, other).new == 2
    assert review.count_waiting(session) == 2


@pytest.mark.parametrize("hostile", ["half \ud83d a pair", "nul \x00 inside", "\udfff"])
def test_what_no_database_stores_is_replaced(session, hostile):
    """JSON can spell both; PostgreSQL refuses the one, SQLite the other."""
    comment = remark(text=hostile, author=hostile, article_title=hostile, removal_reason=hostile)
    assert add(session, comment).new == 1
    assert add(session, comment).unchanged == 1
    assert "\ufffd" in shown(session).comment.text


def test_a_comment_comes_back_as_it_was(session):
    full = Comment(
        "7", "two\n\nparagraphs 🦭 א", "bbc_module", Status.PENDING, parent_id="6", number=12,
        article_id=ARTICLE, article_title="Bridge", author="A. Reader", created_at=NOON,
        captured_at=NOON, positive_votes=3, negative_votes=0, rating=-2, removal_reason="referred",
        highlighted=True,
    )  # fmt: skip
    add(session, full)
    session.expunge_all()
    assert shown(session, "7").comment == full


# Threads


def ids_around(session, id: str) -> list[tuple[int, str]]:
    thread = review.thread_of(session, remark(id))
    return [(depth, comment.id) for depth, comment in thread.walk()]


FAMILY = [
    remark("1"), remark("2", parent_id="1"), remark("3", parent_id="2"), remark("4", parent_id="1"),
    remark("5"), remark("6", parent_id="elsewhere"), remark("7", parent_id="6"),
    remark("8", parent_id="9"), remark("9", parent_id="8"), remark("10", parent_id="9"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("id", "thread"),
    [
        ("1", [(0, "1"), (1, "2"), (2, "3"), (1, "4")]),
        ("3", [(0, "1"), (1, "2"), (2, "3"), (1, "4")]),
        ("5", [(0, "5")]),
        ("6", [(0, "6"), (1, "7")]),
        ("7", [(0, "6"), (1, "7")]),
        ("9", [(0, "8"), (1, "9"), (2, "10")]),
        ("10", [(0, "8"), (1, "9"), (2, "10")]),
    ],
)
def test_a_thread_is_all_above_and_below_and_nothing_else(session, id, thread):
    """A parent on another page starts the thread anew; a circle of replies ends."""
    numbered = [replace(comment, number=int(comment.id)) for comment in FAMILY]
    add(session, *numbered, remark("2", parent_id="1", article_id="another"))
    assert ids_around(session, id) == thread


def test_a_thread_may_be_deep(session):
    add(session, *(remark(str(n), parent_id=str(n - 1), number=n) for n in range(300)))
    assert ids_around(session, "150")[-1] == (299, "299")


def test_comments_without_an_article_are_no_thread_of_each_other(session):
    add(session, *(remark(str(n), article_id=None) for n in range(50)))
    thread = review.thread_of(session, remark("7", article_id=None))
    assert [comment.id for _, comment in thread.walk()] == ["7"]


def test_a_comment_that_is_not_stored_has_no_thread(session):
    with pytest.raises(ReviewError, match="add it first"):
        review.thread_of(session, remark("1"))
