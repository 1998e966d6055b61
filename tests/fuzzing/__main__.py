"""
Fuzzes the readers: `python -m tests.fuzzing --seconds N`.

Every reader is given what Hypothesis makes of the samples of its format; those of pages and XML
also what atheris (`pip install atheris`) makes of them, which follows the code. Each runs in a
process of its own with little memory. Prints how many inputs were read and what was found; what was
found lies in the folder that `--findings` names: mended, it is a file of
`tests/exports/regressions` or `tests/pages/regressions`.
"""

import argparse
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzzing.targets import (
    INPUT_SECONDS,
    OTHERS,
    PAGES_AND_XML,
    TESTS,
    TOKENS,
    find_samples,
)

MEMORY_MEGABYTES = 1024
INPUT_BYTES = 20_000
APART = ("sh", "-c", '"$@"; exit $?', "sh")
"""Linux counts what a process held before it became another, and libFuzzer goes by that: started
from tests that hold a gigabyte, it would be out of memory at once. A shell holds little."""
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_DRAWN = re.compile(r"^(\d+) (\d+) (\d+)$", re.M)
_DONE = re.compile(r"^Done (\d+) in", re.M)


@dataclass(frozen=True)
class Fuzzed:
    """How a run went."""

    executions: int
    findings: tuple[Path, ...]
    ended_well: bool
    log: str
    """What the run said in the end, with the traceback of a finding."""
    memory: str = ""


def follow(name: str, *, seconds: int, findings: Path, seed: int) -> Fuzzed:
    """Fuzz one reader for so long, led by what code its inputs run; findings go to a folder."""
    kept = f"{name}-followed-"
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder) / "corpus", Path(folder) / "tokens"
        corpus.mkdir()
        for number, sample in enumerate(find_samples(name)):
            shutil.copyfile(sample, corpus / str(number))
        dictionary.write_text("".join(map(_quoted, TOKENS)), encoding="ascii")
        run = _run(
            *(*APART, sys.executable, "-m", "tests.fuzzing.target", name, str(corpus)),
            *(f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-seed={seed}"),
            *(f"-max_len={INPUT_BYTES}", f"-rss_limit_mb={MEMORY_MEGABYTES}"),
            *(f"-dict={dictionary}", f"-artifact_prefix={findings}/{kept}"),
            "-print_final_stats=1",
        )
    counted = _EXECUTED.search(run.stderr) or _DONE.search(run.stderr)
    return Fuzzed(
        int(counted[1]) if counted else 0,
        tuple(sorted(findings.glob(f"{kept}*"))),
        run.returncode == 0,
        run.stdout[-2000:] + run.stderr[-500:],
    )


def draw(name: str, *, seconds: int, findings: Path, seed: int) -> Fuzzed:
    """Give one reader damaged samples for so long; findings go to a folder."""
    words = (name, str(seconds), str(findings), str(seed))
    run = _run(sys.executable, "-m", "tests.fuzzing.drawing", *words)
    counted = _DRAWN.search(run.stdout)
    return Fuzzed(
        int(counted[1]) if counted else 0,
        tuple(sorted(findings.glob(f"{name}-drawn-*"))),
        run.returncode == 0,
        run.stderr[-2000:],
        f", {counted[2]} MB after a quarter and {counted[3]} MB in the end" if counted else "",
    )


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, cwd=TESTS.parent, check=False)


def _quoted(token: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token.encode()) + '"\n'


WAYS = {"followed": (follow, PAGES_AND_XML), "drawn": (draw, PAGES_AND_XML + OTHERS)}


def _lines(way: str, name: str, run: Fuzzed) -> Iterator[str]:
    yield f"{name}, {way}: {run.executions} inputs, {len(run.findings)} findings{run.memory}"
    yield from (f"  {path}" for path in run.findings)
    if not run.ended_well:
        yield run.log


def main(argv: Sequence[str] | None = None) -> int:
    every = PAGES_AND_XML + OTHERS
    parser = argparse.ArgumentParser(prog="tests.fuzzing", description="Fuzz the readers.")
    parser.add_argument("names", nargs="*", default=every, help=", ".join(every))
    parser.add_argument("--way", choices=WAYS, action="append", help="by default both")
    parser.add_argument("--seconds", type=int, default=600, help="for each reader and way")
    parser.add_argument("--jobs", type=int, default=1, help="readers at once")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="a folder")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    findings = args.findings.resolve()
    findings.mkdir(parents=True, exist_ok=True)
    asked = [
        (way, name)
        for way, name in itertools.product(args.way or WAYS, args.names)
        if name in WAYS[way][1]
    ]

    def fuzz(one: tuple[str, str]) -> Fuzzed:
        way, name = one
        return WAYS[way][0](name, seconds=args.seconds, findings=findings, seed=args.seed)

    broken = False
    with ThreadPoolExecutor(args.jobs) as pool:
        for (way, name), run in zip(asked, pool.map(fuzz, asked), strict=True):
            print(*_lines(way, name, run), sep="\n", flush=True)
            broken |= bool(run.findings) or not run.ended_well
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
