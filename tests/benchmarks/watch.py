"""
What the watch on a promise is worth: `python -m tests.benchmarks.watch`.

First how often it raises an alarm though the promise is kept exactly to its limit, looked at after
every audit; beside it the usual way, which breaks it: a one-sided 95% bound (Clopper-Pearson), or a
one-sided normal test, worked out anew at every look. 100,000 actions, audited all or one in twenty.

Then how many audits it takes to notice that the errors have doubled: from the start, and after
2,000 audits during which the promise was kept to its limit.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
from scipy import stats
from tqdm import tqdm

from moderation.policy import ErrorLimit
from moderation.watching import FIRST_HALF, STAKES, alarm_level, bet

ERRORS = (0.01, 0.02, 0.05)
ACTIONS = 100_000
SHARES = (1.0, 0.05)
KEPT_FOR = 2000
BLOCK = 500


def main() -> None:
    """Print how often alarms are false, and how soon they come."""
    parser = argparse.ArgumentParser(description="Measure the watch on automatic actions.")
    parser.add_argument("--runs", type=int, default=2000)
    args = parser.parse_args()
    print(f"| promise kept exactly, {args.runs:,} runs | audits | alarms | Clopper-Pearson at each "
          "look | normal test at each look |")  # fmt: skip
    print("|---|---:|---:|---:|---:|")
    for error in tqdm(ERRORS, desc="kept", file=sys.stderr):
        for share in SHARES:
            print(kept_row(error, share, args.runs), flush=True)
    print("\n| errors double | from the start: alarms | audits until then, median (90%) "
          f"| after {KEPT_FOR:,} audits: alarms | audits from then on, median (90%) |")  # fmt: skip
    print("|---|---:|---:|---:|---:|")
    for error in tqdm(ERRORS, desc="broken", file=sys.stderr):
        print(broken_row(error, args.runs), flush=True)


def kept_row(error: float, share: float, runs: int) -> str:
    audits = round(ACTIONS * share)
    limits = [bounds(error, audits), normal_bounds(error, audits)]
    alarms, *crossings = follow(error, [error] * audits, runs, limits=limits)
    return (
        f"| at most {error:.0%} wrong, {share:.0%} audited | {audits:,} | "
        f"{' | '.join(as_share(found > 0) for found in (alarms, *crossings))} |"
    )


def broken_row(error: float, runs: int) -> str:
    cells = []
    for kept in (0, KEPT_FOR):
        chances = [error] * kept + [2 * error] * round(100 / error)
        alarms = follow(error, chances, runs)[0]
        in_time = alarms[alarms > kept] - kept
        early = f" ({(alarms[alarms > 0] <= kept).sum()} before)" if kept else ""
        cells.append(as_share(alarms > 0) + early)
        cells.append(f"{np.median(in_time):,.0f} ({np.quantile(in_time, 0.9):,.0f})")
    return f"| from {error:.0%} to {2 * error:.0%} | {' | '.join(cells)} |"


def follow(
    error: float, chances: list[float], runs: int, *, limits: list[np.ndarray] | None = None
) -> list[np.ndarray]:
    """Return when each run first alarms, 0 for never: by the watch, then by counts at limits."""
    level = alarm_level(ErrorLimit(error))
    capital = np.full((STAKES, runs), FIRST_HALF)
    counts, first = np.zeros(runs, dtype=np.int64), np.zeros((1 + len(limits or []), runs), int)
    audited = 0
    for wrong in draw(chances, runs):
        wealths = bet(capital, wrong, np.ones((len(wrong), 1)), error=error, audited=audited)
        for found, wealth in zip(wrong, wealths, strict=True):
            counts += found
            reached = [wealth >= level, *(counts >= limit[audited] for limit in limits or [])]
            audited += 1
            first[(first == 0) & reached] = audited
    return list(first)


def draw(chances: list[float], runs: int) -> Iterator[np.ndarray]:
    """Yield which audits find an error, (audits, runs), in blocks that fit into memory."""
    rng = np.random.default_rng(0)
    for start in range(0, len(chances), BLOCK):
        block = np.array(chances[start : start + BLOCK])[:, np.newaxis]
        yield rng.random((len(block), runs)) < block


def bounds(error: float, audits: int) -> np.ndarray:
    """Return the errors from which on a 95% lower bound is above the promise, by audits so far."""
    return stats.binom.ppf(0.95, np.arange(1, audits + 1), error) + 1


def normal_bounds(error: float, audits: int) -> np.ndarray:
    number = np.arange(1, audits + 1)
    return number * error + stats.norm.ppf(0.95) * np.sqrt(number * error * (1 - error))


def as_share(found: np.ndarray) -> str:
    share = found.mean()
    return f"{share:.1%} ± {np.sqrt(share * (1 - share) / len(found)):.1%}"


if __name__ == "__main__":
    main()
