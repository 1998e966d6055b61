"""
Fuzzes the readers of pages and XML, one after another: `python -m tests.fuzzing --seconds N`.

Needs atheris (`pip install atheris`). Each runs in a process of its own with little memory and
begins from the samples of its format. Prints how many inputs were read and what was found; what
was found lies in the folder that `--findings` names: mended, it is a file of
`tests/exports/regressions` or `tests/pages/regressions`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzzing.targets import NAMES, TESTS, TOKENS, find_samples

MEMORY_MEGABYTES = 1024
INPUT_SECONDS = 20
INPUT_BYTES = 20_000
APART = ("sh", "-c", '"$@"; exit $?', "sh")
"""Linux counts what a process held before it became another, and libFuzzer goes by that: started
from tests that hold a gigabyte, it would be out of memory at once. A shell holds little."""
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_DONE = re.compile(r"^Done (\d+) in", re.M)


@dataclass(frozen=True)
class Fuzzed:
    """How a run went."""

    executions: int
    findings: tuple[Path, ...]
    log: str
    """What the fuzzer said in the end, with the traceback of a finding."""


def fuzz(name: str, *, seconds: int, findings: Path, seed: int) -> Fuzzed:
    """Fuzz one reader for so long; inputs that break it are kept in a folder."""
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder) / "corpus", Path(folder) / "tokens"
        corpus.mkdir()
        for number, sample in enumerate(find_samples(name)):
            shutil.copyfile(sample, corpus / str(number))
        dictionary.write_text("".join(map(_quoted, TOKENS)), encoding="ascii")
        command = [
            sys.executable, "-m", "tests.fuzzing.target", name, str(corpus),
            f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-max_len={INPUT_BYTES}",
            f"-rss_limit_mb={MEMORY_MEGABYTES}", f"-dict={dictionary}", f"-seed={seed}",
            f"-artifact_prefix={findings}/{name}-", "-print_final_stats=1",
        ]  # fmt: skip
        run = subprocess.run(
            [*APART, *command], capture_output=True, text=True, cwd=TESTS.parent, check=False
        )
    found = tuple(sorted(set(findings.iterdir()) - before))
    if run.returncode and not found:
        raise RuntimeError(f"{name}: the fuzzer itself failed\n{run.stderr[-2000:]}")
    counted = _EXECUTED.search(run.stderr) or _DONE.search(run.stderr)
    return Fuzzed(int(counted[1]) if counted else 0, found, run.stdout[-2000:] + run.stderr[-500:])


def _quoted(token: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token.encode()) + '"\n'


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzzing", description="Fuzz the readers.")
    parser.add_argument("names", nargs="*", default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=600, help="for each reader")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="a folder")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    broken = 0
    for name in args.names:
        run = fuzz(name, seconds=args.seconds, findings=args.findings.resolve(), seed=args.seed)
        print(f"{name}: {run.executions} executions, {len(run.findings)} findings", flush=True)
        for path in run.findings:
            print(f"  {path}\n{run.log}", flush=True)
        broken += len(run.findings)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
