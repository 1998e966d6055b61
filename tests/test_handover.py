"""Processes forked from one answer with its model, and with the one it loads later."""

import errno
import os
import subprocess
import sys

import pytest

from moderation import handover
from moderation.artifacts import load_model, read_manifest, save_model
from moderation.datasets import GatherReport, gather
from moderation.handover import Giver
from moderation.serving import Outcome, load_served
from moderation.training import train
from tests.samples import labelled_comments

TEXTS = ["the ferry is late again", "", "quimp", "a zorble beside the bridge"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return two models that serve."""
    found = []
    for kept in (140, 130):
        path = tmp_path_factory.mktemp("made") / "site.joblib"
        training = train(gather(labelled_comments(kept=kept), GatherReport()))
        save_model(training.scorer.pipeline, path, facts=training.facts([]), card="", plots={})
        found.append(load_served(path, None))
    return found


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Return the paths of two models."""
    found = []
    for kept in (140, 130):
        path = tmp_path_factory.mktemp("saved") / "site.joblib"
        training = train(gather(labelled_comments(kept=kept), GatherReport()))
        save_model(training.scorer.pipeline, path, facts=training.facts([]), card="", plots={})
        found.append(path)
    return found


class Files:
    """Stands for the model's files: what is put there answers after the next look."""

    def __init__(self, served):
        self.current, self.alarm = served, None
        self.next = (Outcome.SAME, served, None)

    def look(self):
        outcome, self.current, self.alarm = self.next
        self.next = (Outcome.SAME, self.current, self.alarm)
        return outcome

    def let_go(self):
        self.current = None


@pytest.fixture
def files(models):
    return Files(models[0])


@pytest.fixture
def told():
    return []


@pytest.fixture
def giver(files, told):
    giver = Giver(files, tell=told.append)
    yield giver
    giver.close()


def fork(giver):
    """
    Return what a forked process asks.

    A fork has its own copy of the socket, which stays open when the parent closes its own.
    """
    taker = giver.before_fork()
    taker._end = taker._end.dup()
    return taker


@pytest.fixture
def takers(giver):
    found = [fork(giver) for _ in range(2)]
    yield found
    for taker in found:
        taker._end.close()


def swap(files, served):
    files.next = (Outcome.SWAPPED, served, None)


def test_forked_processes_begin_with_the_model_that_is_there(takers, files):
    assert all(taker.current is files.current for taker in takers)
    assert [taker.look() for taker in takers] == [Outcome.SAME] * 2
    assert [taker.alarm for taker in takers] == [None] * 2


def test_a_new_model_is_handed_to_all(giver, takers, files, models):
    swap(files, models[1])
    assert giver.look() is Outcome.SWAPPED
    assert [taker.look() for taker in takers] == [Outcome.SWAPPED] * 2
    for taker in takers:
        assert taker.current.version == models[1].version
        assert taker.current.policy == models[1].policy
        assert (
            taker.current.score_texts(TEXTS).logits == models[1].score_texts(TEXTS).logits
        ).all()
        theirs, ours = (
            each.scorer.explain("a zorble beside the bridge") for each in (taker.current, models[1])
        )
        assert repr(theirs) == repr(ours)
    assert [giver.look(), takers[0].look()] == [Outcome.SAME] * 2


def test_what_is_handed_over_scores_as_what_was_loaded(models, tmp_path):
    path = tmp_path / "site.joblib"
    training = train(gather(labelled_comments(), GatherReport()))
    save_model(training.scorer.pipeline, path, facts=training.facts([]), card="", plots={})
    whole, served = load_model(path), load_served(path, None)
    assert (served.score_texts(TEXTS).own()[:, 0] == whole.score(TEXTS)).all()
    assert served.scorer.attributes == whole.attributes
    with pytest.raises(AttributeError):
        served.scorer.strongest_features(3, TEXTS)


def test_who_missed_one_takes_the_newest(giver, takers, files, models):
    for served in (models[1], models[0], models[1]):
        swap(files, served)
        giver.look()
    assert takers[0].look() is Outcome.SWAPPED
    assert takers[0].current.version == models[1].version
    assert takers[0].look() is Outcome.SAME


def test_who_is_forked_later_has_the_newest_and_is_not_handed_it_again(
    giver, takers, files, models
):
    swap(files, models[1])
    giver.look()
    late = fork(giver)
    assert late.current is models[1]
    giver.look()
    assert late.look() is Outcome.SAME
    late._end.close()


def test_an_alarm_is_known_to_all_until_it_is_over(giver, takers, files, models):
    files.next = (Outcome.REFUSED, models[0], "site.joblib is broken")
    assert giver.look() is Outcome.REFUSED
    assert [taker.look() for taker in takers] == [Outcome.REFUSED] * 2
    assert [taker.alarm for taker in takers] == ["site.joblib is broken"] * 2
    giver.look()
    assert takers[0].look() is Outcome.SAME
    late = fork(giver)
    assert late.alarm == "site.joblib is broken"
    late._end.close()
    swap(files, models[1])
    giver.look()
    assert takers[0].look() is Outcome.SWAPPED
    assert takers[0].alarm is None


def test_who_is_gone_is_forgotten(giver, takers, files, models):
    giver.look()
    takers[0]._end.close()
    swap(files, models[1])
    giver.look()
    assert len(giver._ends) == 1
    assert takers[1].look() is Outcome.SWAPPED


def test_who_has_no_room_for_a_message_gets_the_newest_later(giver, takers, files, models):
    for number in range(3000):
        files.next = (Outcome.REFUSED, models[0], f"alarm {number}")
        giver.look()
    assert takers[0].look() is Outcome.REFUSED
    giver.look()
    takers[0].look()
    assert takers[0].alarm == "alarm 2999"


def test_descriptors_do_not_pile_up(giver, takers, files, models):
    open_now = []
    for number in range(20):
        swap(files, models[1 - number % 2])
        giver.look()
        for taker in takers:
            taker.look()
        open_now.append(len(os.listdir("/proc/self/fd")))
    assert open_now[-1] == open_now[0]


def test_without_room_for_a_model_the_old_one_stays_and_it_is_tried_again(
    giver, takers, files, models, told, monkeypatch
):
    def fail(value):
        raise OSError(errno.ENOSPC, "No space left on device")

    swap(files, models[1])
    with monkeypatch.context() as patch:
        patch.setattr(handover, "write_shared", fail)
        assert [giver.look() for _ in range(3)] == [Outcome.REFUSED] * 3
        late = fork(giver)
    assert late.current is models[0]
    [line] = told
    assert line.startswith("there is no room in memory for a new model")
    assert takers[0].look() is Outcome.REFUSED
    assert takers[0].alarm == line
    giver.look()
    assert takers[0].look() is Outcome.SWAPPED
    assert takers[0].alarm is None
    late._end.close()


def test_a_process_without_room_keeps_the_old_one_with_an_alarm(
    giver, takers, files, models, monkeypatch
):
    def fail(number):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    swap(files, models[1])
    giver.look()
    with monkeypatch.context() as patch:
        patch.setattr(handover, "map_shared", fail)
        assert takers[0].look() is Outcome.REFUSED
    assert "Cannot allocate memory" in takers[0].alarm
    assert takers[0].current is models[0]
    swap(files, models[0])
    giver.look()
    assert takers[0].look() is Outcome.SWAPPED


def test_a_parent_that_is_gone_leaves_its_model(giver, takers):
    giver.close()
    assert takers[0].look() is Outcome.SAME


def test_a_forked_process_lets_go_of_what_it_inherited(giver, takers, files, models, monkeypatch):
    swap(files, models[1])
    giver.look()
    ends = list(giver._ends)
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in the child
    assert takers[0].look() is Outcome.SWAPPED
    assert takers[0].current.version == models[1].version
    assert (giver._given, files.current) == (None, None)
    assert all(end.fileno() == -1 for end in ends)


FORKED = """
import os, shutil, sys, time
from pathlib import Path
from moderation.handover import Giver
from moderation.serving import ModelInUse

def tables():
    with open("/proc/self/maps") as maps:
        return sum("memfd:moderation" in line for line in maps)

in_use, *models = map(Path, sys.argv[1:])
def put(model):
    for ending in (".json", ".joblib"):
        shutil.copyfile(model.with_suffix(ending), in_use.with_suffix(ending))

put(models[0])
giver = Giver(ModelInUse(in_use, tell=print), tell=print)
children = []
for number in range(2):
    taker = giver.before_fork()
    told, tell = os.pipe()
    if not (pid := os.fork()):
        for swaps in range(4):
            os.write(tell, f"{taker.current.version} {tables()}\\n".encode())
            while swaps < 3 and taker.look() != "swapped":
                time.sleep(0.01)
        os._exit(0)
    os.close(tell)
    children.append((pid, os.fdopen(told)))
for number in range(4):
    for _, said in children:
        print(said.readline(), end="", flush=True)
    if number < 3:
        put(models[1 - number % 2])
        giver.look()
print([os.waitpid(pid, 0)[1] for pid, _ in children])
"""


def test_processes_take_each_model_and_keep_none_before(paths, tmp_path):
    """What they map after a swap is one file; what they inherited was none."""
    run = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "site.joblib"), *map(str, paths)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    first, second = (read_manifest(path).version for path in paths)
    expected = [f"{first} 0", f"{second} 1", f"{first} 1", f"{second} 1"]
    assert run.stdout.splitlines() == [line for line in expected for _ in range(2)] + ["[0, 0]"]
