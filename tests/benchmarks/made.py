"""
Writes labelled comments of made-up words: `python -m tests.benchmarks.made 200000 FILE.parquet`.

Few words in ever new orders: the features of a comment weigh some twenty times its text, and there
are not more of them than any worker has memory for. A comment is removed the more likely the more
of its words are from the first tenth of the vocabulary; no classifier can be sure.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import trange

VOCABULARY = 300
WORDS = 200
AT_ONCE = 10_000
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("rows", type=int, metavar="ROWS")
    parser.add_argument("file", type=Path, metavar="FILE.parquet")
    args = parser.parse_args()
    generator = np.random.default_rng(0)
    vocabulary = np.array(
        [
            "".join(generator.choice(_SYLLABLES, size=generator.integers(2, 5)))
            for _ in range(VOCABULARY)
        ]
    )
    schema = pa.schema([("text", pa.string()), ("label", pa.int64())])
    with pq.ParquetWriter(args.file, schema) as writer:
        for begin in trange(0, args.rows, AT_ONCE, leave=False):
            rows = min(AT_ONCE, args.rows - begin)
            writer.write_table(_make(generator, vocabulary, rows, schema))


def _make(
    generator: np.random.Generator, vocabulary: np.ndarray, rows: int, schema: pa.Schema
) -> pa.Table:
    share = generator.uniform(0, 0.3, size=(rows, 1))
    of_tenth = generator.random((rows, WORDS)) < share
    words = np.where(
        of_tenth,
        generator.integers(0, VOCABULARY // 10, (rows, WORDS)),
        generator.integers(VOCABULARY // 10, VOCABULARY, (rows, WORDS)),
    )
    texts = [" ".join(line) for line in vocabulary[words]]
    removed = generator.random(rows) < 1 / (1 + np.exp(-20 * (share[:, 0] - 0.2)))
    return pa.table({"text": texts, "label": removed.astype(int)}, schema=schema)


if __name__ == "__main__":
    main()
