"""A cluster that runs already: a scheduler and workers in processes of their own."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq
import pytest

from moderation import evaluate, score
from moderation.errors import ClusterError
from tests.clusters import BASE, environment, need_package, read_parts, write_tables

need_package("distributed", "dask[distributed]")
import dask  # noqa: E402

from moderation.distributed import cluster  # noqa: E402
from moderation.distributed.cluster import connect  # noqa: E402
from moderation.distributed.running import score_dataset  # noqa: E402
from moderation.distributed.scoring import Options  # noqa: E402
from moderation.distributed.tasks import Watch  # noqa: E402

LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


@contextlib.contextmanager
def process(*words, **variables):
    """Run a command of Dask's until the end of the block."""
    command = [sys.executable, "-m", "dask", *map(str, words)]
    env, elsewhere = environment(**variables), tempfile.gettempdir()  # not among our modules
    with subprocess.Popen(command, env=env, cwd=elsewhere, stderr=subprocess.DEVNULL) as begun:
        try:
            yield begun
        finally:
            begun.terminate()


@contextlib.contextmanager
def scheduler(folder):
    """Run a scheduler, and give it with the address that it wrote down."""
    file = folder / "scheduler.json"
    with process("scheduler", *LOOPBACK, "--port", "0", "--scheduler-file", file) as begun:
        yield begun, wait_for_address(begun, file)


def wait_for_address(begun, file):
    """Return what the scheduler has written down; for a moment its file is there and empty."""
    while True:
        assert begun.poll() is None
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(file.read_text())["address"]
        time.sleep(0.05)


def worker(address, **variables):
    options = ("--nthreads", "1", "--memory-limit", "0", *LOOPBACK)
    return process("worker", address, *options, **variables)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Return the address of a cluster of two workers."""
    with (
        scheduler(tmp_path_factory.mktemp("scheduler")) as (_, address),
        worker(address),
        worker(address),
    ):
        yield address


def test_scores_and_reports_are_those_of_the_local_engine(running, tmp_path, capsys):
    source = write_tables(tmp_path / "in", [90, 30])
    on_cluster = ("--engine", "dask", "--scheduler", running)
    out = tmp_path / "out"
    assert score.main([str(BASE), str(source), "-o", str(out), *on_cluster]) == 0
    assert "scored 117 comments with model" in capsys.readouterr().err
    table, whole = source / "in-00.parquet", tmp_path / "whole.parquet"
    assert score.main([str(BASE), str(table), "-o", str(whole)]) == 0
    local = read_parts(tmp_path.joinpath("out")).slice(0, 90)
    assert local.equals(pq.read_table(whole).combine_chunks())
    printed = []
    for options in ((), on_cluster):
        capsys.readouterr()
        assert evaluate.main([str(BASE), str(source), *options]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def make_package(folder, code: str):
    folder.joinpath("moderation").mkdir()
    folder.joinpath("moderation/__init__.py").touch()
    folder.joinpath("sitecustomize.py").write_text(code)
    return str(folder)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "have another version of moderation than this machine: install the same"),
        ("import sys; sys.modules['moderation'] = None", "lack the package: pip install"),
    ],
    ids=["another version", "no package"],
)
def test_a_worker_that_runs_other_code_is_refused_and_named(
    running, tmp_path, capsys, code, message
):
    from distributed import Client

    with (
        Client(running, set_as_default=False) as client,
        worker(running, PYTHONPATH=make_package(tmp_path, code)),
    ):
        client.wait_for_workers(3, timeout=60)
        source = write_tables(tmp_path / "in", [40])
        options = ("--engine", "dask", "--scheduler", running)
        assert score.main([str(BASE), str(source), "-o", str(tmp_path / "out"), *options]) == 1
        said = capsys.readouterr().err
        assert "1 of 3 workers (tcp://127.0.0.1:" in said
        assert message in said
        assert "Traceback" not in said
    while True:  # until it has left: other tests use the same cluster
        with Client(running, set_as_default=False) as client:
            if len(client.nthreads()) == 2:
                return


def test_a_cluster_without_workers_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "JOINS_WITHIN", 0.5)
    with (
        scheduler(tmp_path) as (_, address),
        pytest.raises(ClusterError, match=f"no worker joined in 0.5 s; .*dask worker {address}"),
        connect(address),
    ):
        pass


def test_a_scheduler_that_is_lost_is_one_line_and_the_parts_are_kept(tmp_path):
    source, out, done = write_tables(tmp_path / "in", [900]), tmp_path / "out", []

    def end(begun):
        done.append(1)
        begun.kill()

    with (
        scheduler(tmp_path) as (begun, address),
        worker(address),
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ClusterError, match="the cluster was lost; what is done is kept: run the"),
        connect(address) as client,
    ):
        score_dataset(
            contextlib.nullcontext(client),
            BASE,
            str(source),
            str(out),
            options=Options(),
            watch=Watch(print, begin=lambda number: None, advance=lambda: end(begun)),
            part_rows=20,
        )
    manifest = json.loads((out / "_manifest.json").read_text())
    assert len(manifest["done"]) >= len(done) > 0


def test_workers_that_die_before_they_begin_are_begun_again_and_then_told(monkeypatch):
    begun = []

    def die(**options):
        begun.append(options)
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(cluster, "LocalCluster", die)
    with pytest.raises(ClusterError, match="before they had begun"), cluster.open_cluster():
        pass
    assert len(begun) == cluster.STARTS


def test_an_address_where_nothing_answers_is_said(monkeypatch):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ClusterError, match="no scheduler answers"),
        connect("tcp://127.0.0.1:9"),
    ):
        pass


@pytest.mark.parametrize(
    "address",
    ["localhost", "tcp://localhost", "http://scheduler.example:8786", "scheduler:port", ""],
)
def test_what_is_no_schedulers_address_is_refused_at_once(address):
    with (
        pytest.raises(ClusterError, match="expected a host and a port, such as tcp://"),
        connect(address),
    ):
        pass


def test_a_secret_in_an_address_is_not_said():
    with (
        pytest.raises(ClusterError, match=r"^tcp://\*\*\*@scheduler.example:8786: not a"),
        connect("tcp://name:secret@scheduler.example:8786"),
    ):
        pass
