"""What is noted and added up in bulk is what Prometheus' client would have counted one by one."""

import threading

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from scipy.special import logit

from moderation.service.metrics import LATENCIES, SCORES, Metrics


def samples(text: bytes, name: str) -> list[str]:
    """Return the lines of a metric but when it was made."""
    lines = text.decode().splitlines()
    return [line for line in lines if line.startswith(name) and "_created" not in line]


def test_bulk_and_single_scores_fall_into_the_buckets_of_the_client():
    values = [0.0, 0.05, 0.1, 0.3, 0.30000001, 0.5, 0.9, 0.95, 1.0]
    metrics, registry = Metrics(), CollectorRegistry()
    expected = Histogram("moderation_score", "?", buckets=SCORES, registry=registry)
    metrics.observe(np.array(values))
    for value in values:
        expected.observe(value)
    for value in (0.21, 0.79):
        metrics.observe_logit(float(logit(value)))
        expected.observe(value)
    told = metrics.write()
    assert samples(told, "moderation_score_bucket") == samples(
        generate_latest(registry), "moderation_score_bucket"
    )
    assert metrics.registry.get_sample_value("moderation_score_sum") == pytest.approx(
        registry.get_sample_value("moderation_score_sum")
    )
    assert metrics.registry.get_sample_value("moderation_comments_scored_total") == 11


def test_requests_are_counted_by_endpoint_and_status_with_their_latencies():
    metrics, registry = Metrics(), CollectorRegistry()
    expected = Histogram(
        "moderation_request_seconds", "?", ["endpoint"], buckets=LATENCIES, registry=registry
    )
    for number, seconds in enumerate([0.0001, *LATENCIES, 11.0]):
        metrics.count("/a", 200 if number % 3 else 400, seconds)
        expected.labels("/a").observe(seconds)
    metrics.count("/b", 200, 0.5)
    expected.labels("/b").observe(0.5)
    told = metrics.write()
    name = "moderation_request_seconds_bucket"
    assert samples(told, name) == samples(generate_latest(registry), name)
    asked = metrics.registry.get_sample_value
    found = [asked("moderation_requests_total", {"endpoint": "/a", "status": status})
             for status in ("200", "400")]  # fmt: skip
    assert found == [10, 5]


def test_nothing_noted_is_lost_or_counted_twice_while_others_add_up():
    metrics, over = Metrics(), threading.Event()

    def add_up() -> None:
        while not over.is_set():
            metrics.add_up()

    threads = [threading.Thread(target=add_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5_000):
        metrics.count("/a", 200, 0.001)
        metrics.observe_logit(0.0)
    over.set()
    for thread in threads:
        thread.join()
    metrics.add_up()
    asked = metrics.registry.get_sample_value
    assert asked("moderation_requests_total", {"endpoint": "/a", "status": "200"}) == 5_000
    assert asked("moderation_comments_scored_total") == asked("moderation_score_count") == 5_000
