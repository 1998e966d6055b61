"""Labels from other systems: what becomes of them, of the history, and of the comments."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DataError

from moderation import review
from moderation.comments import Comment, Status
from moderation.database import open_store
from moderation.errors import ReviewError
from moderation.exporting import Chosen, export_rows
from moderation.insight import queries
from moderation.insight.queries import History
from moderation.policy import Action
from moderation.review import SentLabel, key_of, labels_of, record_labels
from moderation.review.audit import Account, follow
from moderation.review.retention import erase_old, forget_author
from moderation.tables import BAND_COLUMNS, Kind, Outcome, StoredComment, StoredLabel
from moderation.train import main as train
from tests.desks import (
    NOON,
    act,
    add,
    after,
    check_chain,
    hand_on,
    in_force,
    open_desk,
    read_held,
    read_history,
    remark,
    reopen,
    take_back,
)
from tests.labels import insult, sent, uuid
from tests.samples import labelled_comments

KEEP, REMOVE = Action.APPROVE, Action.REMOVE


def record(session, *labels: SentLabel) -> Counter[str]:
    counts = record_labels(session, labels, recorded_at=after(60))
    session.commit()
    return counts


def outcomes(session, id: str = "1") -> list[str]:
    return [str(label.outcome) for label in labels_of(session, key_of(remark(id)))]


def stored(session, id: str = "1") -> StoredComment:
    return session.get_one(StoredComment, key_of(remark(id)), populate_existing=True)


# What a label is


@pytest.mark.parametrize(
    "label",
    [
        sent(),
        insult(community="Coral:https://courier.example", token="comment:1", decided_by="anna"),
        sent(value=0.0, house_rule="civility", score=0.25, model_version="m1", decided_at=NOON),
        sent(comment=remark(text="half a pair \ud800, NUL \x00, an emoji 😀 and \u2028")),
        sent(comment=remark(status=None, created_at=NOON, captured_at=after(1), label=0)),
        sent(comment=remark(text=None, status=Status.REMOVED, rating=-3, highlighted=True)),
    ],
    ids=str,
)
def test_a_label_comes_back_from_its_line_as_it_was(label):
    line = label.to_json()
    assert SentLabel.from_json(line) == label
    assert line.isascii()
    assert "\n" not in line


@given(
    st.builds(
        sent,
        st.integers(0, 9),
        st.builds(remark, text=st.none() | st.text(), author=st.none() | st.text()),
        st.floats(0, 1),
        token=st.none() | st.text(),
        community=st.none() | st.text(),
        decided_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_any_label_comes_back_from_its_line(label):
    assert SentLabel.from_json(label.to_json()) == label


@pytest.mark.parametrize(
    "change",
    [
        {"value": 1.5},
        {"value": float("nan")},
        {"value": "much"},
        {"score": -0.1},
        {"id": "1"},
        {"id": uuid(1).upper().replace("8", "A")},
        {"attribute": ""},
        {"attribute": "A" * 65},
        {"house_rule": "  "},
        {"house_rule": "r" * 65},
        {"model_version": "m" * 65},
        {"sent_by": " "},
        {"decided_by": "an\x00na"},
        {"received_at": "2026-03-01T12:00:00"},
        {"decided_at": "2026-03-01T12:00:00"},
        {"received_at": None},
        {"colour": "red"},
        {"comment": None},
    ],
    ids=str,
)
def test_a_line_that_no_label_has_is_refused_without_quoting_it(change):
    line = json.dumps(json.loads(sent().to_json()) | change)
    with pytest.raises(ReviewError, match=r"no label as to_json writes it \(\w+\)") as refused:
        SentLabel.from_json(line)
    assert "remark" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("line", ["", "[]", "{}", "3", '{"comment": {}}', "[" * 100_000])
def test_what_is_no_label_at_all_is_refused(line):
    with pytest.raises(ReviewError, match="no label as to_json writes it"):
        SentLabel.from_json(line)


def test_neither_words_nor_token_are_in_what_is_printed_of_a_label():
    assert "quiet" not in repr(sent(token="tulip", community="tulip"))
    assert "tulip" not in repr(sent(token="tulip", community="tulip"))


# What becomes of it


@pytest.mark.parametrize(
    ("value", "action", "rule"),
    [(1.0, REMOVE, "other"), (0.5, REMOVE, "other"), (0.499, KEEP, None), (0.0, KEEP, None)],
)
def test_a_label_on_the_sites_own_removal_becomes_a_decision(session, value, action, rule):
    assert record(session, sent(value=value)) == {"recorded": 1}
    decision = in_force(session, "1")
    assert (decision.kind, decision.action, decision.house_rule) == (Kind.DECISION, action, rule)
    assert (decision.decided_by, decision.decided_at) == ("site:coral", after(1))
    [label] = labels_of(session, key_of(remark()))
    assert (label.decision_id, label.value, label.sent_by) == (decision.id, value, "coral")
    assert read_held(session) == {}
    check_chain(session)


def test_a_decision_has_who_made_it_when_for_what_and_seeing_which_score(session):
    facts = {"decided_by": " anna ", "decided_at": NOON, "score": 0.75, "model_version": "m1"}
    record(session, sent(house_rule=" civility \x00", **facts))
    decision = in_force(session, "1")
    assert (decision.decided_by, decision.decided_at) == ("site:anna", NOON)
    assert (decision.house_rule, decision.score, decision.model_version) == (
        "civility \ufffd", 0.75, "m1",
    )  # fmt: skip


def test_nothing_is_decided_after_it_was_told(session):
    """A clock that is years ahead would else keep all later decisions from counting."""
    record(session, sent(1, decided_at=NOON + timedelta(days=9999)), sent(2, value=0.0))
    assert in_force(session, "1").action is KEEP


def test_a_label_that_tells_no_outcome_is_kept_and_its_comment_waits(session):
    assert record(session, insult()) == {"kept": 1}
    assert list(read_held(session)) == ["1"]
    assert read_held(session)["1"].held_at == after(60)
    [label] = labels_of(session, key_of(remark()))
    assert (label.attribute, label.value, label.decision_id) == ("INSULT", 0.9, None)
    assert read_history(session) == []


def test_a_label_is_stored_once_however_often_it_comes(session):
    first, second = sent(1), insult(2)
    assert record(session, first, second, first) == {"recorded": 1, "kept": 1, "repeated": 1}
    assert record(session, second, replace(first, value=0.0)) == {"repeated": 2}
    assert len(read_history(session)) == 1
    assert outcomes(session) == ["recorded", "kept"]


def test_labels_say_the_same_in_one_batch_as_one_by_one():
    """Also where a comment has other words in between, and several decisions."""
    edited = remark(text="0.1 other words")
    labels = [
        sent(1), insult(2), sent(3), sent(4, value=0.0), sent(5, edited), insult(6, edited),
        sent(7, remark("2"), value=0.0), sent(8, edited, value=0.0), sent(9, edited, value=0.0),
    ]  # fmt: skip
    told = []
    for batches in ([labels], [[label] for label in labels]):
        with open_desk() as sessions, sessions() as session:
            for batch in batches:
                record(session, *batch)
            rows = [(d.action, d.overrules_id, d.comment_key) for d in read_history(session)]
            told.append((rows, outcomes(session), outcomes(session, "2")))
            assert list(follow(session, Account())) == []
    assert told[0] == told[1]
    assert [overruled for _, overruled, _ in told[0][0]] == [None, 1, None, None, 3]


def test_no_labels_change_nothing(session):
    assert record(session) == {}
    assert review.count_comments(session) == 0


def test_more_labels_than_are_looked_up_at_once(session, monkeypatch):
    monkeypatch.setattr("moderation.review.labels.LOOKED_UP_AT_ONCE", 2)
    labels = [sent(n, remark(f"{n}")) for n in range(1, 6)]
    assert record(session, *labels) == {"recorded": 5}
    assert [decision.id for decision in read_history(session)] == [1, 2, 3, 4, 5]


# The site is authoritative


def test_the_site_overrules_what_moderators_have_decided_otherwise(session):
    add(session, remark())
    first = act(session, "1", KEEP)
    assert record(session, sent()) == {"recorded": 1}
    decision = in_force(session, "1")
    assert (decision.action, decision.overrules_id) == (REMOVE, first.id)
    assert take_back(session, by="anna") == []
    assert list(follow(session, Account())) == []


def test_where_the_same_was_decided_nothing_is_added(session):
    add(session, remark())
    act(session, "1", REMOVE)
    assert record(session, sent(1), sent(2)) == {"unchanged": 2}
    assert len(read_history(session)) == 1
    assert labels_of(session, key_of(remark()))[0].decision_id is None


@pytest.mark.parametrize(("minutes", "expected"), [(-1, "unchanged"), (0, "recorded")])
def test_what_was_decided_before_the_decision_in_force_changes_nothing(session, minutes, expected):
    """A label may have waited for hours while the database was away."""
    add(session, remark())
    act(session, "1", KEEP, decided_at=after(30))
    assert record(session, sent(decided_at=after(30 + minutes), received_at=after(50))) == {
        expected: 1
    }


def test_what_was_reopened_can_be_decided_by_the_site_again(session):
    record(session, sent(1))
    reopen(session, "1")
    assert record(session, sent(2)) == {"recorded": 1}
    assert read_held(session) == {}
    assert list(follow(session, Account())) == []


def test_what_was_handed_on_waits_no_longer(session):
    add(session, remark())
    hand_on(session, "1")
    record(session, sent(value=0.0))
    assert read_held(session) == {}
    with pytest.raises(ReviewError, match="site:coral chose to approve that comment before"):
        act(session, "1", by="ben")


@pytest.fixture
def drawn(session):
    """A desk where anna's removal of comment 1 waits for a second opinion."""
    add(session, remark())
    act(session, "1", REMOVE, by="anna", second_share=1.0)
    session.commit()
    return session


def test_an_opinion_on_what_the_site_overrules_is_not_waited_for(drawn):
    assert record(drawn, sent(value=0.0)) == {"recorded": 1}
    assert read_held(drawn) == {}
    assert in_force(drawn, "1").action is KEEP
    assert list(follow(drawn, Account())) == []


def test_an_opinion_on_what_the_site_says_too_is_still_waited_for(drawn):
    first = in_force(drawn, "1")
    assert record(drawn, sent(1), insult(2)) == {"unchanged": 1, "kept": 1}
    assert read_held(drawn)["1"].opinion_on_id == first.id
    assert act(drawn, "1", KEEP, by="ben").kind is Kind.OPINION
    assert list(follow(drawn, Account())) == []


def test_an_opinion_that_was_given_stays_where_the_site_overrules(drawn):
    act(drawn, "1", REMOVE, by="ben")
    record(drawn, sent(value=0.0))
    assert in_force(drawn, "1").action is KEEP
    assert take_back(drawn, by="ben") == []
    assert list(follow(drawn, Account())) == []


@pytest.mark.parametrize(
    "facts", [{"status": Status.REMOVED}, {"status": Status.WITHDRAWN}, {"label": 0}], ids=str
)
def test_what_its_source_has_settled_stays_so(session, facts):
    add(session, remark(**facts))
    assert record(session, sent(comment=remark(status=None))) == {"settled": 1}
    row = stored(session)
    assert {name: getattr(row, name) for name in facts} == facts
    assert read_history(session) == []


def test_a_comment_without_words_is_not_decided(session):
    assert record(session, sent(comment=remark(text=None, status=None))) == {"settled": 1}
    assert read_history(session) == []


def test_a_decision_on_words_that_have_changed_since_is_kept_and_the_comment_waits(session):
    edited = remark(text="0.1 other words", captured_at=after(30))
    add(session, edited)
    assert record(session, sent()) == {"kept": 1}
    assert stored(session).text == "0.1 other words"
    assert list(read_held(session)) == ["1"]


def test_a_label_on_a_comment_that_was_captured_before_brings_no_words_back(session):
    add(session, remark(text="0.1 other words", captured_at=after(30)))
    late = sent(comment=remark(captured_at=after(20)), received_at=after(50))
    assert record(session, late) == {"kept": 1}
    assert (stored(session).text, stored(session).captured_at) == ("0.1 other words", after(30))


def test_a_decision_on_newer_words_brings_them(session):
    record(session, sent(1))
    assert record(session, sent(2, remark(text="0.1 other words"))) == {"recorded": 1}
    assert stored(session).text == "0.1 other words"
    assert in_force(session, "1").overrules_id is None


def test_a_label_that_names_a_comment_only_is_about_its_stored_words(session):
    add(session, remark(captured_at=NOON))
    assert record(session, sent(comment=remark(text=None, status=None))) == {"recorded": 1}
    assert stored(session).text == "0.5 a quiet remark"


def test_what_a_label_leaves_out_of_a_comment_is_not_gone(session):
    known = remark(author="A. Reader", rating=3, created_at=NOON, highlighted=True, parent_id="7")
    add(session, known)
    sparse = Comment("1", known.text, "perspective", status=None, article_id=known.article_id)
    record(session, insult(comment=sparse))
    row = stored(session)
    assert (row.author, row.rating, row.created_at) == ("A. Reader", 3, NOON)
    assert (row.source, row.status, row.highlighted) == ("csv", Status.PUBLISHED, True)
    assert (row.source_parent_id, row.captured_at) == ("7", after(1))


def test_near_duplicates_of_comments_that_came_with_labels_are_found(session):
    record(session, sent(1, remark("1", "buy a lantern at the harbour market today")))
    add(session, remark("2", "buy a lantern at the harbour market today!"))
    assert stored(session).signed_with > 0
    found = review.find_decided(session, key_of(remark("2")), "buy a lantern at the harbour market")
    assert [one.decision.decided_by for one in found] == ["site:coral"]


# Nothing that identifies stays or comes back

NAMED = {"community": "site/letters", "token": "reader:17"}


def named(session) -> list[tuple[str | None, str | None]]:
    session.expire_all()
    return [(one.community, one.token) for one in labels_of(session, key_of(remark()))]


def test_the_token_and_the_community_are_stored_as_they_came(session):
    record(session, insult(**NAMED))
    assert named(session) == [("site/letters", "reader:17")]


@pytest.mark.parametrize(
    "forget",
    [
        lambda session: forget_author(session, "A. Reader", now=after(90)),
        lambda session: erase_old(
            session, now=NOON + timedelta(days=9), texts_after_days=2, authors_after_days=None
        ),
        lambda session: erase_old(
            session, now=NOON + timedelta(days=9), texts_after_days=None, authors_after_days=2
        ),
    ],
    ids=["author forgotten", "words erased", "authors erased"],
)
def test_with_a_comment_the_token_and_the_community_are_erased(session, forget):
    comment = remark(author="A. Reader")
    record(session, sent(1, comment, **NAMED), insult(2, comment, **NAMED))
    forget(session)
    session.commit()
    assert named(session) == [(None, None)] * 2
    before = stored(session).text, stored(session).author
    record(session, insult(3, comment, **NAMED))
    assert named(session) == [(None, None)] * 3
    assert (stored(session).text, stored(session).author) == before
    assert list(follow(session, Account())) == []


def test_words_that_were_erased_do_not_come_back_with_a_label(session):
    record(session, insult(1, remark(author="A. Reader")))
    forget_author(session, "A. Reader", now=after(90))
    session.commit()
    late = sent(2, remark(author="A. Reader"), received_at=after(120))
    assert record(session, late) == {"settled": 1}
    row = stored(session)
    assert (row.text, row.author) == (None, None)
    assert [getattr(row, band) for band in BAND_COLUMNS] == [None] * len(BAND_COLUMNS)
    assert (read_held(session), read_history(session)) == ({}, [])


def test_of_a_comment_that_nothing_ever_erases_no_token_is_stored(session):
    """It has no words and no author, so that no rule of retention would find it."""
    record(session, sent(comment=remark(text=None, status=None), **NAMED))
    assert named(session) == [(None, None)]


def test_no_column_of_a_label_holds_words(session):
    record(session, insult(**NAMED))
    [row] = session.execute(select(*StoredLabel.__table__.c)).mappings()
    assert "quiet" not in repr(dict(row))
    assert row["outcome"] is Outcome.KEPT


# What is made of the decisions


def test_the_sites_decisions_are_labels_to_learn_from(session):
    record(session, sent(1), sent(2, remark("2"), value=0.0), insult(3, remark("3")))
    learnt = {c.id: (c.label, c.removal_reason) for c in review.decided_comments(session)}
    assert learnt == {"1": (1, "other"), "2": (0, None)}


def test_insight_and_exports_take_the_sites_decisions_for_those_of_people(store):
    with store.writing() as session:
        labels = [sent(n, remark(f"{n}"), score=0.5, model_version="m1") for n in (1, 2)]
        record_labels(session, labels, recorded_at=after(60))
    with store.reading() as session:
        decided = History().read(session)
        latest = queries.read_latest(session, limit=9)
        exported = [row["label"] for row in export_rows(session, Chosen())]
    assert len(decided.of_people().of_model("m1")) == 2
    assert [one.decided_by for one in latest] == ["site:coral"] * 2
    assert exported == [1, 1]


def test_kappa_is_not_of_what_another_system_sent(store):
    """No opinion is asked on it; where a history has one all the same, it is left out."""
    with store.writing() as session:
        review.add_comments(session, [remark()], added_at=NOON)
        act(session, "1", by="site:coral", second_share=1.0)
        act(session, "1", by="ben")
    with store.reading() as session:
        assert queries.read_opinions(session) == []


def test_labels_are_recorded_on_both_databases(store):
    labels = [sent(1), insult(2, **NAMED), sent(3, value=0.0), sent(4, remark("2"))]
    with store.writing() as session:
        assert record_labels(session, labels, recorded_at=after(60)) == {"recorded": 3, "kept": 1}
    with store.writing() as session:
        assert record_labels(session, labels, recorded_at=after(61)) == {"repeated": 4}
    with store.reading() as session:
        assert list(follow(session, Account())) == []
        rows = labels_of(session, key_of(remark()))
    assert [(row.id, row.received_at) for row in rows] == [(uuid(n), after(n)) for n in (1, 2, 3)]


def test_a_label_that_the_database_refuses_leaves_nothing_behind(store):
    wrong = sent(2, remark("2", rating=2**70))
    with pytest.raises((OverflowError, DataError)), store.writing() as session:
        record_labels(session, [sent(1), wrong], recorded_at=after(60))
    with store.reading() as session:
        assert (review.count_comments(session), review.history(session, sent().key)) == (0, [])


def test_times_of_other_zones_are_recorded_in_utc(session):
    abroad = datetime.fromisoformat("2026-03-01T14:00:00+02:00")
    record(session, sent(decided_at=abroad))
    assert in_force(session, "1").decided_at == NOON
    check_chain(session)


def test_the_next_training_learns_from_what_another_system_has_sent(tmp_path, capsys):
    """Removals and approvals as Coral sends them, and no word of them from anywhere else."""
    url = f"sqlite:///{tmp_path}/review.db"
    store = open_store(url)
    with store.writing() as session:
        labels = (
            sent(number, replace(comment, status=None), float(comment.status is Status.REMOVED))
            for number, comment in enumerate(labelled_comments())
        )
        assert record_labels(session, labels, recorded_at=after(60)) == {"recorded": 200}
    store.engine.dispose()
    model = tmp_path / "model.joblib"
    assert train(["--base", "none", "--out", str(model), "--decisions", url]) == 0
    assert "learnt from 160 comments (48 removed)" in capsys.readouterr().out
