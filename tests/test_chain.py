"""The digest of a row of the history: of every value in it, and of the row before."""

import math
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.chain import BEGINNING, SEALED, digest_note, seal
from moderation.policy import Action
from moderation.tables import Kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW = {
    "id": 7, "comment_key": "ab12", "kind": Kind.DECISION, "action": Action.REMOVE,
    "house_rule": "spam", "decided_by": "anna", "decided_at": NOON, "score": 0.25,
    "model_version": "first", "policy_rule": "top tenth", "overrules_id": 3, "undoes_id": None,
    "opinion_on_id": None, "bulk_id": None, "weight": 1.0, "note_digest": None,
}  # fmt: skip


def test_a_digest_is_the_one_that_anybody_can_make_without_this_program():
    line = (
        f'["{BEGINNING}",7,"ab12","decision","remove","spam","anna",'
        '"2026-03-01T12:00:00.000000+00:00",0.25,"first","top tenth",3,null,null,null,1.0,null]'
    )
    assert seal(ROW, before=BEGINNING) == sha256(line.encode()).hexdigest()


def test_every_column_is_sealed():
    assert ROW.keys() == set(SEALED)
    digests = {seal(ROW | {name: "another"}, before=BEGINNING) for name in SEALED}
    assert len(digests | {seal(ROW, before=BEGINNING)}) == len(SEALED) + 1


def test_the_digest_before_is_sealed():
    assert seal(ROW, before="a" * 64) != seal(ROW, before="b" * 64)


def test_what_is_not_sealed_changes_nothing():
    assert seal(ROW | {"note": "twice today"}, before=BEGINNING) == seal(ROW, before=BEGINNING)


def test_an_empty_value_is_not_a_missing_one():
    empty, missing = ROW | {"house_rule": ""}, ROW | {"house_rule": None}
    assert seal(empty, before=BEGINNING) != seal(missing, before=BEGINNING)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({"kind": Kind.UNDO}, {"kind": "undo"}),
        ({"decided_at": NOON}, {"decided_at": NOON.astimezone(timezone(timedelta(hours=9)))}),
        ({"score": 0.0}, {"score": -0.0}),
    ],
    ids=["words", "zones", "zeros"],
)
def test_what_a_database_gives_back_in_another_form_has_the_same_digest(one, same):
    assert seal(ROW | one, before=BEGINNING) == seal(ROW | same, before=BEGINNING)


@given(st.lists(st.text(), min_size=3, max_size=3), st.lists(st.text(), min_size=3, max_size=3))
def test_no_value_can_pass_for_the_end_of_its_neighbour(one, other):
    names = ("house_rule", "decided_by", "model_version")
    digests = {
        seal(ROW | dict(zip(names, values, strict=True)), before=BEGINNING)
        for values in (one, other)
    }
    assert len(digests) == (1 if one == other else 2)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_what_no_database_compares_is_refused(score):
    with pytest.raises(ValueError, match="JSON compliant"):
        seal(ROW | {"score": score}, before=BEGINNING)


def test_a_note_counts_by_its_digest():
    assert digest_note(None) is None
    assert digest_note("Größe") == sha256("Größe".encode()).hexdigest()
