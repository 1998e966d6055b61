"""`Comment` and `Thread`: what a comment may say, and threads from parent ids."""

import pickle
from collections import Counter
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

import moderation
from moderation.comments import Comment, Status, build_threads, find_root

IDS = st.sampled_from("abcdefg")


def comment(id: str, parent: str | None = None) -> Comment:
    return Comment(id, f"words of {id}", "csv", parent_id=parent)


def shape(comments: list[Comment]) -> list[str]:
    """Return threads as lines such as `a >b >>c`, replies behind what they answer."""
    return [
        " ".join(">" * depth + one.id for depth, one in thread.walk())
        for thread in build_threads(comments)
    ]


@pytest.mark.parametrize(
    ("pairs", "threads"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "ba", "cb", "da"], ["a >b >>c >d"]),
        (["ba", "a"], ["a >b"]),
        (["bx", "a"], ["b", "a"]),
        (["aa"], ["a"]),
        (["ab", "ba"], ["a >b"]),
        (["ca", "ab", "ba"], ["a >c >b"]),
        (["ab", "bc", "cb"], ["b >a >c"]),
        (["a", "a", "ba"], ["a >b", "a"]),
    ],
    ids=lambda value: "-".join(value) if value and len(value[0]) < 3 else "",
)
def test_threads_keep_the_order_and_lose_nothing(pairs, threads):
    """`ba` is a comment b that answers a; a circle is cut at its first comment."""
    assert shape([comment(*pair) for pair in pairs]) == threads


@given(st.lists(st.tuples(IDS, st.none() | IDS), max_size=12))
def test_every_comment_is_in_exactly_one_thread(pairs):
    """Whatever the ids: missing parents, circles, ids that come twice."""
    comments = [comment(*pair) for pair in pairs]
    walked = [one for thread in build_threads(comments) for _, one in thread.walk()]
    assert Counter(map(id, walked)) == Counter(map(id, comments))


@given(st.lists(st.sampled_from([comment("a"), comment("b", "a"), comment("c", "b")]), max_size=9))
def test_a_comment_given_twice_is_there_twice_with_all_replies(comments):
    walked = [one for thread in build_threads(comments) for _, one in thread.walk()]
    assert Counter(walked) == Counter(comments)


@given(st.permutations("abcdef"), st.lists(IDS, min_size=6, max_size=6))
def test_a_reply_stands_under_its_parent_unless_that_closes_a_circle(order, parents):
    comments = [comment(*pair) for pair in zip(order, parents, strict=True)]
    for thread in build_threads(comments):
        above: list[str] = []
        for depth, one in thread.walk():
            assert depth == 0 or above[depth - 1] == one.parent_id
            above[depth:] = [one.id]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_replies_may_nest_deeper_than_the_stack(is_reversed):
    chain = [comment("0"), *(comment(str(n), str(n - 1)) for n in range(1, 50_000))]
    [thread] = build_threads(reversed(chain) if is_reversed else chain)
    assert max(depth for depth, _ in thread.walk()) == 49_999


def test_find_root_ends_where_a_circle_closes():
    parents = {"a": "b", "b": "c", "c": "b", "d": None, "e": "gone"}
    assert {one: find_root(one, parents) for one in parents} == {
        **{"a": "c", "b": "c", "c": "b"},
        **{"d": "d", "e": "gone"},
    }


@pytest.mark.parametrize("field", ["created_at", "captured_at"])
def test_a_time_without_a_zone_is_refused(field):
    with pytest.raises(ValueError, match="aware"):
        Comment("1", "words", "csv", **{field: datetime(2026, 1, 14)})
    moment = datetime(2026, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert getattr(Comment("1", "words", "csv", **{field: moment}), field) == moment


@pytest.mark.parametrize("label", [-1, 2, 0.5, "1"])
def test_a_label_is_one_or_nought(label):
    with pytest.raises(ValueError, match="expected 0, 1 or None"):
        Comment("1", "words", "csv", label=label)


def test_what_a_source_does_not_show_is_unknown_and_not_nought():
    one = Comment("1", None, "csv")
    shown = (one.positive_votes, one.negative_votes, one.rating, one.label, one.number)
    assert set(shown) == {None}
    assert one.status is Status.PUBLISHED


def test_a_comment_is_a_value():
    """Equal, hashable, unchangeable, and able to travel between processes."""
    one = Comment("1", "words", "csv", created_at=datetime(2026, 1, 14, tzinfo=UTC), extra={"a": 1})
    again = pickle.loads(pickle.dumps(one))
    assert one == again
    assert len({one, again}) == 1
    with pytest.raises(FrozenInstanceError):
        one.text = "others"


def test_the_package_names_what_it_offers():
    assert all(getattr(moderation, name) is not None for name in moderation.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        moderation.nothing  # noqa: B018 reading it is the test
