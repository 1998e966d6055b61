"""What Prometheus is told: counts, latencies and scores; never a text, an author or a key."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SCORES = tuple(step / 10 for step in range(1, 10))
LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The service's own registry, so that several apps in a process do not mix."""

    def __init__(self, *, shared: str | None = None) -> None:
        """`shared` is the folder through which several worker processes add up."""
        self._shared = shared
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "moderation_requests", "Requests by endpoint and status.", ["endpoint", "status"],
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "moderation_request_seconds", "From a request's head to its answer's end.",
            ["endpoint"], buckets=LATENCIES, registry=registry,
        )  # fmt: skip
        self.comments = Counter("moderation_comments_scored", "Comments scored.", registry=registry)
        self.scores = Histogram(
            "moderation_score", "The model's own attribute, as P(removal).",
            buckets=SCORES, registry=registry,
        )  # fmt: skip
        self.labels = Counter(
            "moderation_labels", "Labels by what became of them.", ["outcome"], registry=registry
        )
        self.waiting = Gauge(
            "moderation_labels_waiting", "Labels in the spool.", registry=registry,
            multiprocess_mode="mostrecent",
        )  # fmt: skip
        self.alarms = Counter("moderation_model_refused", "Broken models.", registry=registry)
        self.model = Gauge(
            "moderation_model_info", "1 for the model in use.", ["version"], registry=registry,
            multiprocess_mode="mostrecent",
        )  # fmt: skip
        self._versions: set[str] = set()
        self._meters: dict[tuple[str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request."""
        meters = self._meters.get((endpoint, status))
        if meters is None:
            meters = (
                self.requests.labels(endpoint, str(status)).inc,
                self.seconds.labels(endpoint).observe,
            )
            self._meters[endpoint, status] = meters
        meters[0]()
        meters[1](seconds)

    def observe(self, scores: NDArray[np.float64]) -> None:
        """Count comments by their scores (n,)."""
        _observe_all(self.scores, scores)
        self.comments.inc(len(scores))

    def observe_logit(self, logit: float) -> None:
        """Count one comment by the logit of its score."""
        self.scores.observe((1 + math.tanh(logit / 2)) / 2)
        self.comments.inc()

    def name_model(self, version: str) -> None:
        """Note which model is in use."""
        for known in self._versions:
            self.model.labels(known).set(0)
        self._versions.add(version)
        self.model.labels(version).set(1)

    def write(self) -> bytes:
        """Return everything in Prometheus' text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _observe_all(histogram: Histogram, values: NDArray[np.float64]) -> None:
    """
    Observe many values: one by one they would take longer than scoring them.

    Prometheus' client has no call for it, so that this uses what it keeps inside.
    """
    if len(values) == 1:
        histogram.observe(float(values[0]))
        return
    counts = np.bincount(np.searchsorted(SCORES, values), minlength=len(SCORES) + 1)
    for bucket, count in zip(histogram._buckets, counts.tolist(), strict=True):
        bucket.inc(count)
    histogram._sum.inc(float(values.sum()))
