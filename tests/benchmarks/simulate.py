"""
What replaying a million scored comments costs: `python -m tests.benchmarks.simulate`.

One Parquet file holds real comments, repeated under ids of their own, with made-up scores, labels,
times over a year, sections and languages. `simulate` is all of `python -m moderation.policy
simulate` but the printing: the file is read, every comment decided on by a policy with several
rules, a least length, known languages and overrides, and the queue of what is held replayed.
Beside it `pandas.read_parquet` of the same file, in the same run, in turns.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from moderation.desk import Desk, Pace
from moderation.past import read_past
from moderation.policy import (
    Action,
    ErrorLimit,
    Evidence,
    Languages,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
)
from moderation.simulation import Simulation, simulate
from moderation.verdicts import decide_all
from tests.benchmarks.material import read_comments

BASE_RATE = 0.08
SECTIONS = ("news", "sport", "culture", "economy", "city", "science", "travel", "opinion")
LANGUAGES = ("en", "de", "und", "fr")
FOUND = Evidence(model="m1", labels=20_000, removed=1_600, acted=12_000, errors=90, bound=0.01)
OWN = "LIKELY_TO_REJECT"
POLICY = Policy(
    rules=(
        Rule(OWN, 0.08, Action.APPROVE, "clean", goal=ErrorLimit(0.01), evidence=FOUND, audit=0.01),
        Rule(OWN, 0.70, Action.REMOVE, "sure", goal=ErrorLimit(0.05), evidence=FOUND, audit=0.02),
        Rule(OWN, 0.60, Action.HOLD, "likely", scale=ScoreScale.EVEN, house_rule="other"),
        Rule("TOXICITY", 0.90, Action.HOLD, "toxic", house_rule="personal abuse"),
    ),
    otherwise=Action.HOLD,
    too_short=TooShort(4),
    languages=Languages(("en", "de", "und")),
    overrides=(
        Override(sections=("sport", "city"), rules=(Rule(OWN, 0.2, Action.HOLD, "likely"),)),
        Override(sections=("science",), communities=("evening",), without=("sure",)),
    ),
)


def main() -> None:
    """Print the medians of both, and how many times the one is the other."""
    parser = argparse.ArgumentParser(description="Measure simulating against reading.")
    parser.add_argument("--comments", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "past.parquet"
        origin = write_table(path, args.comments)
        work: dict[str, Callable[[Path], object]] = {
            "pandas.read_parquet": pd.read_parquet,
            "simulate": replay,
        }
        taken: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(args.rounds + 1):  # the first one warms up
            for name, do in work.items():
                taken[name].append(clock(do, path))
        found, size = replay(path), path.stat().st_size
    medians = {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}
    total = found.total
    print(f"{args.comments:,} comments of {origin}, {size / 1e6:.0f} MB of Parquet: ", end="")
    print(f"{total.approved:,} approved, {total.held:,} held, {total.removed:,} removed.\n")
    print("| | seconds | times reading |\n|---|---:|---:|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds:.2f} | {seconds / medians['pandas.read_parquet']:.1f} |")


def clock(do: Callable[[Path], object], path: Path) -> float:
    began = time.perf_counter()
    do(path)
    return time.perf_counter() - began


def replay(path: Path) -> Simulation:
    past = read_past(path, attributes=POLICY.attributes)
    desk = Desk(Pace(20.0), moderators=4, begins=7, ends=23)
    return simulate(past, decide_all(past, POLICY, base_rate=BASE_RATE), desk=desk)


def write_table(path: Path, number: int) -> str:
    """Write scored comments and return where their words come from."""
    texts, _, origin = read_comments(200_000)
    rng = np.random.default_rng(0)
    toxicity = rng.beta(0.4, 4.0, number)
    scores = np.clip(toxicity + rng.normal(0, 0.05, number), 0, 1)
    created = np.datetime64("2025-01-01", "us") + rng.integers(0, 365 * 86_400 * 10**6, number)
    table = pa.table(
        {
            "id": pa.array([f"c{row}" for row in range(number)]),
            "text": pa.array(texts).take(pa.array(rng.integers(0, len(texts), number))),
            "score": scores,
            "TOXICITY": np.where(rng.random(number) < 0.01, np.nan, toxicity),
            "label": pa.array(
                rng.random(number) < scores, pa.int64(), mask=rng.random(number) < 0.3
            ),
            "model": pa.array(["m1"]).take(pa.array(np.zeros(number, dtype=np.int64))),
            "created_at": pa.array(np.sort(created), pa.timestamp("us", tz="UTC")),
            "section": pick(SECTIONS, rng, number),
            "community": pick(("morning", "evening"), rng, number),
            "language": pick(LANGUAGES, rng, number),
        }
    )
    pq.write_table(table, path, compression="zstd")
    return origin


def pick(names: tuple[str, ...], rng: np.random.Generator, number: int) -> pa.Array:
    """Return random names, the first ones more often."""
    places = (rng.random(number) ** 2 * len(names)).astype(np.int64)
    return pa.array(names).take(pa.array(places))


if __name__ == "__main__":
    main()
