"""
How often intervals of kappa hold the true one: `python -m tests.benchmarks.kappa`.

Two people's answers are drawn from a table that has a given kappa and given shares of removals;
the interval the desk shows, the large-sample one (Fleiss, Cohen and Everitt 1969) and the
percentile bootstrap are made of each draw. Draws on which kappa is undefined give no interval,
and are left out for all three; their number is printed.
"""

import argparse
import math

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from moderation.agreement import measure_kappa

Floats = NDArray[np.float64]

CASES = (
    (0.2, 0.3, 0.3, 30),
    (0.6, 0.1, 0.1, 30),
    (0.8, 0.1, 0.12, 50),
    (0.9, 0.2, 0.2, 100),
    (0.6, 0.04, 0.04, 100),
    (0.8, 0.1, 0.12, 400),
)
"""Kappa, the share that each of the two removes, comments."""
RESAMPLES = 1000
NORMAL = 1.959964


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    rows = [
        f"| {runs:,} runs each: kappa, shares that the two remove, comments | covered by this "
        "interval | large-sample | bootstrap | undefined |",
        "|---|---:|---:|---:|---:|",
    ]
    for case in tqdm(CASES, unit=" cases"):
        kappa, first, second, comments = case
        held, undefined = count_held(*case, runs=runs)
        shares = " | ".join(f"{100 * count / (runs - undefined):.1f}%" for count in held)
        rows.append(f"| {kappa}, {first} and {second}, {comments} | {shares} | {undefined} |")
    print("\n".join(rows))


def count_held(
    kappa: float, first: float, second: float, comments: int, *, runs: int
) -> tuple[list[int], int]:
    """Return how many intervals of each kind hold kappa, and how many draws have none."""
    rng = np.random.default_rng([round(1000 * kappa), round(1000 * first), comments])
    shares = make_table(kappa, first, second).ravel()
    held, undefined = [0, 0, 0], 0
    for _ in range(runs):
        cells = rng.choice(4, size=comments, p=shares)
        if math.isnan(find_kappa(count_cells(cells[None, :]))[0]):
            undefined += 1
            continue
        ours = measure_kappa(cells // 2, cells % 2)
        assert ours.low is not None
        assert ours.high is not None
        ends = (ours.low, ours.high), large_sample(cells), bootstrap(cells, rng)
        held = [
            count + (low <= kappa <= high) for count, (low, high) in zip(held, ends, strict=True)
        ]
    return held, undefined


def make_table(kappa: float, first: float, second: float) -> Floats:
    """Return the shares (2, 2) of answers, by the first (0 keeps, 1 removes) and the second."""
    alike = first * second + (1 - first) * (1 - second)
    both = (kappa * (1 - alike) + alike - 1 + first + second) / 2
    return np.array([[1 - first - second + both, second - both], [first - both, both]])


def count_cells(cells: NDArray[np.int64]) -> Floats:
    """Return the shares (draws, 2, 2) of draws (draws, comments) of cells 0 to 3."""
    counts = np.stack([(cells == cell).mean(axis=1) for cell in range(4)], axis=1)
    return counts.reshape(-1, 2, 2)


def find_kappa(shares: Floats) -> Floats:
    """Return kappa (draws,) of shares (draws, 2, 2), not a number where it is undefined."""
    agreed = shares[:, 0, 0] + shares[:, 1, 1]
    chance = np.einsum("dk,dk->d", shares.sum(axis=2), shares.sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan)


def large_sample(cells: NDArray[np.int64]) -> tuple[float, float]:
    """Return the interval of Fleiss, Cohen and Everitt (1969, equation 13)."""
    shares = count_cells(cells[None, :])
    kappa = find_kappa(shares)[0]
    table = shares[0]
    by_first, by_second = table.sum(axis=1), table.sum(axis=0)
    chance = by_first @ by_second
    own = sum(table[k, k] * (1 - (by_first[k] + by_second[k]) * (1 - kappa)) ** 2 for k in range(2))
    others = (1 - kappa) ** 2 * sum(
        table[j, k] * (by_second[j] + by_first[k]) ** 2 for j, k in ((0, 1), (1, 0))
    )
    spread = own + others - (kappa - chance * (1 - kappa)) ** 2
    half = NORMAL * math.sqrt(max(0.0, spread) / len(cells)) / (1 - chance)
    return kappa - half, kappa + half


def bootstrap(cells: NDArray[np.int64], rng: np.random.Generator) -> tuple[float, float]:
    """Return the percentile interval; resamples of which kappa is undefined are left out."""
    drawn = find_kappa(count_cells(rng.choice(cells, size=(RESAMPLES, len(cells)))))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
