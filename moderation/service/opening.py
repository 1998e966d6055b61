"""`open_service(settings)`: everything a service works with, from a site's settings."""

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from moderation.database import Store, connect, is_missing, open_store
from moderation.delivery import Delivered, deliver
from moderation.errors import ModerationError
from moderation.keys import Keyring
from moderation.languages import detect_languages
from moderation.quota import Quota
from moderation.service.access import Gate
from moderation.service.configuration import Configuration, read_configuration
from moderation.service.metrics import Metrics
from moderation.service.parts import Labels, Service, check_site
from moderation.serving import ModelInUse
from moderation.settings import Settings
from moderation.spool import Spool

Tell = Callable[[str], None]


def open_service(
    settings: Settings, *, tell: Tell, model: Path | None = None, shared: str | None = None
) -> Service:
    """
    Return a service; what goes wrong later is told to `tell`, one line each.

    `shared` is a folder through which the metrics of several processes add up.

    Raises:
        ModerationError: the model, the keys, the policy or the site's file cannot be used.

    """
    configuration = read_configuration(settings.service)
    metrics = Metrics(shared=shared)

    def alarm(line: str) -> None:
        metrics.alarms.inc()
        tell(line)

    return Service(
        models=ModelInUse(
            model or settings.model,
            settings.policy,
            tell=alarm,
            announce=tell,
            accept=partial(check_site, configuration),
        ),
        gate=Gate(
            keyring=Keyring(settings.keys, clock=time.monotonic, tell=tell),
            quota=Quota(),
            clock=time.monotonic,
            per_minute=configuration.quota.per_minute,
        ),
        labels=_open_labels(settings, configuration, metrics),
        configuration=configuration,
        detect=detect_languages,
        metrics=metrics,
        coral_secrets=settings.coral_secrets,
    )


def _open_labels(settings: Settings, configuration: Configuration, metrics: Metrics) -> Labels:
    """Return the way of labels; the database is opened when there is something for it."""
    stores: list[Store] = []
    url = settings.database_url
    is_made = _make_database(url)

    def open_spool() -> Spool:
        return Spool(settings.spool, most=configuration.limits.labels_waiting)

    def reach() -> Store:
        if not stores:
            stores.append(open_store(url, create=not is_made, tell=_silent))
        return stores[0]

    def carry(spool: Spool) -> Delivered:
        return deliver(spool, reach, url=url, now=datetime.now(UTC))

    with contextlib.closing(open_spool()) as spool:
        spool.count()  # one that cannot be used is refused now
    return Labels(open_spool, carry, metrics)


def _make_database(url: str) -> bool:
    """
    Make the database's file if there is none; tell whether there is one now, or a server.

    From then on it is never made again: one that is moved away for a while is waited for. Why it
    cannot be made is told when there is something for it.

    Raises:
        ReviewError: that is no address of a database, and never will be one.

    """
    if not is_missing(url):
        connect(url).dispose()
        return True
    try:
        open_store(url, tell=_silent).engine.dispose()
    except ModerationError:
        return False
    return True


def _silent(_: str) -> None:
    """A migration that is due is done; the desk is where it is told."""
