"""Near-duplicates in the store, on SQLite and PostgreSQL, against comparing each with each."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from moderation import review
from moderation.comments import Comment
from moderation.policy import Action
from moderation.review import alike, key_of
from moderation.similar import NEAR, RELATED, VERSION, find_bands, fold, similarity
from moderation.tables import BAND_COLUMNS, Decision, Held, StoredComment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTICLE = "https://courier.example/news/bridge"
FERRY = "The ferry is late again and nobody at the harbour knows why."
BRIDGE = "Please close the bridge to lorries before somebody gets hurt."
EDITS = (
    FERRY,
    FERRY.upper() + "!!!",
    FERRY.replace("late", "laaaate"),
    FERRY.replace("nobody", "no one"),
    FERRY.replace("late again", "early"),
    FERRY + " It is a shame.",
    FERRY + " " + BRIDGE,
    BRIDGE,
    BRIDGE.replace("lorries", "trucks"),
    "Well said!",
    "well said",
    "😂😂",
)


@pytest.fixture
def session(store):
    with store.writing() as session:
        yield session


def remark(id: str, text: str | None) -> Comment:
    return Comment(id, text, "csv", article_id=ARTICLE)


def key(id: object) -> str:
    return key_of(remark(str(id), None))


def add(session, *texts: str | None, begin: int = 0, at: datetime = NOON) -> list[str]:
    comments = [remark(str(begin + number), text) for number, text in enumerate(texts)]
    review.add_comments(session, comments, added_at=at)
    return [key_of(comment) for comment in comments]


def decide(session, id: object, action: Action, *, by: str = "anna", **more) -> Decision:
    rule = "spam" if action is Action.REMOVE else None
    facts = {"decided_by": by, "decided_at": NOON, "house_rule": rule, **more}
    return review.record_decision(session, key(id), action, **facts)


def read_bands(session, id: object) -> tuple[int, list[int | None]]:
    columns = [getattr(StoredComment, name) for name in ("signed_with", *BAND_COLUMNS)]
    version, *bands = session.execute(select(*columns).where(StoredComment.key == key(id))).one()
    return version, bands


def share_band(text: str, other: str) -> bool:
    one, two = find_bands([text, other])
    return bool(set(one) & set(two))


def test_the_table_has_a_column_for_each_band():
    assert len(find_bands([FERRY])[0]) == len(BAND_COLUMNS)


def test_a_comment_that_is_added_has_its_bands(session):
    add(session, FERRY)
    assert read_bands(session, 0) == (VERSION, find_bands([FERRY])[0])
    assert review.index_comments(session) == 0


@pytest.mark.parametrize("text", [None, "", "😂😂"])
def test_a_comment_without_letters_has_no_bands_and_is_not_due_again(session, text):
    add(session, text)
    assert read_bands(session, 0) == (VERSION, [None] * len(BAND_COLUMNS))
    assert review.index_comments(session) == 0


def test_comments_are_indexed_in_portions(session):
    add(session, *EDITS)
    review.drop_bands(session, *map(key, range(len(EDITS))))
    counts = [review.index_comments(session, limit=5) for _ in range(4)]
    assert counts == [5, 5, 2, 0]
    assert read_bands(session, 0) == (VERSION, find_bands([FERRY])[0])


def test_new_words_bring_new_bands(session):
    add(session, FERRY)
    add(session, BRIDGE)
    assert read_bands(session, 0) == (VERSION, find_bands([BRIDGE])[0])


def test_bands_of_an_earlier_version_are_made_anew(session):
    add(session, FERRY)
    session.execute(update(StoredComment).values(signed_with=VERSION - 1, band_0=1))
    assert review.index_comments(session) == 1
    assert read_bands(session, 0) == (VERSION, find_bands([FERRY])[0])


def test_dropped_bands_are_gone_and_nothing_is_found_by_them(session):
    add(session, FERRY, FERRY)
    review.drop_bands(session, key(1))
    assert read_bands(session, 1) == (0, [None] * len(BAND_COLUMNS))
    assert review.find_waiting(session, key(0), FERRY, limit=9) == []


@pytest.mark.parametrize("place", range(len(EDITS)))
def test_what_waits_is_found_as_by_comparing_each_with_each(session, place):
    keys = add(session, *EDITS)
    found = review.find_waiting(session, keys[place], EDITS[place], limit=99)
    expected = {
        other: near
        for other, text in zip(keys, EDITS, strict=True)
        if other != keys[place] and (near := similarity(EDITS[place], text)) >= NEAR
    }
    assert {one.key: one.similarity for one in found} == pytest.approx(expected)
    assert [one.similarity for one in found] == sorted(expected.values(), reverse=True)


def test_what_waits_is_found_up_to_a_limit(session):
    add(session, *[FERRY] * 5)
    assert len(review.find_waiting(session, key(0), FERRY, limit=3)) == 3


def test_what_is_decided_does_not_wait(session):
    add(session, FERRY, FERRY, FERRY)
    decide(session, 1, Action.APPROVE)
    assert [one.key for one in review.find_waiting(session, key(0), FERRY, limit=9)] == [key(2)]


def test_what_waits_for_a_second_opinion_is_not_among_what_waits(session):
    add(session, FERRY, FERRY)
    decide(session, 1, Action.APPROVE, second_share=1.0)
    assert session.get(Held, key(1)) is not None
    assert review.find_waiting(session, key(0), FERRY, limit=9) == []


@pytest.mark.parametrize("place", range(len(EDITS)))
def test_past_decisions_are_found_as_by_comparing_each_with_each(session, place):
    """Nearest first, then newest; of the same words decided in the same way the latest."""
    keys = add(session, *EDITS, EDITS[place])
    for number in range(len(EDITS)):
        decide(session, number, (Action.APPROVE, Action.REMOVE)[number % 2])
    found = review.find_decided(session, keys[-1], EDITS[place], limit=99)
    latest = {
        (fold(text), number % 2): (-near, -number)
        for number, text in enumerate(EDITS)
        if (near := similarity(EDITS[place], text)) >= RELATED and share_band(EDITS[place], text)
    }
    expected = [keys[-number] for _, number in sorted(latest.values())]
    assert [one.key for one in found] == expected


def test_a_past_decision_tells_who_decided_what_and_why(session):
    add(session, FERRY, FERRY.upper())
    decision = decide(session, 0, Action.REMOVE, by="ben")
    [found] = review.find_decided(session, key(1), FERRY.upper())
    assert (found.key, found.comment.text, found.similarity) == (key(0), FERRY, 1.0)
    assert (found.decision.id, found.decision.decided_by) == (decision.id, "ben")
    assert (found.decision.action, found.decision.house_rule) == (Action.REMOVE, "spam")


def test_the_decision_on_a_comment_itself_is_never_among_its_past_ones(session):
    """Whoever gives a second opinion must not see the first."""
    add(session, FERRY)
    decide(session, 0, Action.REMOVE, second_share=1.0)
    assert review.find_decided(session, key(0), FERRY) == []


def test_only_decisions_in_force_are_past_decisions(session):
    add(session, FERRY, FERRY)
    first = decide(session, 0, Action.REMOVE)
    decide(session, 0, Action.APPROVE, overrules=first)
    [found] = review.find_decided(session, key(1), FERRY)
    assert found.decision.action is Action.APPROVE
    review.undo(session, decided_by="anna", decided_at=NOON)
    review.undo(session, decided_by="anna", decided_at=NOON)
    assert review.find_decided(session, key(1), FERRY) == []


@pytest.mark.parametrize("text", [None, "", "😂😂", "Nothing like it was ever written here."])
def test_where_nothing_is_alike_nothing_is_shown(session, text):
    add(session, *EDITS)
    decide(session, 0, Action.APPROVE)
    assert review.find_decided(session, key(99), text) == []
    assert review.find_waiting(session, key(99), text, limit=9) == []


def test_many_copies_do_not_hide_the_latest_decision_nor_the_one_that_waits(session, monkeypatch):
    """Of 30 copies decided and 30 waiting a band contributes 4."""
    monkeypatch.setattr(alike, "FROM_A_BAND", 4)
    monkeypatch.setattr(alike, "SCANNED", 4)
    add(session, *[FERRY] * 60)
    for number in range(29):
        decide(session, number, Action.REMOVE)
    latest = decide(session, 29, Action.APPROVE)
    found = review.find_decided(session, key(59), FERRY)
    assert [one.decision.action for one in found] == [Action.APPROVE, Action.REMOVE]
    assert found[0].decision.id == latest.id
    assert len(review.find_waiting(session, key(59), FERRY, limit=4)) == 4


def test_groups_are_the_largest_first_and_each_begins_with_what_waited_longest(session):
    add(session, FERRY, BRIDGE, FERRY.upper(), "Well said!", FERRY.replace("late", "laaate"))
    add(session, BRIDGE, begin=9, at=NOON - timedelta(hours=1))
    found = review.group_waiting(session, limit=9)
    assert [len(group) for group in found] == [3, 2]
    assert found[0][0] == min(map(key, (0, 2, 4)))
    assert found[1] == [key(9), key(1)]


def test_what_shares_a_band_and_is_not_near_is_in_no_group(session):
    cut = FERRY.replace("late again", "early")
    assert share_band(FERRY, cut)
    add(session, FERRY, cut)
    assert similarity(FERRY, cut) < NEAR
    assert review.group_waiting(session, limit=9) == []


def test_groups_have_a_least_size_and_a_most_number(session):
    add(session, FERRY, FERRY, BRIDGE, BRIDGE, BRIDGE)
    assert [len(group) for group in review.group_waiting(session, least=3, limit=9)] == [3]
    assert [len(group) for group in review.group_waiting(session, limit=1)] == [3]
    assert review.group_waiting(session, least=4, limit=9) == []
    assert review.group_waiting(session, limit=0) == []


def test_groups_do_not_drift(session):
    """Each word is replaced in turn: neighbours are near, the ends have nothing in common."""
    words, chain = FERRY.split(), [FERRY]
    for place, new in enumerate(BRIDGE.split() * 2):
        if place < len(words):
            words[place] = new
            chain.append(" ".join(words))
    keys = add(session, *chain)
    texts = dict(zip(keys, chain, strict=True))
    groups = review.group_waiting(session, limit=99)
    assert len(groups) > 1
    for first, *others in groups:
        assert all(similarity(texts[first], texts[other]) >= NEAR for other in others)
    assert len({one for group in groups for one in group}) == sum(map(len, groups))


def test_one_comment_is_no_group(session):
    with pytest.raises(ValueError, match="least is 1; a group has at least 2 comments"):
        review.group_waiting(session, least=1, limit=9)


def test_groups_are_looked_for_a_limited_number_of_times(session, monkeypatch):
    """The largest first: of more than are tried, the small ones are missed."""
    monkeypatch.setattr(alike, "TRIED", 1)
    add(session, BRIDGE, BRIDGE, FERRY, FERRY, FERRY)
    assert [len(group) for group in review.group_waiting(session, limit=9)] == [3]


def test_of_equally_small_groups_those_that_share_most_come_first(session, monkeypatch):
    """Chance brings pairs together by one band, copies share them all."""
    monkeypatch.setattr(alike, "TRIED", 1)
    cut = FERRY.replace("late again", "early")
    assert share_band(FERRY, cut)
    assert similarity(FERRY, cut) < NEAR
    add(session, FERRY, cut, "Well said!", "Well said!")
    assert review.group_waiting(session, limit=9) == [sorted([key(2), key(3)])]


def test_nothing_that_waits_makes_no_group(session):
    assert review.group_waiting(session, limit=9) == []


def test_what_is_decided_or_waits_for_a_second_moderator_is_in_no_group(session):
    add(session, *[FERRY] * 4)
    decide(session, 0, Action.APPROVE, second_share=1.0)
    review.escalate(session, key(1), decided_by="anna", decided_at=NOON, note="look, please")
    [group] = review.group_waiting(session, limit=9)
    assert set(group) == {key(2), key(3)}


def test_a_removed_comment_whose_near_duplicate_was_approved_is_a_contradiction(session):
    add(session, FERRY, FERRY.upper(), BRIDGE, BRIDGE.lower(), "Well said!", "well said")
    for number, action in enumerate((Action.REMOVE, Action.APPROVE, Action.APPROVE)):
        decide(session, number, action)
    decide(session, 3, Action.REMOVE, by="ben")
    decide(session, 4, Action.APPROVE)
    decide(session, 5, Action.APPROVE)
    found = review.find_contradictions(session, limit=9)
    assert [(one.newer.key, one.older.key) for one in found] == [
        (key(3), key(2)),
        (key(1), key(0)),
    ]
    assert found[0].newer.decision.decided_by == "ben"
    assert found[0].older.similarity == found[0].newer.similarity == 1.0


def test_contradictions_are_bounded_and_of_the_same_words_one_is_told(session):
    add(session, *[FERRY] * 4, BRIDGE, BRIDGE)
    decide(session, 4, Action.APPROVE)
    decide(session, 5, Action.REMOVE)
    decide(session, 0, Action.APPROVE)
    for number in (1, 2, 3):
        decide(session, number, Action.REMOVE)
    found = review.find_contradictions(session, limit=9)
    assert [one.newer.key for one in found] == [key(3), key(5)]
    assert len(review.find_contradictions(session, limit=1)) == 1
    assert len(review.find_contradictions(session, limit=9, among=4)) == 1


def test_an_undone_decision_contradicts_nothing(session):
    add(session, FERRY, FERRY)
    decide(session, 0, Action.APPROVE)
    decide(session, 1, Action.REMOVE)
    review.undo(session, decided_by="anna", decided_at=NOON)
    assert review.find_contradictions(session, limit=9) == []
