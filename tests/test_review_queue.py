"""The queue: its orders and filters against plain sorting, frozen lists, and claims."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import review
from moderation.comments import Comment
from moderation.database import open_store
from moderation.errors import ReviewError
from moderation.policy import Action, Cause, Policy, Rule, TooShort
from moderation.review import ESCALATED, Filters, Order, key_of
from tests.desks import (
    NOON,
    FakeScorer,
    act,
    act_on_all,
    add,
    after,
    claim,
    hand_on,
    judge,
    keys_of,
    listed,
    open_desk,
    read_held,
    remark,
    remarks,
    reopen,
    shown,
    take_back,
)

SCORED = (Order.LIKELIEST, Order.MOST_UNCERTAIN)

# Orders


def sort_plainly(comments: list[Comment], order: Order, unscored: str = "") -> list[str]:
    """Sort as the words say, without a database."""

    def score(comment: Comment) -> float:
        return float(comment.text.split()[0])

    def seen(comment: Comment) -> int:
        votes = (comment.positive_votes or 0) + (comment.negative_votes or 0)
        replies = sum(other.parent_id == comment.id for other in comments)
        return max(votes, abs(comment.rating or 0)) + replies

    def first(comment: Comment) -> tuple:
        if order in SCORED and comment.id in unscored:
            return (False,)
        away = {
            Order.LIKELIEST: lambda: -score(comment),
            Order.MOST_UNCERTAIN: lambda: abs(score(comment) - 0.5),
            Order.MOST_SEEN: lambda: -seen(comment),
            Order.OLDEST: lambda: 0,
        }[order]()
        return (True, away)

    def age(comment: Comment) -> tuple:
        return (comment.created_at is None, comment.created_at or NOON, key_of(comment))

    return [one.id for one in sorted(comments, key=lambda one: (first(one), age(one)))]


COMMENTS = st.builds(
    dict,
    score=st.sampled_from(["0.0", "0.2", "0.5", "0.8", "1.0"]),
    created_at=st.sampled_from([None, NOON, after(-5), after(9)]),
    positive_votes=st.sampled_from([None, 0, 3]),
    negative_votes=st.sampled_from([None, 0, 2]),
    rating=st.sampled_from([None, -7, 0, 4]),
    parent_id=st.sampled_from([None, "a", "b", "elsewhere"]),
)


@given(st.lists(COMMENTS, min_size=1, max_size=7), st.integers(0, 7))
def test_each_order_is_that_of_plain_sorting(facts, scored):
    """Also where many are alike, and where scores, times and votes are missing."""
    comments = [
        remark(id, f"{fact['score']} remark", **{k: v for k, v in fact.items() if k != "score"})
        for id, fact in zip("abcdefg", facts, strict=False)
    ]
    scorer = FakeScorer()
    with open_desk() as sessions, sessions() as session:
        add(session, *comments[:scored])
        judge(session, scorer)
        add(session, *comments[scored:])
        unscored = "abcdefg"[scored:]
        for order in Order:
            expected = sort_plainly(comments, order, unscored)
            assert listed(session, scorer, order=order) == expected


def test_the_likeliest_to_break_the_rules_comes_first(session):
    add(session, remark("1", "0.2 mild"), remark("2", "0.9 strong"), remark("3", "0.5 middling"))
    scorer = FakeScorer()
    assert judge(session, scorer) == 3
    assert listed(session, scorer) == ["2", "3", "1"]


@pytest.mark.parametrize("order", SCORED)
def test_what_has_no_score_comes_first(session, order):
    """Nothing is known of it: a missing score is not a low one."""
    scorer = FakeScorer()
    add(session, remark("1", "0.9 strong"), remark("3", "0.5 middling"))
    judge(session, scorer)
    add(session, remark("2", "0.1 not scored yet"))
    assert listed(session, scorer, order=order)[0] == "2"


@pytest.mark.parametrize("order", Order)
def test_what_another_moderator_handed_on_comes_first_in_every_order(session, order):
    scorer = FakeScorer()
    add(session, remark("1", "0.5 seen", rating=9, created_at=NOON), remark("2", "0.1 little"))
    judge(session, scorer)
    add(session, remark("3", "0.9 without a score"))
    hand_on(session, "2")
    assert listed(session, scorer, order=order, by="ben")[0] == "2"
    assert "2" not in listed(session, scorer, order=order, by="anna")


def test_scores_of_another_version_or_attribute_are_not_shown(session):
    add(session, remark(text="0.7 strong"))
    old, other = FakeScorer("old"), FakeScorer("old")
    other.attribute = "SPAM"
    judge(session, old)
    assert shown(session, scorer=old).score == 0.7
    for scorer in (FakeScorer("new"), other, None):
        assert shown(session, scorer=scorer).score is None
        assert len(listed(session, scorer)) == 1


def test_several_versions_scores_list_no_comment_twice(session):
    add(session, *remarks("123"))
    for version in ("old", "new"):
        judge(session, FakeScorer(version))
    assert sorted(listed(session, FakeScorer("new"))) == list("123")


def test_an_empty_store_has_nothing_to_show(session):
    empty = review.list_waiting(session, None, moderator="anna", now=NOON)
    assert (empty.keys, empty.waiting, empty.made_at) == ((), 0, NOON)
    assert claim(session, "123", by="anna") is None
    assert review.claim_next(session, [], moderator="anna", now=NOON) is None
    assert review.get_many(session, None, []) == []
    assert review.find_choices(session) == {"article": [], "rule": []}
    assert review.count_comments(session) == review.count_waiting(session) == 0


# Filters

FERRY = "https://courier.example/news/ferry"
SOME = [
    remark("1", "0.1 the old bridge", author="kim", created_at=after(-60)),
    remark("2", "0.5 a new bridge", author="lou", created_at=NOON, article_id=FERRY),
    remark("3", "0.6 THE ferry", author="kim", created_at=after(60), article_id=FERRY),
    remark("4", "0.9 100% of the tolls", author=None, created_at=None),
    remark("5", "0.7 snake_case", author="Kim", created_at=after(1)),
    remark("6", "0.3 back\\slash / slash", author="lou", created_at=after(2)),
    remark("7", "0.0 an unscored one", author="kim", created_at=after(3)),
]
FILTERS = {
    "article": FERRY,
    "author": "kim",
    "rule": "high",
    "reason": Cause.RULE.value,
    "least": 0.5,
    "most": 0.6,
    "since": NOON,
    "until": after(60),
    "words": "The",
}


def passes(comment: Comment, name: str, value) -> bool:
    """Tell whether a comment passes one filter, as the words say."""
    score = None if comment.id == "7" else float(comment.text.split()[0])
    return {
        "article": lambda: comment.article_id == value,
        "author": lambda: comment.author == value,
        "rule": lambda: score is not None and score >= 0.6,
        "reason": lambda: score is not None and score >= 0.5,
        "least": lambda: score is not None and score >= value,
        "most": lambda: score is not None and score <= value,
        "since": lambda: comment.created_at is not None and comment.created_at >= value,
        "until": lambda: comment.created_at is not None and comment.created_at < value,
        "words": lambda: value.lower() in comment.text.lower(),
    }[name]()


@pytest.fixture
def filled(session):
    policy = Policy(
        (
            Rule("LIKELY_TO_REJECT", 0.6, Action.HOLD, "high"),
            Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "middling"),
        )
    )
    add(session, *SOME[:-1])
    judge(session, FakeScorer(), policy)
    add(session, SOME[-1])
    return session


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_leaves_what_it_says(filled, name):
    expected = {one.id for one in SOME if passes(one, name, FILTERS[name])}
    assert set(listed(filled, FakeScorer(), **{name: FILTERS[name]})) == expected
    assert 0 < len(expected) < len(SOME)


def test_filters_together_leave_what_passes_them_all(filled):
    for number in range(len(FILTERS) + 1):
        for names in combinations(FILTERS, number):
            chosen = {name: FILTERS[name] for name in names}
            expected = {one.id for one in SOME if all(passes(one, *f) for f in chosen.items())}
            found = review.list_keys(
                filled, FakeScorer(), moderator="ben", filters=Filters(**chosen), limit=99
            )
            assert set(found) == {key_of(one) for one in SOME if one.id in expected}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("%", "4"),
        ("100% of", "4"),
        ("0%o", ""),
        ("_", "5"),
        ("snake_", "5"),
        ("snake-", ""),
        ("\\", "6"),
        ("/", "6"),
        ("\\slash / s", "6"),
        (" bridge ", "12"),
        ("   ", "1234567"),
        ("'; DROP TABLE held; --", ""),
        ("\x00", ""),
        ("\ud800", ""),
        ("[a-z]*", ""),
        ("a" * 1000, ""),
        ("%" * 1000, ""),
    ],
    ids=lambda value: ascii(value[:24]),
)
def test_a_search_finds_its_words_and_nothing_else(filled, words, found):
    """The signs that a database takes for anything stand for themselves."""
    assert sorted(listed(filled, words=words)) == list(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [("0.5 ÜBER die Brücke", "über"), ("0.5 über", "ÜBER"), ("0.5 Москва", "мОСКВА")],
)
def test_a_search_knows_capitals_of_every_alphabet(session, text, words):
    add(session, remark("1", text), remark("2"))
    assert listed(session, words=words) == ["1"]


@pytest.mark.parametrize("hostile", ["half \ud83d", "nul \x00", "' OR 1=1 --", "x" * 100_000])
@pytest.mark.parametrize("name", ["article", "author", "rule"])
def test_a_hostile_filter_finds_nothing(filled, name, hostile):
    assert listed(filled, FakeScorer(), **{name: hostile}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "no such reason"},
        {"since": NOON.replace(tzinfo=None)},
        {"until": NOON.replace(tzinfo=None)},
        {"least": float("nan")},
        {"most": 1.5},
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_is_refused_where_it_is_made(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is .*expected"):
        Filters(**wrong)


def test_a_search_without_end_is_refused_in_one_line():
    with pytest.raises(ReviewError, match="of 60,000 characters; expected at most 1,000"):
        Filters(words="%" * 60_000)


def test_what_was_replaced_when_it_was_stored_is_found_as_it_was(session):
    add(session, remark("1", "0.5 nul \x00 inside"), remark("2"))
    assert listed(session, words="nul \x00") == ["1"]


def test_why_it_waits_can_be_that_somebody_handed_it_on(filled):
    hand_on(filled, "1")
    assert listed(filled, FakeScorer(), reason=ESCALATED) == ["1"]
    assert listed(filled, FakeScorer(), reason=ESCALATED, by="anna") == []


def test_what_could_not_be_judged_by_its_score_is_found_by_that(session):
    policy = Policy((Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD),), too_short=TooShort(8))
    add(session, remark("1", "0.9 ok"), remark("2"))
    judge(session, FakeScorer(), policy)
    assert listed(session, reason=Cause.TOO_SHORT.value) == ["1"]


def test_filters_are_false_where_they_limit_nothing():
    assert not Filters()
    assert not Filters(words="")
    assert all(Filters(**{name: value}) for name, value in FILTERS.items())


def test_the_choices_are_those_of_what_waits_most_first(filled):
    act(filled, "4")
    choices = review.find_choices(filled)
    assert choices["rule"] == ["high", "middling"]
    assert choices["article"] == sorted({one.article_id for one in SOME}, key=lambda a: a == FERRY)
    assert [len(found) for found in review.find_choices(filled, limit=1).values()] == [1, 1]


# Frozen lists


def test_a_list_is_cut_and_tells_how_much_matches(session):
    add(session, *remarks("12345"))
    facts = {"moderator": "anna", "now": NOON}
    cut = review.list_waiting(session, None, limit=3, **facts)
    assert (len(cut.keys), cut.waiting) == (3, 5)
    whole = review.list_waiting(session, None, limit=5, **facts)
    assert (len(whole.keys), whole.waiting) == (5, 5)
    some = review.list_waiting(session, None, limit=1, filters=Filters(words="none"), **facts)
    assert (some.keys, some.waiting) == ((), 0)


def count_new(session, *, by: str = "anna", since=NOON, **more) -> int:
    filters = Filters(**{name: more.pop(name) for name in list(more) if name in FILTERS})
    facts = {"moderator": by, "since": since, "filters": filters}
    return review.count_arrived(session, FakeScorer(), **facts, **more)


def test_what_arrives_after_a_list_was_made_is_counted(session):
    add(session, *remarks("12"))
    assert count_new(session) == 0
    add(session, *remarks("34"), remark("5", "0.5 a ferry"), at=after(1))
    assert count_new(session) == 3
    assert count_new(session, words="ferry") == 1
    assert count_new(session, since=after(1)) == 0


def test_an_update_of_what_waited_before_is_no_arrival(session):
    add(session, remark("1"))
    add(session, remark("1", rating=4), at=after(1))
    assert count_new(session) == 0


def test_what_oneself_handed_on_has_not_arrived(session):
    add(session, *remarks("12"), at=after(1))
    hand_on(session, "1", by="anna")
    assert (count_new(session, by="anna"), count_new(session, by="ben")) == (1, 2)


def test_what_the_list_holds_has_not_arrived_when_it_comes_back_by_an_undo(session):
    add(session, *remarks("12"))
    frozen = review.list_waiting(session, None, moderator="anna", now=NOON)
    act(session, "1", decided_at=after(1))
    take_back(session, at=after(2))
    assert count_new(session) == 1
    assert count_new(session, but=frozen.keys) == 0


# Claims


def test_two_never_get_the_same_comment(session):
    add(session, *remarks("123"))
    assert [claim(session, "123", by=name) for name in ("anna", "ben", "carl")] == list("123")
    assert claim(session, "123", by="dora") is None


def test_a_claim_is_kept_when_it_is_asked_for_again(session):
    add(session, *remarks("12"))
    assert [claim(session, "12", by="anna") for _ in range(3)] == list("111")


def test_whoever_takes_the_next_lets_the_last_go(session):
    add(session, *remarks("12"))
    claim(session, "1", by="anna")
    claim(session, "2", by="anna")
    assert claim(session, "1", by="ben") == "1"
    assert {id: held.claimed_by for id, held in read_held(session).items()} == {
        "1": "ben", "2": "anna",
    }  # fmt: skip


def test_whoever_finds_nothing_free_lets_the_last_go(session):
    add(session, *remarks("12"))
    claim(session, "1", by="anna")
    claim(session, "2", by="ben")
    assert claim(session, "2", by="anna") is None
    assert claim(session, "1", by="carl") == "1"


@pytest.mark.parametrize(("minutes", "free"), [(9.9, False), (10, True), (60, True)])
def test_a_claim_ends_after_its_time(session, minutes, free):
    add(session, remark())
    claim(session, "1", by="anna")
    assert (claim(session, "1", by="ben", at=after(minutes)) == "1") is free


def test_a_claim_is_renewed_by_asking_again(session):
    add(session, remark())
    for minutes in (0, 9, 18):
        assert claim(session, "1", by="anna", at=after(minutes)) == "1"
    assert claim(session, "1", by="ben", at=after(20)) is None


def test_whoever_comes_back_too_late_gets_another_comment(session):
    add(session, *remarks("12"))
    claim(session, "12", by="anna")
    claim(session, "12", by="ben", at=after(11))
    assert claim(session, "12", by="anna", at=after(12)) == "2"


def test_a_released_comment_is_free(session):
    add(session, *remarks("12"))
    claim(session, "1", by="anna")
    claim(session, "2", by="ben")
    review.release(session, moderator="anna")
    assert claim(session, "12", by="carl") == "1"
    assert claim(session, "2", by="carl") is None


def test_the_first_free_one_of_many_is_found(session, monkeypatch):
    """Also where it is beyond those that are looked at together."""
    monkeypatch.setattr(review.queue, "_CLAIMS_AT_ONCE", 2)
    add(session, *remarks("12345678"))
    for id, name in zip("12345", "abcde", strict=True):
        claim(session, id, by=name)
    act(session, "6")
    assert claim(session, "12345678", by="anna") == "7"


@pytest.mark.parametrize("ids", list(permutations("123")))
def test_the_order_of_the_list_is_kept(session, ids):
    add(session, *remarks("123"))
    assert claim(session, "".join(ids), by="anna") == ids[0]


def test_what_was_decided_or_removed_since_the_list_was_made_is_passed_over(session):
    add(session, *remarks("123"))
    act(session, "1", by="ben")
    add(session, remark("2", label=1))
    assert claim(session, "123", by="anna") == "3"


def test_what_oneself_handed_on_is_not_given_back(session):
    add(session, *remarks("12"))
    hand_on(session, "1", by="anna")
    assert claim(session, "12", by="anna") == "2"
    assert claim(session, "12", by="ben") == "1"


def test_what_comes_to_wait_again_is_free(session):
    add(session, *remarks("12"))
    claim(session, "1", by="anna")
    act(session, "1", by="anna")
    reopen(session, "1", by="lea")
    assert claim(session, "1", by="ben") == "1"


def test_of_many_at_the_same_moment_each_gets_another_comment(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    ids = "abcdefghijklmnop"
    with store.writing() as session:
        add(session, *remarks(ids))

    def claim_as(moderator: str) -> str | None:
        with store.writing() as session:
            return review.claim_next(session, keys_of(ids), moderator=moderator, now=NOON)

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim_as, [f"moderator {n}" for n in range(20)]))
    assert sorted(filter(None, claimed)) == sorted(keys_of(ids))
    assert claimed.count(None) == 4
    store.engine.dispose()


# Single comments


def test_a_comment_is_shown_with_what_a_moderator_is_to_know(filled):
    hand_on(filled, "5", note="is this spam?")
    waiting = shown(filled, "5", FakeScorer())
    assert waiting.comment == SOME[4]
    assert (waiting.score, waiting.rule, waiting.cause) == (0.7, "high", Cause.RULE)
    assert waiting.proposed is Action.HOLD
    assert (waiting.escalation.decided_by, waiting.escalation.note) == ("anna", "is this spam?")
    assert not waiting.is_opinion


def test_what_does_not_wait_is_not_shown(session):
    add(session, *remarks("12"))
    act(session, "1")
    assert review.get_waiting(session, None, keys_of("1")[0]) is None
    assert review.get_waiting(session, None, "nobody") is None
    found = review.get_many(session, None, [*keys_of("21"), "nobody"])
    assert [one.comment.id for one in found] == ["2"]


def test_what_is_severe_is_found_by_its_score(session):
    scorer = FakeScorer()
    add(session, *(remark(id, f"0.{id} remark") for id in "1579"))
    judge(session, scorer)
    add(session, remark("8", "0.8 not scored"))
    keys = keys_of("15798")
    assert review.find_severe(session, scorer, keys, least=0.7) == set(keys_of("79"))
    assert review.find_severe(session, None, keys, least=0.7) == set()


def test_a_bulk_action_would_be_about_what_waits_for_anybody(session):
    add(session, *remarks("1234"))
    act(session, "1", second_share=1.0)
    hand_on(session, "2")
    found = review.list_keys(session, None, moderator="lea", filters=Filters(), limit=99)
    assert found == sorted(keys_of("34"))
    act_on_all(session, "3")
    found = review.list_keys(session, None, moderator="lea", filters=Filters(), limit=99)
    assert found == keys_of("4")
    assert timedelta(minutes=10) == review.queue.CLAIMED_FOR


def test_the_articles_to_choose_from_are_those_of_what_came_last(session, monkeypatch):
    monkeypatch.setattr(review.queue, "CHOSEN_AMONG", 2)
    for minutes, article in enumerate("abbc"):
        add(session, remark(str(minutes), article_id=article), at=after(minutes))
    assert review.find_choices(session)["article"] == ["b", "c"]
