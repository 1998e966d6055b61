"""
What scoring on a cluster costs, and what it survives: `python -m tests.benchmarks.scale`.

Every run is the whole command in processes of its own, start included. Runs take turns, round by
round; what is printed are medians and ratios of medians. One core means that the command with all
its workers may use the first core only. Real comments where `../shared/corpora` is, repeated up to
the number of rows; generated ones elsewhere. With `--workers-only`, one worker and two alone.

With `--kills`, a run of two workers whose client is killed so many times at random points follows;
its parts are compared with those of a run that was left alone, and the memory of its workers is
sampled each second.

With `--worker-kills`, so many workers of one run are killed with -9, one after the other at random
points from its first part on, and its parts compared likewise.
"""

import argparse
import hashlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.material import read_comments

MODEL = Path(__file__).parents[2] / "models/base.joblib"
DIFFERENT = 100_000
FILES = 8
MIN_PAUSE = 3.0
"""Seconds between two kills of workers, on average: most have begun again by then."""
LOCAL, ONE_CORE = "local, one core", "dask, one worker, one core"
ONE, TWO = "dask, one worker", "dask, two workers"


def write_archive(folder: Path, rows: int) -> str:
    """Write comments as Parquet files in a folder, and as one beside it."""
    texts, _, origin = read_comments(min(rows, DIFFERENT))
    folder.mkdir()
    size = -(-rows // FILES)
    with pq.ParquetWriter(f"{folder}.parquet", _table(texts, 0, 1).schema) as whole:
        for number in range(FILES):
            table = _table(texts, number * size, min((number + 1) * size, rows))
            pq.write_table(table, folder / f"comments-{number:02d}.parquet")
            whole.write_table(table)
    return origin


def _table(texts: list[str], begin: int, end: int) -> pa.Table:
    numbers = range(begin, end)
    return pa.table(
        {
            "id": [str(number) for number in numbers],
            "text": [texts[number % len(texts)] for number in numbers],
            "section": ["news" if number % 3 else "sport" for number in numbers],
        }
    )


def command(source: Path | str, output: Path, *options: str) -> list[str]:
    arguments = [str(MODEL), str(source), "-o", str(output), *options]
    return [sys.executable, "-m", "moderation.score", *arguments]


def on_cluster(source: Path, output: Path, workers: int) -> list[str]:
    return command(source, output, "--engine", "dask", "--workers", str(workers))


def compare(folder: Path, rows: int, rounds: int, *, workers_only: bool) -> None:
    """Print what each way takes, and the ratios asked for."""
    archive, out = folder / "archive", folder / "out"
    pinned = ["taskset", "-c", "0"]
    ways = {ONE: on_cluster(archive, out, 1), TWO: on_cluster(archive, out, 2)}
    if not workers_only:
        ways[LOCAL] = [*pinned, *command(f"{archive}.parquet", folder / "out.parquet")]
        ways[ONE_CORE] = [*pinned, *on_cluster(archive, out, 1)]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, words in ways.items():
            shutil.rmtree(out, ignore_errors=True)
            begun = time.perf_counter()
            subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
            seconds[way].append(time.perf_counter() - begun)
            print(f"  {way}: {seconds[way][-1]:.1f} s", flush=True)
    found = {way: statistics.median(times) for way, times in seconds.items()}
    for way, median in found.items():
        print(f"{way:28} {median:7.1f} s, {rows / median:9,.0f} comments a second")
    if not workers_only:
        overhead = found[ONE_CORE] / found[LOCAL] - 1
        print(f"overhead on one core: {overhead:+.1%} (at most +15% asked)")
    print(f"two workers against one: {found[ONE] / found[TWO]:.2f} times (at least 1.8 asked)")


def survive(folder: Path, kills: int) -> None:
    """Print whether a run that is killed and continued gives the bytes of one that is not."""
    archive = folder / "archive"
    whole, killed = folder / "whole", folder / "killed"
    begun = time.perf_counter()
    memory = _watch(subprocess.Popen(on_cluster(archive, whole, 2), stderr=subprocess.DEVNULL))
    seconds = time.perf_counter() - begun
    _print_memory("left alone", memory)
    for number in range(kills):
        process = subprocess.Popen(on_cluster(archive, killed, 2), stderr=subprocess.DEVNULL)
        after = random.uniform(0.1, 1.5) * seconds / kills + 10  # which the start takes
        memory = _watch(process, seconds=after)
        _print_memory(f"killed after {after:.0f} s ({number + 1} of {kills})", memory)
    subprocess.run(on_cluster(archive, killed, 2), check=True, stderr=subprocess.DEVNULL)
    rows = sum(pq.read_metadata(path).num_rows for path in killed.glob("part-*.parquet"))
    same = _digest(whole) == _digest(killed)
    print(f"{rows} rows after {kills} kills; digests {'equal' if same else 'NOT EQUAL'}")


def bear(folder: Path, kills: int) -> None:
    """Print whether a run whose workers are killed gives the bytes of one that is left alone."""
    archive, whole, killed = folder / "archive", folder / "alone", folder / "borne"
    begun = time.perf_counter()
    subprocess.run(in_parts(archive, whole), check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    process = subprocess.Popen(in_parts(archive, killed), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(killed.glob("part-*")):
        time.sleep(0.1)
    done = _kill_workers(process, kills, every=max(MIN_PAUSE, seconds / kills))
    _, said = process.communicate()
    took = time.perf_counter() - begun
    print(f"left alone {seconds:.0f} s, with {done} workers killed {took:.0f} s")
    same = _digest(whole) == _digest(killed)
    rows = sum(pq.read_metadata(path).num_rows for path in killed.glob("part-*.parquet"))
    print(f"status {process.returncode}, {rows} rows; digests {'equal' if same else 'NOT EQUAL'}")
    if process.returncode:
        print(said.splitlines()[-1])


def in_parts(source: Path, output: Path) -> list[str]:
    return [*on_cluster(source, output, 2), "--part-rows", "10000"]


def _kill_workers(process: subprocess.Popen, kills: int, *, every: float) -> int:
    """Kill a worker below a process again and again; return how many were killed."""
    done = 0
    while done < kills and process.poll() is None:
        time.sleep(random.uniform(0.5, 1.5) * every)
        workers = [one for one in psutil.Process(process.pid).children() if _is_worker(one)]
        if workers:
            random.choice(workers).kill()
            done += 1
    return done


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return False


def _watch(process: subprocess.Popen, *, seconds: float | None = None) -> list[int]:
    """Return samples of the memory of the largest process below one, until it ends or is killed."""
    samples, begun = [], time.perf_counter()
    while process.poll() is None:
        samples.append(max(map(_memory, psutil.Process(process.pid).children()), default=0))
        if seconds is not None and time.perf_counter() - begun > seconds:
            process.kill()
        time.sleep(1)
    return samples


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has ended
        return 0


def _print_memory(what: str, samples: list[int]) -> None:
    half = len(samples) // 2
    first, second = (max(part, default=0) >> 20 for part in (samples[:half], samples[half:]))
    print(f"  {what}: largest worker {first} MB in the first half, {second} MB in the second")


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.glob("part-*.parquet")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="0 to leave the comparison out")
    parser.add_argument("--workers-only", action="store_true", help="do not compare with local")
    parser.add_argument("--kills", type=int, default=0, help="of a client, at random points")
    parser.add_argument("--worker-kills", type=int, default=0, help="in one run, at random points")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        origin = write_archive(folder / "archive", args.rows)
        print(f"{args.rows} comments from {origin}")
        if args.rounds:
            compare(folder, args.rows, args.rounds, workers_only=args.workers_only)
        if args.kills:
            survive(folder, args.kills)
        if args.worker_kills:
            bear(folder, args.worker_kills)


if __name__ == "__main__":
    main()
