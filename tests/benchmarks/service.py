"""
The service beside a bare endpoint of FastAPI: `python -m tests.benchmarks.service`.

Server and client have a core each. The two servers take turns, round by round, at the same
requests; what is printed are medians and ratios of medians. The bare one reads the same JSON and
writes the very answer that the service gave, the common way, without scoring anything: what it
reaches is what FastAPI leaves to anybody. Then: comments scored a second in batches of 1,000,
beside requests of one comment; and the memory of the service over 200,000 requests.

The client is wrk (https://github.com/wg/wrk; Debian: apt-get install wrk).
"""

import argparse
import json
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Any

SERVICE, BARE = "service", "bare FastAPI"
ANALYZE, SCORE = "/v1alpha1/comments:analyze", "/v1/score"
TEXT = "The ferry leaves at noon, and whoever comes late waits on the pier with a book."
BATCH = 1000
MEMORY_AT = (1_000, 50_000, 100_000, 200_000)
PATIENCE = 120.0
"""Seconds to wait for a server: the first start on a machine compiles."""

# What is not JSON on the last line is what wrk says of itself.
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
KEY
bodies = {}
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
local turn = 0
function request()
  turn = turn % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "failed": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, failed))
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk did; latencies in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Server:
    """A server that runs, and how to ask it."""

    process: subprocess.Popen[bytes]
    address: str
    key: str | None

    def post(self, path: str, body: Any) -> Any:
        """Return the answer to one request."""
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["X-Goog-Api-Key"] = self.key
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def memory(self) -> float:
        """Return the resident memory of the process and those it began, in MB."""
        return sum(_resident(process) for process in _family(self.process.pid)) / 1024


def main() -> None:
    """Print the tables."""
    args = build_parser().parse_args()
    if args.bare:
        serve_bare(json.loads(args.bare.read_text(encoding="utf-8")), args.port)
        return
    for command, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(command) is None:
            sys.exit(f"{command} is not installed: apt-get install {package}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(args.serve, args.key) as service:
            print(f"{args.serve}\n")
            print(compare(service, folder, args))
            if not args.only_compare:
                print(f"\n{measure_batches(service, folder, args)}")
                print(f"\n{watch_memory(service, folder, args)}")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description="Compare the service with a bare endpoint.")
    parser.add_argument(
        "--serve",
        default=f"{sys.executable} -m moderation.serve --port {{port}}",
        help="the command of the service; {port} stands for a free one",
    )
    parser.add_argument("--key", help="an API key of it, where it has any")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=MEMORY_AT[-1], help="memory, after so many")
    parser.add_argument("--only-compare", action="store_true", help="no batches, no memory")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    return parser


def serve_bare(answer: dict[str, Any], port: int) -> None:
    """Serve one endpoint that reads JSON and always answers the same, on settings like ours."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()

    @app.post(ANALYZE)
    async def analyze(body: dict[str, Any]) -> dict[str, Any]:
        return answer

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


@contextmanager
def serving(command: str, key: str | None = None) -> Iterator[Server]:
    """Run a server on the first core while the block runs."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [word.format(port=port) for word in shlex.split(command)]
    process = subprocess.Popen(["taskset", "-c", "0", *words], stdout=subprocess.DEVNULL)
    try:
        server = Server(process, f"http://127.0.0.1:{port}", key)
        _wait(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.process.poll() is not None:
            sys.exit(f"the server ended with {server.process.returncode} before it answered")
        try:
            server.post(ANALYZE, analyze_request())
        except urllib.error.HTTPError as error:
            sys.exit(f"the server answers {error.code}: {error.read(500).decode()}")
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the server does not answer after {PATIENCE:.0f} seconds")


def analyze_request(text: str = TEXT) -> dict[str, Any]:
    """Return what a client of the Perspective API sends."""
    return {
        "comment": {"text": text},
        "requestedAttributes": {"TOXICITY": {}},
        "languages": ["en"],
        "doNotStore": True,
    }


def score_request(number: int) -> dict[str, Any]:
    """Return a request of our own API with so many comments, each with words of its own."""
    return {"comments": [{"id": str(n), "text": f"{TEXT} Pier {n}."} for n in range(number)]}


def load(
    server: Server,
    path: str,
    bodies: list[dict[str, Any]],
    folder: Path,
    *,
    seconds: int,
    connections: int,
) -> Load:
    """Post the bodies in turns for some seconds, from the second core."""
    (folder / "bodies").write_text("".join(json.dumps(body) + "\n" for body in bodies))
    key = f'wrk.headers["X-Goog-Api-Key"] = "{server.key}"' if server.key else ""
    script = SCRIPT.replace("BODIES", str(folder / "bodies")).replace("KEY", key)
    (folder / "post.lua").write_text(script)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(folder / "post.lua")]
    ran = subprocess.run(
        ["taskset", "-c", "1", *words, "--timeout", "30s", server.address + path],
        capture_output=True,
        text=True,
        check=True,
    )
    found = Load(**json.loads(ran.stdout.strip().splitlines()[-1]))
    if found.failed or not found.requests:
        sys.exit(f"{path}: {found.failed} of {found.requests} requests failed")
    return found


def compare(service: Server, folder: Path, args: argparse.Namespace) -> str:
    """Return the table of the two servers, which took turns."""
    answer = service.post(ANALYZE, analyze_request())
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "tests.benchmarks.service",
        "--bare",
        str(folder / "answer.json"),
    ]
    runs: dict[str, list[Load]] = {SERVICE: [], BARE: []}
    with serving(shlex.join(words) + " --port {port}") as bare:
        assert bare.post(ANALYZE, analyze_request()) == answer
        for turn in range(args.rounds + 1):
            for name, server in ((SERVICE, service), (BARE, bare)):
                seconds, connections = args.seconds if turn else 2, args.connections
                run = load(
                    server,
                    ANALYZE,
                    [analyze_request()],
                    folder,
                    seconds=seconds,
                    connections=connections,
                )
                if turn:  # the first one warms up
                    runs[name].append(run)
    return _table(runs)


def _table(runs: dict[str, list[Load]]) -> str:
    medians = {
        name: [
            statistics.median(getattr(run, part) for run in of)
            for part in ("per_second", "p50", "p99")
        ]
        for name, of in runs.items()
    }
    ratios = [ours / theirs for ours, theirs in zip(medians[SERVICE], medians[BARE], strict=True)]
    lines = ["| | requests/s | p50 (ms) | p99 (ms) |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {m[0]:,.0f} | {m[1]:.2f} | {m[2]:.2f} |" for name, m in medians.items()]
    lines.append("| ratio | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines)


def measure_batches(service: Server, folder: Path, args: argparse.Namespace) -> str:
    """Return comments a second, one and a thousand at a time."""
    rates: dict[int, list[float]] = {1: [], BATCH: []}
    for _ in range(args.rounds):
        for size, found in rates.items():
            bodies = [score_request(size)]
            connections = args.connections if size == 1 else 2
            run = load(
                service, SCORE, bodies, folder, seconds=args.seconds, connections=connections
            )
            found.append(run.per_second * size)
    one, batch = (statistics.median(found) for found in rates.values())
    return (
        f"POST {SCORE}: {one:,.0f} comments/s in requests of one, {batch:,.0f} in requests of "
        f"{BATCH:,}: {batch / one:.1f} times"
    )


def watch_memory(service: Server, folder: Path, args: argparse.Namespace) -> str:
    """Return the memory after some requests and after many, each text in ten thousand another."""
    bodies = [analyze_request(f"{TEXT} Pier {n}.") for n in range(10_000)]
    lines = ["| requests | memory (MB) |", "|---:|---:|"]
    sent, rate = 0, 500.0
    for mark in (mark for mark in MEMORY_AT if mark <= args.requests):
        while sent < mark:
            seconds = max(1, min(10, round((mark - sent) / rate)))
            run = load(
                service, ANALYZE, bodies, folder, seconds=seconds, connections=args.connections
            )
            sent, rate = sent + run.requests, run.per_second
        lines.append(f"| {sent:,} | {service.memory():.1f} |")
    return "\n".join(lines)


def _family(process: int) -> Iterator[int]:
    """Yield a process and all that came of it."""
    yield process
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        for child in tasks.read_text().split():
            yield from _family(int(child))


def _resident(process: int) -> int:
    """Return a process's resident memory in KB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
