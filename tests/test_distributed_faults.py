"""Workers and clients that are killed or run full: the run ends right, or says what to change."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.errors import DataError
from tests.clusters import BASE, digests, environment, need_package, write_tables

need_package("distributed", "dask[distributed]")
from moderation.distributed import cluster as opening  # noqa: E402
from moderation.distributed.cluster import open_cluster  # noqa: E402
from moderation.distributed.evaluating import take_parts  # noqa: E402
from moderation.distributed.running import score_dataset  # noqa: E402
from moderation.distributed.scoring import Options  # noqa: E402
from moderation.distributed.tasks import Watch  # noqa: E402

ROWS = 500
"""Of a part."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_tables(tmp_path_factory.mktemp("faults") / "in", [10_000] * 3)


@pytest.fixture(scope="module")
def cluster():
    """Return two workers in processes of their own."""
    with open_cluster(workers=2) as client:
        yield client


def watch_and(do) -> Watch:
    """Return what calls a function with the number of parts done, after each."""
    done: list[int] = []

    def advance():
        done.append(1)
        do(len(done))

    return Watch(print, begin=lambda number: None, advance=advance)


def run(client, source, out, *, watch=None):
    watch = watch or watch_and(lambda done: None)
    return score_dataset(
        nullcontext(client),
        BASE,
        str(source),
        str(out),
        options=Options(),
        watch=watch,
        part_rows=ROWS,
    )


@pytest.fixture(scope="module")
def whole(cluster, source, tmp_path_factory):
    out = tmp_path_factory.mktemp("faults") / "whole"
    assert run(cluster, source, out).rows == 30_000
    return digests(out)


def find_workers(parent: int) -> list[psutil.Process]:
    try:
        below = psutil.Process(parent).children(recursive=True)
        return [one for one in below if "spawn_main" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


def kill_workers(number: int) -> int:
    """Kill so many workers of this process, or as many as there are."""
    workers = find_workers(os.getpid())[:number]
    for worker in workers:
        worker.kill()
    return len(workers)


def test_killed_workers_are_replaced_and_their_parts_done_again(cluster, source, whole, tmp_path):
    killed = []
    plan = {1: 1, 10: 1, 20: 2, 30: 1, 40: 2}  # all that there are, too

    def kill(done: int) -> None:
        killed.append(kill_workers(plan.get(done, 0)))

    run(cluster, source, tmp_path / "out", watch=watch_and(kill))
    assert sum(killed) >= 5
    assert digests(tmp_path / "out") == whole


def test_a_report_bears_killed_workers(cluster, source):
    begun, sources = nullcontext(cluster), [str(source)]
    (expected,) = take_parts(begun, BASE, sources, watch=watch_and(lambda done: None))
    (found,) = take_parts(
        begun, BASE, sources, watch=watch_and(lambda done: kill_workers(done == 1))
    )
    assert found.sample.scores.tolist() == expected.sample.scores.tolist()
    assert found.sample.groups.tolist() == expected.sample.groups.tolist()
    assert len(found.sample) == 29_400


def start(source, out):
    command = [sys.executable, "-m", "moderation.score", str(BASE), str(source), "-o", str(out)]
    options = ("--engine", "dask", "--workers", "2", "--part-rows", str(ROWS))
    return subprocess.Popen(
        [*command, *options], env=environment(), stderr=subprocess.PIPE, text=True
    )


def wait_for_parts(process, out, number: int) -> None:
    while len(list(out.glob("part-*"))) < number:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def test_a_killed_client_is_continued_and_the_bytes_are_the_same(source, whole, tmp_path):
    out = tmp_path / "out"
    process = start(source, out)
    wait_for_parts(process, out, random.Random().randint(2, 30))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = start(source, out)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "dashboard: http://127.0.0.1:" in said
    assert "scored 29400 comments with model" in said
    assert digests(out) == whole
    assert sorted(path.name for path in out.iterdir()) == ["_manifest.json", *whole]


def test_a_part_that_fills_the_memory_is_named_with_what_to_change(tmp_path, monkeypatch):
    """The worker is ended, not the machine; the parts without the huge text (24 MB) are done."""
    source = write_tables(tmp_path / "in", [40] * 3)
    huge = pa.table({"id": ["1"], "text": ["the ferry and a lantern " * 1_000_000]})
    table = pq.read_table(source / "in-01.parquet").select(["id", "text"])
    for number in range(3):
        pq.write_table(table, source / f"in-0{number}.parquet")
    pq.write_table(pa.concat_tables([table, huge]), source / "in-01.parquet")
    monkeypatch.setattr(opening, "ROOM", 0)  # of a worker, not of this process with all its tests
    monkeypatch.setitem(opening._LOCAL, "distributed.scheduler.allowed-failures", 0)
    with (
        pytest.raises(DataError, match=r"not done: .*memory of each worker .*--worker-memory"),
    ):
        score_dataset(
            open_cluster(workers=1, memory="1200MB"),
            BASE,
            str(source),
            str(tmp_path / "out"),
            options=Options(),
            watch=watch_and(lambda done: None),
            part_rows=40,
        )
    assert {"part-00000.parquet", "part-00003.parquet"} <= set(digests(tmp_path / "out"))
