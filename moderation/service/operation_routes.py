"""Endpoints for whoever runs the service: alive, ready, and what Prometheus reads."""

from collections.abc import Iterator

from moderation.keys import Scope
from moderation.service import own
from moderation.service.asking import Answer, Asked, write
from moderation.service.documents import OPERATION
from moderation.service.front import Endpoint
from moderation.service.parts import Service

TEXT = b"text/plain; version=0.0.4; charset=utf-8"


def endpoints(service: Service) -> Iterator[Endpoint]:
    """Yield the endpoints of a service."""

    async def alive(_: Asked) -> Answer:
        """Return at once: a process that does not is to be restarted."""
        return write({"status": "alive"})

    async def ready(_: Asked) -> Answer:
        """Return the model in use, and what waits: scoring needs no database, labels do."""
        return write(await _describe(service))

    async def metrics(asked: Asked) -> Answer:
        """Return requests, latencies, scores, labels and the model as counts; no text, no key."""
        service.gate.admit(asked, Scope.ADMIN)
        return Answer(service.metrics.write(), content_type=TEXT)

    yield Endpoint(
        "GET", "/healthz", alive, summary="Whether it answers", tag=OPERATION, gives=own.Alive
    )
    yield Endpoint(
        "GET", "/readyz", ready, summary="Whether it scores", tag=OPERATION, gives=own.Ready
    )
    yield Endpoint(
        "GET",
        "/metrics",
        metrics,
        summary="Figures for Prometheus",
        tag=OPERATION,
        gives="text/plain",
        scope=Scope.ADMIN,
    )


async def _describe(service: Service) -> own.Ready:
    waiting = await service.labels.waiting()
    return {
        "status": "ready",
        "model": service.served.version,
        "model_refused": service.models.alarm,
        "labels_waiting": waiting.number,
        "labels_waiting_since": waiting.since.isoformat() if waiting.since else None,
        "labels_wait_because": waiting.because,
        "labels_refused_because": service.labels.why_refused,
    }
