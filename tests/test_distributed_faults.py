"""Workers and clients that are killed: the run ends right, or the same command goes on."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.clusters import BASE, digests, environment, need_package, write_tables

need_package("distributed", "dask[distributed]")


def start(source, out, *options):
    command = [sys.executable, "-m", "moderation.score", str(BASE), str(source), "-o", str(out)]
    options = ("--engine", "dask", "--workers", "2", "--part-rows", "500", *options)
    return subprocess.Popen(
        [*command, *options], env=environment(), stderr=subprocess.PIPE, text=True
    )


def find_workers(process) -> list[psutil.Process]:
    try:
        below = psutil.Process(process.pid).children(recursive=True)
        return [one for one in below if "spawn_main" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


def wait_for_parts(process, out, number: int) -> None:
    while len(list(out.glob("part-*"))) < number:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_tables(tmp_path_factory.mktemp("faults") / "in", [10_000] * 3)


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("faults") / "whole"
    process = start(source, out)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "dashboard: http://127.0.0.1:" in said
    assert "scored 29400 comments with model" in said
    return digests(out)


def test_a_killed_client_is_continued_and_the_bytes_are_the_same(source, whole, tmp_path):
    out = tmp_path / "out"
    for parts in (2, random.Random().randint(5, 30)):
        process = start(source, out)
        wait_for_parts(process, out, parts)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    process = start(source, out)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert digests(out) == whole
    assert sorted(path.name for path in out.iterdir()) == ["_manifest.json", *whole]


def test_killed_workers_are_replaced_and_their_parts_done_again(source, whole, tmp_path):
    out = tmp_path / "out"
    process = start(source, out)
    killed = 0
    for parts in (1, 20, 40):
        wait_for_parts(process, out, parts)
        for worker in find_workers(process)[:1]:
            os.kill(worker.pid, signal.SIGKILL)
            killed += 1
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert killed
    assert digests(out) == whole
