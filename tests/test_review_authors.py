"""An author's record, against counting by hand."""

import pytest

from moderation import review
from moderation.policy import Action
from moderation.review import Record, key_of
from tests.desks import act, act_on_all, add, hand_on, in_force, remark, reopen, take_back


@pytest.fixture
def desk(session):
    add(session, *(remark(id, author="kim") for id in "1234567"), remark("8", author="lou"))
    return session


def record_of(session, author: str = "kim", but: str = "1") -> Record:
    return review.find_record(session, author, but=key_of(remark(but)))


def test_a_record_is_of_the_other_comments_of_an_author(desk):
    assert record_of(desk) == Record(waiting=6)
    assert record_of(desk, but="8") == Record(waiting=7)
    assert record_of(desk, "lou", but="8") == record_of(desk, "nobody") == Record()


def test_a_record_counts_what_is_in_force(desk):
    act(desk, "2")
    act(desk, "3", Action.REMOVE)
    act_on_all(desk, "45", Action.REMOVE)
    act(desk, "5", overrules=in_force(desk, "5"))
    act(desk, "6")
    take_back(desk)
    assert record_of(desk) == Record(approved=2, removed=2, waiting=2)


def test_what_was_handed_on_or_reopened_waits(desk):
    act(desk, "2")
    reopen(desk, "2")
    hand_on(desk, "3")
    assert record_of(desk) == Record(waiting=6)


def test_what_waits_for_a_second_opinion_is_decided(desk):
    """Once: by the first moderator, and not by the opinion."""
    act(desk, "2", Action.REMOVE, second_share=1.0)
    assert record_of(desk) == Record(removed=1, waiting=5)
    act(desk, "2", by="ben")
    assert record_of(desk) == Record(removed=1, waiting=5)


def test_what_the_source_settled_is_neither(desk):
    add(desk, remark("2", author="kim", label=1))
    assert record_of(desk) == Record(waiting=5)


@pytest.mark.parametrize(("looked_at", "complete"), [(5, False), (6, True), (7, True)])
def test_a_long_record_is_cut_and_says_so(desk, monkeypatch, looked_at, complete):
    monkeypatch.setattr(review.authors, "LOOKED_AT", looked_at)
    record = record_of(desk)
    assert (record.waiting, record.complete) == (min(looked_at, 6), complete)


@pytest.mark.parametrize("hostile", ["%", "' OR 1=1 --", "nul \x00", "half \ud800", ""])
def test_a_hostile_name_has_no_record_but_its_own(desk, hostile):
    assert record_of(desk, hostile) == Record()
    add(desk, remark("9", author=hostile))
    assert record_of(desk, hostile) == Record(waiting=1)
