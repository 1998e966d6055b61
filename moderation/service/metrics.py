"""What Prometheus is told: counts, latencies and scores; never a text, an author or a key."""

import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as Total
from prometheus_client.multiprocess import MultiProcessCollector
from scipy.special import expit

Item = TypeVar("Item")

SCORES = tuple(step / 10 for step in range(1, 10))
LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """
    The service's own registry, so that several apps in a process do not mix.

    What comes with each request is noted, and added up every second or so: one by one that would
    take as long as reading the request does.
    """

    def __init__(self, *, shared: str | None = None) -> None:
        """`shared` is the folder through which several worker processes add up."""
        self._shared = shared
        self.registry = registry = CollectorRegistry()
        self.requests = Total(
            "moderation_requests", "Requests by endpoint and status.", ["endpoint", "status"],
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "moderation_request_seconds", "From a request's head to its answer's end.",
            ["endpoint"], buckets=LATENCIES, registry=registry,
        )  # fmt: skip
        self.comments = Total("moderation_comments_scored", "Comments scored.", registry=registry)
        self.scores = Histogram(
            "moderation_score", "The model's own attribute, as P(removal).",
            buckets=SCORES, registry=registry,
        )  # fmt: skip
        self.labels = Total(
            "moderation_labels", "Labels by what became of them.", ["outcome"], registry=registry
        )
        self.waiting = Gauge(
            "moderation_labels_waiting", "Labels in the spool.", registry=registry,
            multiprocess_mode="mostrecent",
        )  # fmt: skip
        self.alarms = Total("moderation_model_refused", "Broken models.", registry=registry)
        self.model = Gauge(
            "moderation_model_info", "1 for the model in use.", ["version"], registry=registry,
            multiprocess_mode="mostrecent",
        )  # fmt: skip
        self._versions: set[str] = set()
        self._answered: deque[tuple[str, int, float]] = deque()
        self._scores: deque[NDArray[np.float64]] = deque()
        self._logits: deque[float] = deque()

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Note a request."""
        self._answered.append((endpoint, status, seconds))

    def observe(self, scores: NDArray[np.float64]) -> None:
        """Note comments by their scores (n,)."""
        self._scores.append(scores)

    def observe_logit(self, logit: float) -> None:
        """Note one comment by the logit of its score."""
        self._logits.append(logit)

    def add_up(self) -> None:
        """Count what was noted since; to be called every second or so, by any thread."""
        scores = np.concatenate([*_take_all(self._scores), expit([*_take_all(self._logits)])])
        _observe_all(self.scores, scores, SCORES)
        self.comments.inc(len(scores))
        seconds: dict[str, list[float]] = defaultdict(list)
        statuses: Counter[tuple[str, int]] = Counter()
        for endpoint, status, took in _take_all(self._answered):
            seconds[endpoint].append(took)
            statuses[endpoint, status] += 1
        for (endpoint, status), number in statuses.items():
            self.requests.labels(endpoint, str(status)).inc(number)
        for endpoint, took_each in seconds.items():
            _observe_all(self.seconds.labels(endpoint), np.array(took_each), LATENCIES)

    def name_model(self, version: str) -> None:
        """Note which model is in use."""
        for known in self._versions:
            self.model.labels(known).set(0)
        self._versions.add(version)
        self.model.labels(version).set(1)

    def write(self) -> bytes:
        """Return everything in Prometheus' text format."""
        self.add_up()
        if self._shared is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _take_all(noted: deque[Item]) -> Iterator[Item]:
    """Take out what there is by now; others may add to it meanwhile, or take from it."""
    with contextlib.suppress(IndexError):
        for _ in range(len(noted)):
            yield noted.popleft()


def _observe_all(
    histogram: Histogram, values: NDArray[np.float64], bounds: Sequence[float]
) -> None:
    """
    Observe many values: one by one they would take longer than scoring them.

    Prometheus' client has no call for it, so that this uses what it keeps inside.
    """
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1)
    for bucket, count in zip(histogram._buckets, counts.tolist(), strict=True):
        bucket.inc(count)
    histogram._sum.inc(float(values.sum()))
