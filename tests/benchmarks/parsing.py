"""
Measures what parsing a folder with several processes gains.

Usage: python -m tests.benchmarks.parsing [--megabytes 200] [--files 8]
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from pathlib import Path

from moderation.parse import main as parse

WORDS = "the ferry stopped at noon and the passengers took the bus along the harbour"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.parsing")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--files", type=int, default=8)
    return parser


def write_lines(path: Path, megabytes: float) -> None:
    """Write comments of Reddit's, as a dump has them."""
    with path.open("w", encoding="utf-8") as stream:
        number = 0
        while stream.tell() < megabytes * 1e6:
            number += 1
            comment = {
                "id": f"c{number}", "body": f"{WORDS} {number}", "author": "ann", "score": 3,
                "link_id": "t3_a", "parent_id": "t3_a", "subreddit": "ferries",
                "created_utc": 1768393800, "permalink": "/r/ferries/comments/a/b/c/",
            }  # fmt: skip
            stream.write(json.dumps(comment) + "\n")


def measure(folder: Path, output: Path, jobs: int) -> tuple[float, str]:
    """Return the seconds that it takes, and the line that sums it up."""
    said = io.StringIO()
    began = time.perf_counter()
    with contextlib.redirect_stderr(said):
        status = parse([str(folder), "-o", str(output), "--jobs", str(jobs)])
    assert status == 0, said.getvalue()
    return time.perf_counter() - began, said.getvalue().splitlines()[-1]


def main() -> None:
    args = build_parser().parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "site"
        folder.mkdir()
        for number in range(args.files):
            write_lines(folder / f"{number}.jsonl", args.megabytes / args.files)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        print(f"{size:.0f} MB of JSON Lines in {args.files} files, {os.cpu_count()} processors")
        print("processes  to        seconds  MB/s")
        for ending in ("jsonl", "parquet"):
            for jobs in (1, 2, os.cpu_count() or 1):
                output = Path(made) / f"{jobs}.{ending}"
                seconds, said = measure(folder, output, jobs)
                print(f"{jobs:9}  {ending:8}  {seconds:7.1f}  {size / seconds:4.1f}")
        print(said)


if __name__ == "__main__":
    main()
