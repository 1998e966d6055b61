"""Work on several cores: in order, and over soon after an error."""

import threading

import pytest

from moderation.buffers import read_texts
from moderation.learning import learn_texts
from moderation.threads import count_cores, work_on


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads):
    assert list(work_on(lambda item: item * item, range(40), threads=threads)) == [
        item * item for item in range(40)
    ]


def test_items_are_worked_on_at_once():
    """Each of two waits for the other: one after the other they would never end."""
    meeting = threading.Barrier(2)
    assert sorted(work_on(lambda _: meeting.wait(timeout=300), range(2), threads=2)) == [0, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_few_items_are_taken_before_their_results_are_used(threads):
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = work_on(lambda item: item, items(), threads=threads)
    next(results)
    assert len(taken) <= 2 * threads + 1
    results.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_after_an_error_the_rest_is_left(threads):
    begun = []

    def work(item):
        begun.append(item)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(work_on(work, range(1000), threads=threads))
    assert len(begun) <= 2 * threads + 1


def test_an_interruption_ends_learning():
    """As Ctrl-C in the middle of a long file."""
    texts = read_texts(["zorble quimp ferry " * 200] * 400)

    def interrupted(items, number, what, /):
        for done, item in enumerate(items):
            if done == 3:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        learn_texts(texts, threads=2, progress=interrupted)


def test_there_is_a_core():
    assert count_cores() >= 1
