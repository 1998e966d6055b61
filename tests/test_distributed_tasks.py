"""Parts whose workers die are tried again alone, and given up with a reason."""

from collections import Counter
from types import SimpleNamespace

import pytest

from moderation.errors import ClusterError
from tests.clusters import (
    client,  # noqa: F401 - a fixture
    need_package,
)

need_package("distributed", "dask[distributed]")
from distributed import KilledWorker  # noqa: E402

from moderation.distributed import tasks  # noqa: E402
from moderation.distributed.partitions import Part  # noqa: E402
from moderation.distributed.tasks import Died, Tasks  # noqa: E402

FULL = "tcp://127.0.0.1:1"


def work(name: str, at: str | None) -> str:
    if at is not None:
        raise KilledWorker(name, SimpleNamespace(address=at), 1)
    return name


def run(cluster, deaths: dict[str, int], *, at: str = "tcp://127.0.0.1:2"):
    """Do three parts whose workers die so often; return what came, and what was tried, in order."""
    tried = []

    def submit(part):
        tried.append(part.name)
        dies = Counter(tried)[part.name] <= deaths.get(part.name, 0)
        return cluster.submit(work, part.name, at if dies else None, pure=False)

    found = list(Tasks(cluster, submit, [Part(name, ()) for name in "abc"]).run())
    return found, tried


@pytest.mark.parametrize("deaths", [1, tasks.ROUNDS - 1])
def test_a_part_whose_workers_died_is_done_at_the_end(client, deaths):  # noqa: F811
    found, tried = run(client, {"b": deaths})
    assert sorted(found) == ["a", "b", "c"]
    assert tried == ["a", "b", "c"] + ["b"] * deaths


def test_twenty_deaths_of_one_part_are_borne():
    from moderation.distributed.cluster import ATTEMPTS

    assert (ATTEMPTS + 1) * tasks.ROUNDS > 20


def test_a_part_that_kills_all_is_given_up_and_the_others_are_done(client):  # noqa: F811
    found, tried = run(client, {"a": 99, "b": 1})
    (died,) = [one for one in found if isinstance(one, Died)]
    assert died.name == "a"
    assert "each worker that had it died; where the machine's memory was full" in died.reason
    assert sorted(one for one in found if one != died) == ["b", "c"]
    assert tried.count("a") == tasks.ROUNDS


def test_a_part_that_fills_the_memory_is_given_up_sooner(client):  # noqa: F811
    client.log_event("worker-restart-memory", {"worker": FULL})
    found, tried = run(client, {"a": 99}, at=FULL)
    (died,) = [one for one in found if isinstance(one, Died)]
    assert "memory of each worker that had it was full; give more with --wor" in died.reason
    assert tried.count("a") == tasks.MEMORY_ROUNDS


def test_what_a_worker_cannot_do_is_one_line(client):  # noqa: F811
    """Such as a function that another version of the package lacks."""

    def submit(part):
        return client.submit(int, "zorble", pure=False)

    with pytest.raises(ClusterError, match=r"could not do its part \(ValueError\): all need"):
        list(Tasks(client, submit, [Part("a", ())]).run())
