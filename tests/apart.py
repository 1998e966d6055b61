"""A service in a process of its own, whose memory and log can be looked at."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import run_service

SITE = "[limits]\nbody_seconds = 1.0\nlabels_waiting = 500\n"
HEAD_SECONDS = 1.5


@dataclass
class Apart:
    """A service that answers, with what it says and holds."""

    host: str
    port: int
    keys: dict[str, str]
    process: subprocess.Popen
    log: Path

    def resident(self) -> float:
        """Return its memory in MB."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def files(self) -> int:
        """Return how many files and connections it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextmanager
def run_apart(folder: Path, model: Path) -> Iterator[Apart]:
    """Run a service whose limits of time are so short that a test can wait for them."""
    log = folder / "log.txt"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.apart", str(folder), str(model)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream,
            cwd=Path(__file__).parents[1], text=True,
        )  # fmt: skip
        try:
            told = json.loads(process.stdout.readline())
            yield Apart("127.0.0.1", told["port"], told["keys"], process, log)
        finally:
            process.communicate("", timeout=60)


def main() -> None:
    """Serve until the standard input ends."""
    from moderation.service import connections

    connections.HEAD_SECONDS = HEAD_SECONDS
    connections.GRACE_SECONDS = 0.5
    logging.basicConfig(level=logging.DEBUG)
    with run_service(Path(sys.argv[1]), Path(sys.argv[2]), site=SITE) as running:
        port = int(running.address.rpartition(":")[2])
        print(json.dumps({"port": port, "keys": running.keys}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
