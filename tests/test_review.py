"""The queue, decisions, undo and history, on a real database in memory."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from moderation import review
from moderation.captures import latest_states
from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.frames import to_rows, write_rows
from moderation.parsers import read_comments
from moderation.policy import HOUSE_RULES, Action, Rule, Verdict
from moderation.review import AddCounts, Evidence, key_of
from moderation.tables import Decision, StoredComment, create_session_factory
from moderation.train import main as train
from tests.samples import labelled_comments

PAGE = Path(__file__).parents[1] / "data/inbox/hospital-parking-20261118T1155Z.html"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTICLE = "https://courier.example/news/bridge"


class FakeScorer:
    """Gives each text the number it begins with."""

    attribute = "LIKELY_TO_REJECT"

    def __init__(self, version: str = "first") -> None:
        self.version = version
        self.asked: list[str] = []

    def score(self, texts):
        self.asked.extend(texts)
        return [float(text.split()[0]) for text in texts]


@pytest.fixture
def session():
    sessions = create_session_factory("sqlite://")
    with sessions() as session:
        yield session
    sessions.kw["bind"].dispose()


def remark(id: str = "1", text: str | None = "0.5 a quiet remark", **facts) -> Comment:
    return Comment(id, text, "csv", **{"article_id": ARTICLE, **facts})


def add(session, *comments: Comment) -> AddCounts:
    counts = review.add_comments(session, comments)
    session.commit()
    return counts


def act(session, id: str, action: Action = Action.APPROVE, *, by: str = "anna", **more):
    rule = "spam" if action is Action.REMOVE else None
    facts = {"decided_by": by, "decided_at": NOON, "house_rule": rule, **more}
    return review.record_decision(session, key_of(remark(id)), action, **facts)


def take_back(session, *, by: str = "anna"):
    return review.undo(session, decided_by=by, decided_at=NOON)


def queue(session, scorer=None) -> list[str]:
    """Return the ids of all that waits in the order of the queue, by skipping each in turn."""
    order: list[str] = []
    for _ in range(review.count_waiting(session)):
        keys = [key_of(remark(id)) for id in order]
        order.append(review.next_waiting(session, scorer, skipped=keys).comment.id)
    return order


# The queue


def test_the_likeliest_to_break_the_rules_comes_first(session):
    add(session, remark("1", "0.2 mild"), remark("2", "0.9 strong"), remark("3", "0.5 middling"))
    scorer = FakeScorer()
    assert review.score_waiting(session, scorer) == 3
    assert queue(session, scorer) == ["2", "3", "1"]


def test_what_has_no_score_comes_first(session):
    """Nothing is known of it: a missing score is not a low one."""
    scorer = FakeScorer()
    add(session, remark("1", "0.9 strong"))
    review.score_waiting(session, scorer)
    add(session, remark("2", "0.1 not scored yet"))
    assert queue(session, scorer) == ["2", "1"]


def test_of_equal_scores_the_oldest_comes_first(session):
    times = {"1": NOON, "2": NOON - timedelta(hours=1), "3": NOON + timedelta(hours=1)}
    add(session, *(remark(id, "0.5 same", created_at=time) for id, time in times.items()))
    scorer = FakeScorer()
    review.score_waiting(session, scorer)
    assert queue(session, scorer) == queue(session) == ["2", "1", "3"]


@pytest.mark.parametrize("skipped", list(permutations("123")))
def test_once_all_are_skipped_the_first_skipped_comes_back(session, skipped):
    add(session, *(remark(id) for id in "123"))
    keys = [key_of(remark(id)) for id in skipped]
    assert review.next_waiting(session, None, skipped=keys).comment.id == skipped[0]
    act(session, skipped[0])
    assert review.next_waiting(session, None, skipped=keys).comment.id == skipped[1]


def test_what_was_not_skipped_comes_before_what_was(session):
    add(session, *(remark(id, f"0.{id} remark") for id in "123"))
    scorer = FakeScorer()
    review.score_waiting(session, scorer)
    skipped = [key_of(remark("3"))]
    assert review.next_waiting(session, scorer, skipped=skipped).comment.id == "2"


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
    scorer = FakeScorer()
    assert review.count_waiting(session) == 0
    assert review.next_waiting(session, None) is None
    assert review.get_waiting(session, None, key_of(settled)) is None
    assert review.score_waiting(session, scorer) == 0
    assert review.count_comments(session) == 1


@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.PENDING])
def test_what_is_published_or_pending_waits(session, status):
    add(session, remark(status=status))
    assert review.count_waiting(session) == 1
    assert review.get_waiting(session, None, key_of(remark())).comment == remark(status=status)


def test_each_comment_is_scored_once_by_each_version(session):
    add(session, *(remark(str(n), f"0.{n} remark") for n in range(1, 8)))
    first, second = FakeScorer("first"), FakeScorer("second")
    assert review.score_waiting(session, first) == 7
    assert review.score_waiting(session, first) == 0
    assert review.score_waiting(session, second) == 7
    assert len(first.asked) == len(second.asked) == 7


def test_more_comments_than_are_scored_at_once_are_all_scored(session, monkeypatch):
    monkeypatch.setattr(review.queue, "SCORED_AT_ONCE", 3)
    add(session, *(remark(str(n), f"0.{n} remark") for n in range(1, 8)))
    scorer = FakeScorer()
    assert review.score_waiting(session, scorer) == 7
    assert queue(session, scorer) == list("7654321")


def test_scores_of_another_version_or_attribute_are_not_shown(session):
    add(session, remark(text="0.7 strong"))
    old, other = FakeScorer("old"), FakeScorer("old")
    other.attribute = "SPAM"
    review.score_waiting(session, old)
    assert review.next_waiting(session, old).score == 0.7
    for scorer in (FakeScorer("new"), other, None):
        assert review.next_waiting(session, scorer).score is None


def test_an_empty_store_has_nothing_to_show(session):
    assert review.next_waiting(session, None) is None
    assert review.last_undoable(session, decided_by="anna") is None
    assert review.recent_decisions(session, limit=5) == []
    assert list(review.decided_comments(session)) == []
    assert review.count_comments(session) == review.count_waiting(session) == 0


# Adding


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
    assert review.next_waiting(session, None).comment.rating == 2


def test_more_comments_than_are_looked_up_at_once_are_all_stored(session, monkeypatch):
    monkeypatch.setattr(review.stored, "LOOKED_UP_AT_ONCE", 3)
    comments = [remark(str(n)) for n in range(8)]
    assert add(session, *comments).new == 8
    assert add(session, *comments).unchanged == 8


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
    assert review.next_waiting(session, None).comment.author == kept


def test_a_capture_without_a_time_does_not_open_the_door_to_older_ones(session):
    add(session, remark(author="first", captured_at=NOON))
    add(session, remark(author="second"))
    add(session, remark(author="oldest", captured_at=NOON - timedelta(days=1)))
    assert review.next_waiting(session, None).comment.author == "second"


def test_words_are_kept_when_a_later_capture_no_longer_shows_them(session):
    add(session, remark(text="0.8 strong words", captured_at=NOON))
    gone = remark(text=None, status=Status.REMOVED, captured_at=NOON + timedelta(days=1))
    assert add(session, gone).updated == 1
    row = session.scalars(select(StoredComment)).one()
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


def test_edited_words_wait_again_without_their_old_score(session):
    """Nobody has judged the new words; the decision on the old ones stays in the history."""
    scorer = FakeScorer()
    add(session, remark(text="0.2 mild"))
    review.score_waiting(session, scorer)
    act(session, "1")
    add(session, remark(text="0.9 advertising instead"))
    waiting = review.next_waiting(session, scorer)
    assert (waiting.comment.text, waiting.score) == ("0.9 advertising instead", None)
    assert list(review.decided_comments(session)) == []
    assert len(review.history(session, waiting.key)) == 1
    assert take_back(session) is None


def test_undo_does_not_bring_back_a_decision_on_other_words(session):
    add(session, remark(text="0.2 mild"))
    act(session, "1")
    add(session, remark(text="0.9 advertising instead"))
    act(session, "1", Action.REMOVE)
    assert take_back(session).action is Action.HOLD
    assert review.count_waiting(session) == 1


def test_words_that_an_older_capture_knows_are_filled_in(session):
    """Captures may be uploaded in any order."""
    add(session, remark(text=None, status=Status.PENDING, captured_at=NOON))
    add(session, remark(author="older", captured_at=NOON - timedelta(days=1)))
    waiting = review.next_waiting(session, None).comment
    assert (waiting.text, waiting.status, waiting.author) == (
        "0.5 a quiet remark", Status.PENDING, None,
    )  # fmt: skip


def test_votes_that_change_leave_a_decision_in_force(session):
    add(session, remark())
    act(session, "1")
    add(session, remark(positive_votes=9, captured_at=NOON))
    assert review.count_waiting(session) == 0


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
    assert "\ufffd" in review.next_waiting(session, None).comment.text


def test_a_comment_comes_back_as_it_was(session):
    full = Comment(
        "7", "two\n\nparagraphs 🦭 א", "bbc_module", Status.PENDING, parent_id="6", number=12,
        article_id=ARTICLE, article_title="Bridge", author="A. Reader", created_at=NOON,
        captured_at=NOON, positive_votes=3, negative_votes=0, rating=-2, removal_reason="referred",
        highlighted=True,
    )  # fmt: skip
    add(session, full)
    session.expunge_all()
    assert review.next_waiting(session, None).comment == full


# Deciding


def test_a_decision_is_kept_with_what_the_moderator_saw(session):
    add(session, remark())
    rule = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "top tenth")
    evidence = Evidence(0.7, "first", Verdict(Action.HOLD, rule))
    act(session, "1", Action.REMOVE, by=" anna ", evidence=evidence)
    session.commit()
    session.expunge_all()
    [kept] = review.history(session, key_of(remark()))
    assert (kept.action, kept.house_rule, kept.decided_by) == (Action.REMOVE, "spam", "anna")
    assert (kept.decided_at, kept.score, kept.model_version) == (NOON, 0.7, "first")
    assert kept.policy_rule == "top tenth: LIKELY_TO_REJECT at or above 0.500, hold"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decided_by": ""}, "type a name first"),
        ({"decided_by": " \t"}, "type a name first"),
        ({"action": Action.REMOVE}, "names a house rule: one of personal abuse"),
        ({"action": Action.REMOVE, "house_rule": "bad mood"}, "names a house rule"),
        ({"action": Action.HOLD}, "waits until it is approved or removed"),
        ({"key": "nobody"}, "no such comment in the store"),
    ],
)
def test_a_decision_that_is_not_one_is_refused_and_leaves_nothing(session, change, message):
    add(session, remark())
    facts = {"key": key_of(remark()), "action": Action.APPROVE, "decided_by": "anna", **change}
    key, action = facts.pop("key"), facts.pop("action")
    with pytest.raises(ReviewError, match=message):
        review.record_decision(session, key, action, decided_at=NOON, **facts)
    session.commit()
    assert review.count_waiting(session) == 1
    assert review.recent_decisions(session, limit=9) == []


@pytest.mark.parametrize("rule", HOUSE_RULES)
def test_a_removal_names_its_house_rule(session, rule):
    add(session, remark())
    assert act(session, "1", Action.REMOVE, house_rule=rule).house_rule == rule


def test_an_approval_names_no_house_rule(session):
    add(session, remark())
    assert act(session, "1", house_rule="spam").house_rule is None


def test_who_is_second_is_told_and_overwrites_nothing(session):
    """Two windows show the same comment; what the first decided was never on the second's."""
    add(session, remark())
    act(session, "1", Action.REMOVE, by="anna")
    with pytest.raises(ReviewError, match="anna chose to remove that comment before"):
        act(session, "1", Action.APPROVE, by="ben")
    session.commit()
    assert [d.decided_by for d in review.history(session, key_of(remark()))] == ["anna"]


def test_a_decision_that_was_seen_can_be_overruled(session):
    add(session, remark())
    first = act(session, "1", Action.REMOVE, by="anna")
    act(session, "1", by="ben", overrules=first)
    assert [c.label for c in review.decided_comments(session)] == [0]


def test_overruling_what_is_no_longer_in_force_is_refused(session):
    add(session, remark())
    first = act(session, "1", by="anna")
    take_back(session)
    with pytest.raises(ReviewError, match="anna undid a decision"):
        act(session, "1", by="ben", overrules=first)


def test_two_at_the_same_moment_cannot_both_decide(tmp_path):
    """Both have read that the comment waits; the database lets one of them through."""
    sessions = create_session_factory(f"sqlite:///{tmp_path}/review.db")
    with sessions() as session:
        add(session, remark())
    with sessions() as one, sessions() as other:
        assert review.next_waiting(one, None) == review.next_waiting(other, None)
        act(one, "1", Action.REMOVE, by="anna")
        one.commit()
        with pytest.raises(ReviewError, match="anna chose"):
            act(other, "1", by="ben")
        other.rollback()
        assert len(review.history(other, key_of(remark()))) == 1


def test_of_many_at_the_same_moment_one_decides(tmp_path):
    sessions = create_session_factory(f"sqlite:///{tmp_path}/review.db")
    with sessions() as session:
        add(session, remark())

    def decide_as(moderator: str) -> bool:
        try:
            with sessions.begin() as session:
                act(session, "1", by=moderator)
        except ReviewError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(decide_as, "abcdefgh"))
    with sessions() as session:
        assert outcomes.count(True) == len(review.history(session, key_of(remark()))) == 1


# Taking back


def test_undo_goes_back_step_by_step(session):
    """Remove, approve, undo, undo: the removal is in force again, then the comment waits."""
    add(session, remark())
    first = act(session, "1", Action.REMOVE)
    act(session, "1", overrules=first)
    restored = take_back(session)
    assert (restored.action, restored.house_rule) == (Action.REMOVE, "spam")
    assert [c.label for c in review.decided_comments(session)] == [1]
    assert take_back(session).action is Action.HOLD
    assert review.count_waiting(session) == 1
    assert take_back(session) is None


def test_undo_takes_back_the_latest_of_several_comments(session):
    add(session, remark("1"), remark("2"))
    act(session, "1")
    act(session, "2")
    assert take_back(session).comment_key == key_of(remark("2"))
    assert take_back(session).comment_key == key_of(remark("1"))


def test_undo_takes_back_only_ones_own(session):
    add(session, remark())
    act(session, "1", by="anna")
    assert take_back(session, by="ben") is None
    assert take_back(session, by=" anna ").action is Action.HOLD


def test_undo_leaves_alone_what_somebody_overruled(session):
    add(session, remark())
    first = act(session, "1", Action.REMOVE, by="anna")
    act(session, "1", by="ben", overrules=first)
    assert take_back(session, by="anna") is None
    assert take_back(session, by="ben").action is Action.REMOVE
    assert take_back(session, by="anna").action is Action.HOLD


def test_an_undone_comment_can_be_decided_anew(session):
    add(session, remark())
    act(session, "1", Action.REMOVE)
    take_back(session)
    act(session, "1", Action.APPROVE, by="ben")
    assert [c.label for c in review.decided_comments(session)] == [0]


def test_undo_names_its_moderator(session):
    with pytest.raises(ReviewError, match="type a name first"):
        take_back(session, by=" ")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "remove", "undo"]),
        st.sampled_from(["anna", "ben"]),
        st.sampled_from("12"),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_deciding_and_undoing_behave_as_a_stack_for_each_comment(steps):
    sessions = create_session_factory("sqlite://")
    stacks: dict[str, list[Decision]] = {"1": [], "2": []}
    with sessions() as session:
        add(session, remark("1"), remark("2"))
        for step, moderator, id in steps:
            tops = [stack for stack in stacks.values() if stack]
            own = [stack for stack in tops if stack[-1].decided_by == moderator]
            if step != "undo":
                seen = stacks[id][-1] if stacks[id] else None
                stacks[id].append(act(session, id, Action(step), by=moderator, overrules=seen))
            elif own:
                stack = max(own, key=lambda stack: stack[-1].id)
                taken = stack.pop()
                assert take_back(session, by=moderator).undoes_id == taken.id
            else:
                assert take_back(session, by=moderator) is None
            check_against(session, stacks)
    sessions.kw["bind"].dispose()


def check_against(session, stacks: dict[str, list[Decision]]) -> None:
    """What is in force is the top of each stack, and the history alone tells the same."""
    in_force = {id: stack[-1].action for id, stack in stacks.items() if stack}
    labels = {c.id: c.label for c in review.decided_comments(session)}
    assert labels == {id: int(action is Action.REMOVE) for id, action in in_force.items()}
    assert review.count_waiting(session) == 2 - len(in_force)
    for id, stack in stacks.items():
        decisions = review.history(session, key_of(remark(id)))
        undone = {d.undoes_id for d in decisions}
        standing = [d.id for d in decisions if d.undoes_id is None and d.id not in undone]
        assert standing == [d.id for d in stack]


# History and labels


def test_the_history_tells_everything_in_order(session):
    add(session, remark())
    first = act(session, "1", Action.REMOVE)
    act(session, "1", by="ben", overrules=first)
    take_back(session, by="ben")
    told = [(d.action.value, d.decided_by) for d in review.history(session, key_of(remark()))]
    assert told == [("remove", "anna"), ("approve", "ben"), ("remove", "ben")]


def test_recent_decisions_are_the_latest_of_all_moderators(session):
    add(session, *(remark(id) for id in "123"))
    for id, moderator in zip("123", ("anna", "ben", "anna"), strict=True):
        act(session, id, by=moderator)
    recent = review.recent_decisions(session, limit=2)
    assert [(d.decided_by, c.id) for d, c in recent] == [("anna", "3"), ("ben", "2")]


def test_decisions_become_labels(session):
    add(session, *(remark(id, status=Status.PENDING) for id in "123"))
    act(session, "1", Action.REMOVE, house_rule="hate")
    act(session, "2")
    told = {c.id: (c.label, c.status, c.removal_reason) for c in review.decided_comments(session)}
    assert told == {
        "1": (1, Status.REMOVED, "hate"),
        "2": (0, Status.PUBLISHED, None),
    }


def test_training_takes_decisions_beside_other_data(tmp_path, capsys):
    """A decided comment of a page captured once, unlabelled as yet, is one more labelled text."""
    url, out = f"sqlite:///{tmp_path}/review.db", tmp_path / "model.joblib"
    with create_session_factory(url).begin() as session:
        review.add_comments(session, latest_states(read_comments(PAGE)))
        for place in range(20):
            key = review.next_waiting(session, None).key
            action, rule = (Action.REMOVE, "spam") if place % 2 else (Action.APPROVE, None)
            facts = {"decided_by": "anna", "decided_at": NOON, "house_rule": rule}
            review.record_decision(session, key, action, **facts)
    table = tmp_path / "table.csv"
    write_rows(to_rows(labelled_comments(removed=60, kept=140)), table)
    assert train([str(table), str(PAGE), "--decisions", url, "--out", str(out)]) == 0
    assert "20 decided comments" in capsys.readouterr().err
    facts = json.loads(out.with_suffix(".json").read_text())["training_data"]
    assert (facts["comments"], facts["removed"]) == (140 + 60 + 20, 60 + 10)


# Threads


def ids_around(session, id: str) -> list[tuple[int, str]]:
    thread = review.thread_of(session, remark(id))
    return [(depth, comment.id) for depth, comment in thread.walk()]


FAMILY = [
    remark("1"), remark("2", parent_id="1"), remark("3", parent_id="2"), remark("4", parent_id="1"),
    remark("5"), remark("6", parent_id="elsewhere"), remark("7", parent_id="6"),
    remark("8", parent_id="9"), remark("9", parent_id="8"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("id", "thread"),
    [
        ("1", [(0, "1"), (1, "2"), (2, "3"), (1, "4")]),
        ("3", [(0, "1"), (1, "2"), (2, "3"), (1, "4")]),
        ("5", [(0, "5")]),
        ("6", [(0, "6"), (1, "7")]),
        ("7", [(0, "6"), (1, "7")]),
        ("9", [(0, "8"), (1, "9")]),
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


def test_a_click_is_quick_among_twenty_thousand_comments(session):
    add(session, *(remark(str(n), f"0.{n} remark") for n in range(20_000)))
    scorer = FakeScorer()
    review.score_waiting(session, scorer)
    session.commit()
    session.expunge_all()
    begin = perf_counter()
    waiting = review.next_waiting(session, scorer)
    act(session, waiting.comment.id)
    following = review.next_waiting(session, scorer, skipped=[waiting.key])
    review.count_waiting(session)
    review.last_undoable(session, decided_by="anna")
    review.recent_decisions(session, limit=8)
    assert review.thread_of(session, following.comment).comment == following.comment
    assert following != waiting
    assert perf_counter() - begin < 0.5
