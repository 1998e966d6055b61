"""A model's memory recognises what it learnt from, and next to nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.datasets import fold
from moderation.memory import recognise, remember

texts = st.lists(st.text(max_size=12), max_size=20)


@given(texts, texts)
def test_what_was_remembered_is_recognised_and_nothing_else(learnt, asked):
    """A clash of digests in so few texts: one case in ten million."""
    known = {fold(text) for text in learnt}
    assert recognise(remember(learnt), asked).tolist() == [fold(text) in known for text in asked]


@pytest.mark.parametrize("copy", ["The ferry", "  the\tFERRY\n", "THE FERRY"])
def test_copies_are_recognised(copy):
    assert recognise(remember(["the ferry"]), [copy]).tolist() == [True]


def test_order_and_copies_leave_no_trace():
    assert remember(["b", "a", "B "]) == remember(["a", "b"])


def test_four_bytes_are_kept_of_each():
    assert len(base64.b64decode(remember(f"comment {n}" for n in range(1000)))) == 4000


def test_a_text_that_is_not_unicode_is_remembered_too():
    assert recognise(remember(["half \ud800"]), ["half \ud800"]).all()
