"""
Scores, latency, fitting and memory, side by side: `python -m tests.benchmarks.speed`.

Every contender learns from the same rows and scores the same comments, in a process of its own;
they take turns, round by round, and what is printed are medians and ratios of medians. Comments to
score are new in every round, and none was learnt from: nobody's memory of them helps. Real comments
where `../shared/corpora` is, generated ones elsewhere. For the others:
`pip install -e '.[benchmark]'`.

Fewest bytes, fewest operations, and what came of it (279 characters, 49 tokens a comment; one core
of an AMD EPYC with 512 KB of L2 cache; scikit-learn took 450 to 550 us a comment):

- A comment is 0.3 KB to read once, which no scheme can save: 0.03 us. Its 820 n-grams need a lookup
  each if nothing is shared: at 4 ns from L2 that is 3.3 us, at 13 ns from L3 10.7 us. Measured with
  an exact trie in a hash table: 12.8 us. Bound by memory, as predicted.
- Prediction: remembering what a token holds leaves 49 lookups and 820 increments, 3 us. Measured:
  18 us when first written. Half was numba counting references to arrays (27% of samples on two
  locked instructions): 9.2 us without. A quarter of tokens is new in 12,000 comments, not the
  expected 5%: what a token holds must be worked out fast as well.
- Prediction: a node with a bit for each letter and its children side by side saves the probing of a
  hash table, 35 steps a token at 25 ns. Measured: new tokens 1.1 us, from 1.5 us; less than hoped,
  as each step still waited for the one before.
- Prediction: letting all n-grams of a token grow together, and tokens go in blocks through one
  loop after another, lets the processor wait for many reads at once: 20% less. Measured: 19.5 to
  13.5 us.
- Not predicted: numba's check for negative indices cost as much as the work. Unsigned indices and
  tables of one dimension: 13.5 to 8.1 us, 5.6 us where all tokens are known.
- Left: the increments (2 us), the weights of 570 features (1.5 us), new tokens (2.5 us).
- Prediction: one entry for `Word` and `word`, and room for twice as many, leave 13% of tokens new
  instead of 20%: 10% less. Measured: 5%, as the larger memory is out of the cache more often.
- Prediction: a bit per n-gram in the nearest cache instead of a count, and the sum of a token's
  weights kept with it, so that only n-grams that come twice are looked up: 30% less. Measured: half
  the cache misses, yet 5% slower, with a sixth more instructions and half as many branches again
  that the processor guesses wrong. Not kept.
- Prediction: reading the entries of all tokens of a block, and all its pairs, before they are used
  lets the processor wait once: 5% less. Measured: 3 to 8%.
- Prediction (fitting): n-grams on one thread and words on another need no merging: a third less.
  Measured: slower: n-grams are two thirds of the work, and each part waits its turn. Not kept.
- Prediction (fitting): IDF and column of a feature side by side halve the misses of a row.
  Measured: 12% slower: columns alone, a third of the size, stay in the cache. Not kept.
- Prediction: large pages for every table save the waits for page tables: 5% less. numpy asks for
  them, but memory that was used before keeps small ones: the weights had none. Measured, with
  blocks mapped anew: 3 to 4%. The tables of learning become a fifth slower so, as each growth then
  waits for zeroed pages: they stay numpy's.
- Prediction: letting n-grams that found no child walk on in a node without children, so that no
  loop waits for memory to know its end: 5% less. Measured: no difference. Not kept.
- Prediction: siblings of length 5, which have no children, behind all others make the nodes that
  are read half as many: 10% less for new tokens. Measured: so, and the counts and weights, in the
  same order, lose as much. Not kept.
"""

import argparse
import multiprocessing as mp
import os
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.material import read_comments

SINGLES = 300
"""Comments scored one at a time in each round."""
OURS, PLAIN = "moderation", "scikit-learn"


# ---------------------------------------------------------------------------------------------
# Contenders
# ---------------------------------------------------------------------------------------------


class Moderation:
    """This project: `Scorer.score`, over the pipeline that it saves."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def fit_features(self, texts: list[str]) -> Any:
        from moderation.features import make_features

        self.features = make_features().set_params(threads=self.threads)
        return self.features.fit_transform(texts)

    def fit(self, matrix: Any, texts: list[str], labels: np.ndarray) -> None:
        from sklearn.pipeline import Pipeline

        from moderation.logistic import fit_logistic
        from moderation.scorer import CLASSIFIER, FEATURES, Scorer

        classifier = fit_logistic(matrix, labels, strength=1.0)
        pipeline = Pipeline([(FEATURES, self.features.to_sklearn()), (CLASSIFIER, classifier)])
        del self.features
        self.scorer = Scorer(pipeline).compile()

    def score(self, texts: list[str]) -> np.ndarray:
        return self.scorer.score(texts, threads=self.threads)

    def size(self) -> int:
        return len(pickle.dumps(self.scorer.pipeline, protocol=4))


class Plain:
    """scikit-learn's own classes: the same pipeline."""

    def fit_features(self, texts: list[str]) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import FeatureUnion

        settings: dict[str, Any] = {"min_df": 2, "sublinear_tf": True}
        words = TfidfVectorizer(ngram_range=(1, 2), **settings)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **settings)
        self.features = FeatureUnion([("word", words), ("char", characters)])
        return self.features.fit_transform(texts)

    def fit(self, matrix: Any, texts: list[str], labels: np.ndarray) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        classifier = LogisticRegression(C=1.0, tol=1e-4, max_iter=1000).fit(matrix, labels)
        self.pipeline = make_pipeline(self.features, classifier)

    def score(self, texts: list[str]) -> np.ndarray:
        return self.pipeline.predict_proba(texts)[:, 1]

    def size(self) -> int:
        return len(pickle.dumps(self.pipeline, protocol=4))


class Onnx(Plain):
    """The same pipeline in onnxruntime, where skl2onnx converts it."""

    def fit(self, matrix: Any, texts: list[str], labels: np.ndarray) -> None:
        import onnxruntime
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import StringTensorType

        super().fit(matrix, texts, labels)
        model = convert_sklearn(
            self.pipeline, initial_types=[("text", StringTensorType([None]))], target_opset=17
        )
        self.body = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.body, options)

    def score(self, texts: list[str]) -> np.ndarray:
        return self.session.run(None, {"text": np.array(texts)})[1]

    def size(self) -> int:
        return len(self.body)


class FastText:
    """fastText with the same n-grams: `wordNgrams=2, minn=2, maxn=5`, else its defaults."""

    def fit_features(self, texts: list[str]) -> Any:
        return None

    def fit(self, matrix: Any, texts: list[str], labels: np.ndarray) -> None:
        import fasttext

        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.txt"
            lines = (f"__label__{y} {_line(t)}\n" for y, t in zip(labels, texts, strict=True))
            rows.write_text("".join(lines), encoding="utf-8", errors="replace")
            self.model = fasttext.train_supervised(
                str(rows), wordNgrams=2, minn=2, maxn=5, thread=1, verbose=0
            )

    def score(self, texts: list[str]) -> np.ndarray:
        labels, shares = self.model.predict([_line(text) for text in texts], k=2)
        return np.array(
            [
                s[0] if o[0] == "__label__1" else 1 - s[0]
                for o, s in zip(labels, shares, strict=True)
            ]
        )

    def size(self) -> int:
        with tempfile.TemporaryDirectory() as folder:
            self.model.save_model(f"{folder}/model.bin")
            return os.path.getsize(f"{folder}/model.bin")


def _line(text: str) -> str:
    return " ".join(text.split())


class ProfanityCheck:
    """alt-profanity-check: word counts and a linear model, as it ships; it learns nothing."""

    def fit_features(self, texts: list[str]) -> Any:
        return None

    def fit(self, matrix: Any, texts: list[str], labels: np.ndarray) -> None:
        import profanity_check

        self.predict = profanity_check.predict_prob
        self.folder = Path(profanity_check.__file__).parent

    def score(self, texts: list[str]) -> np.ndarray:
        return self.predict(texts)

    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.rglob("*.joblib"))


CONTENDERS: dict[str, Callable[[], Any]] = {
    OURS: Moderation,
    f"{OURS}, 2 threads": lambda: Moderation(threads=2),
    PLAIN: Plain,
    "fastText": FastText,
    "alt-profanity-check": ProfanityCheck,
    "onnxruntime": Onnx,
}


# ---------------------------------------------------------------------------------------------
# Processes
# ---------------------------------------------------------------------------------------------


def serve(name: str, rows: int, new: int, pipe: Any) -> None:
    """Do what the other end of the pipe asks for, until it asks for nothing."""
    texts, labels, _ = read_comments(rows + new)
    learn, fresh = texts[:rows], texts[rows:]
    contender = CONTENDERS[name]()
    matrix = None
    while task := pipe.recv():
        match task:
            case ("warm up",):
                contender.fit(contender.fit_features(learn[:200]), learn[:200], labels[:200])
                contender.score(learn[:50])
                pipe.send(None)
            case ("features",):
                matrix = None
                _reset_peak()
                before = _memory("VmRSS")
                seconds = _time(contender.fit_features, learn)
                pipe.send((seconds, _memory("VmHWM"), _memory("VmHWM") - before))
            case ("fit",):
                matrix = contender.fit_features(learn)
                seconds = _time(contender.fit, matrix, learn, labels[:rows])
                matrix = None
                pipe.send((seconds, contender.size()))
            case ("score", begin, end):
                pipe.send(_time(contender.score, fresh[begin:end]))
            case ("singles", begin, end):
                pipe.send([_time(contender.score, [text]) for text in fresh[begin:end]])


def _time(work: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(field: str) -> int:
    """Return a figure of this process's memory, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) // 1000
    raise LookupError(field)


class Process:
    """A contender in a process of its own."""

    def __init__(self, name: str, rows: int, new: int) -> None:
        self.pipe, other = mp.Pipe()
        arguments = (name, rows, new, other)
        self.process = mp.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        other.close()

    def ask(self, *task: Any) -> Any:
        self.pipe.send(task)
        return self.pipe.recv()


def start_all(names: Sequence[str], rows: int, new: int) -> Iterator[tuple[str, Process]]:
    """Yield the contenders that can take part, and say of the others why not."""
    for name in names:
        process = Process(name, rows, new)
        try:
            process.ask("warm up")
            yield name, process
        except EOFError:
            process.process.join()
            print(f"{name}: left out; the reason is above", file=sys.stderr)


# ---------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------


def main() -> None:
    """Run all rounds and print the tables."""
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[pool] = (
            "1"  # for the contenders' processes: one thread, where not said otherwise
        )
    parser = argparse.ArgumentParser(description="Compare speed and memory, side by side.")
    parser.add_argument("--rows", type=int, default=20_000, help="to learn from before scoring")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8_000, help="comments scored in a round")
    parser.add_argument("--fit-rows", type=int, default=100_000, help="0 to leave fitting out")
    parser.add_argument("--fit-rounds", type=int, default=3)
    args = parser.parse_args()
    new = args.rounds * (args.batch + SINGLES)
    texts, _, source = read_comments(args.rows + new)
    print(f"{source}; {args.rows} rows learnt; medians of {args.rounds} rounds of {args.batch}")
    print(scoring_table(args, texts[args.rows :]))
    if args.fit_rows:
        print(f"\nfeatures of {args.fit_rows} rows; medians of {args.fit_rounds} rounds")
        print(fitting_table(args))


def scoring_table(args: argparse.Namespace, fresh: list[str]) -> str:
    contenders = dict(start_all(list(CONTENDERS), args.rows, len(fresh)))
    fits = {name: process.ask("fit") for name, process in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    singles: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(args.rounds):
        begin = turn * (args.batch + SINGLES)
        split, end = begin + args.batch, begin + args.batch + SINGLES
        for name, process in contenders.items():
            seconds[name].append(process.ask("score", begin, split) / args.batch)
        for name, process in contenders.items():
            singles[name] += process.ask("singles", split, end)
    size = statistics.mean(len(text.encode(errors="replace")) for text in fresh)
    rows = []
    for name in contenders:
        each = statistics.median(seconds[name])
        p50, p99 = np.percentile(singles[name], [50, 99])
        rows.append(
            {
                "": name,
                "comments/s": f"{1 / each:,.0f}",
                "MB/s": f"{size / each / 1e6:.1f}",
                "times": f"{statistics.median(seconds[PLAIN]) / each:.1f}",
                "one: p50 (ms)": f"{p50 * 1e3:.3f}",
                "p99 (ms)": f"{p99 * 1e3:.3f}",
                "times ": f"{np.percentile(singles[PLAIN], 50) / p50:.1f}",
                "model (MB)": f"{fits[name][1] / 1e6:.1f}",
            }
        )
    for process in contenders.values():
        process.pipe.send(None)
    return _markdown(rows)


def fitting_table(args: argparse.Namespace) -> str:
    names = [OURS, f"{OURS}, 2 threads", PLAIN]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[int]] = {name: [] for name in names}
    added: dict[str, list[int]] = {name: [] for name in names}
    for _ in range(args.fit_rounds):
        for name, process in start_all(names, args.fit_rows, 0):
            took, peak, more = process.ask("features")
            seconds[name].append(took)
            peaks[name].append(peak)
            added[name].append(more)
            process.pipe.send(None)
            process.process.join()
    median = statistics.median
    return _markdown(
        [
            {
                "": name,
                "seconds": f"{median(seconds[name]):.2f}",
                "times": f"{median(seconds[PLAIN]) / median(seconds[name]):.1f}",
                "peak (MB)": f"{median(peaks[name]):.0f}",
                "of it for the work": f"{median(added[name]):.0f}",
            }
            for name in names
        ]
    )


def _markdown(rows: list[dict[str, str]]) -> str:
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" + "|---:" * (len(rows[0]) - 1) + "|"]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
