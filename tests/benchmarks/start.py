"""
How long a new process takes to its first score: `python -m tests.benchmarks.start`.

Beside it, in turns: the time that only importing scikit-learn and numba takes, and the first score
without a cache, when the loops are compiled.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.material import make_pipeline, read_comments, save

ROWS = 20_000
IMPORTS = "import sklearn, numba"
FIRST = "import sys, moderation; moderation.load_model(sys.argv[1]).score(['a first comment'])"
ENDED = "; import os; os._exit(0)"  # what a process does after its first score is not measured


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description="Time a process from start to first score.")
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    texts, labels, source = read_comments(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        model = save(make_pipeline(texts, labels), Path(folder) / "model.joblib")
        cold = measure(FIRST, model, NUMBA_CACHE_DIR=f"{folder}/cold")
        measure(FIRST, model)
        taken: dict[str, list[float]] = {IMPORTS: [], FIRST: []}
        for _ in range(args.rounds):
            for code, seconds in taken.items():
                seconds.append(measure(code, model))
        imports, first = (statistics.median(seconds) for seconds in taken.values())
        size = model.stat().st_size / 1e6
    print(f"{source}; a model of {size:.1f} MB; medians of {args.rounds} rounds")
    print("| from the start of a process | seconds | times |")
    print("|---|---:|---:|")
    print(f"| to scikit-learn and numba imported | {imports:.2f} | 1.00 |")
    print(f"| to the first score | {first:.2f} | {first / imports:.2f} |")
    print(f"| to the first score, nothing compiled yet | {cold:.2f} | {cold / imports:.2f} |")


def measure(code: str, model: Path, **environment: str) -> float:
    """Return the seconds that a new process takes for some code."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code + ENDED, model], check=True, env={**os.environ, **environment}
    )
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
