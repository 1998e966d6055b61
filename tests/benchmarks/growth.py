"""
Time and memory of `python -m moderation.score` over archives of growing size, from Parquet.

Run `python -m tests.benchmarks.growth`. Larger archives repeat the comments of the smaller ones in
another order. What it showed: time grows with the comments and with nothing else; memory is that of
the libraries, the model, and a few batches.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.material import make_pipeline, read_comments, save

ROWS = 20_000
"""Learnt from, for the model that scores."""
BATCH = 50_000


def main() -> None:
    """Print one line for each size."""
    parser = argparse.ArgumentParser(description="Score archives of growing size.")
    parser.add_argument(
        "sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000, 5_000_000]
    )
    args = parser.parse_args()
    texts, labels, source = read_comments(ROWS + 100_000)
    print(source)
    print("| comments | input (MB) | seconds | μs for each more | peak (MB) |")
    print("|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        model = save(make_pipeline(texts[:ROWS], labels[:ROWS]), Path(folder) / "model.joblib")
        start = 0.0
        for size in args.sizes:
            archive = write_archive(texts[ROWS:], size, Path(folder) / "archive.parquet")
            seconds, peak = measure(model, archive)
            start = start or seconds
            more = size - args.sizes[0]
            each = f"{(seconds - start) / more * 1e6:.1f}" if more else ""
            taken = archive.stat().st_size / 1e6
            print(f"| {size:,} | {taken:.0f} | {seconds:.1f} | {each} | {peak} |", flush=True)


def write_archive(texts: list[str], size: int, path: Path) -> Path:
    random = np.random.default_rng(0)
    schema = pa.schema({"id": pa.string(), "text": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, size, BATCH):
            ids = range(begin, min(begin + BATCH, size))
            chosen = random.integers(0, len(texts), len(ids))
            columns = [[str(i) for i in ids], [texts[i] for i in chosen]]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return path


def measure(model: Path, archive: Path) -> tuple[float, int]:
    """Return the seconds and the peak memory in MB of one run of the command."""
    command = ["-m", "moderation.score", model, archive, "-o", archive.with_name("scored.parquet")]
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    status = Path(f"/proc/{process.pid}/status")
    peak = 0
    while process.poll() is None:
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        peak = int(fields.get("VmHWM", "0").split()[0]) // 1000 or peak
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"moderation.score ended with {process.returncode}")
    return time.perf_counter() - begin, peak


if __name__ == "__main__":
    main()
