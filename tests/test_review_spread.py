"""What is hard to read is spread over a list: nothing lost, no longer run than there must be."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.review import spread_severe

LISTS = st.lists(st.booleans(), max_size=30)
LIMITS = st.integers(1, 4)


def spread(severe: list[bool], limit: int) -> list[int]:
    """Return the places of a list, spread; True is severe."""
    keys = [str(place) for place in range(len(severe))]
    chosen = {key for key, is_severe in zip(keys, severe, strict=True) if is_severe}
    return [int(key) for key in spread_severe(keys, chosen, in_a_row=limit)]


@given(LISTS, LIMITS)
def test_nothing_is_lost_or_doubled(severe, limit):
    assert sorted(spread(severe, limit)) == list(range(len(severe)))


@given(LISTS, LIMITS)
def test_no_more_severe_ones_are_in_a_row_while_others_are_left(severe, limit):
    order = [severe[place] for place in spread(severe, limit)]
    last_other = max((place for place, is_severe in enumerate(order) if not is_severe), default=-1)
    runs = [len(list(run)) for is_severe, run in groupby(order[: last_other + 1]) if is_severe]
    assert max(runs, default=0) <= limit


@given(LISTS, LIMITS)
def test_severe_ones_and_others_keep_their_order_among_themselves(severe, limit):
    order = spread(severe, limit)
    for kind in (True, False):
        places = [place for place in order if severe[place] is kind]
        assert places == sorted(places)


@given(LISTS, LIMITS)
def test_what_is_within_the_limit_stays_as_it_was(severe, limit):
    runs = [len(list(run)) for is_severe, run in groupby(severe) if is_severe]
    if max(runs, default=0) <= limit:
        assert spread(severe, limit) == list(range(len(severe)))


@given(LISTS, LIMITS)
def test_only_whom_the_limit_needs_is_brought_forward(severe, limit):
    """Against taking, again and again, the first of the list that may come next."""
    left, order, row = list(range(len(severe))), [], 0
    while left:
        others = [place for place in left if not severe[place]]
        place = others[0] if row >= limit and severe[left[0]] and others else left[0]
        left.remove(place)
        order.append(place)
        row = row + 1 if severe[place] else 0
    assert spread(severe, limit) == order


@given(LISTS)
def test_no_limit_changes_nothing(severe):
    assert spread(severe, 0) == list(range(len(severe)))


def test_a_limit_below_none_is_refused():
    with pytest.raises(ValueError, match="in_a_row is -1, expected 0 or more"):
        spread([True, False], -1)
