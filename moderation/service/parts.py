"""`Service`: what the endpoints work with, and what is done in the background meanwhile."""

import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Event
from typing import Final, TypeVar

from moderation.coral import check_codes
from moderation.delivery import Delivered
from moderation.errors import SpoolError
from moderation.openai import choose_heads
from moderation.perspective.attributes import AttributeTable
from moderation.review import SentLabel
from moderation.service.access import Gate
from moderation.service.asking import Asked, Room
from moderation.service.background import Repeating
from moderation.service.configuration import Configuration
from moderation.service.metrics import Metrics
from moderation.service.refusals import labels_refused
from moderation.serving import ModelInUse, Served
from moderation.spool import Spool

Result = TypeVar("Result")
Detect = Callable[[Sequence[str]], Sequence[str]]

LOOK_SECONDS: Final = 1.0
DELIVERY_SECONDS: Final = 0.5
AT_ONCE: Final = 4096
"""Characters that are scored without leaving the event loop: about a millisecond."""

log = logging.getLogger("moderation.service")


def check_site(configuration: Configuration, served: Served) -> None:
    """
    Refuse what requests would run into.

    Raises:
        ModerationError: the site's file names a head that the model does not have, or a category or
            a code that there is not.

    """
    AttributeTable(served.attributes, configuration.attributes)
    choose_heads(served.attributes, configuration.openai.categories)
    check_codes(configuration.coral.codes)


@dataclass(frozen=True)
class Waiting:
    """What of the labels waits."""

    number: int | None
    """None where the spool cannot be read: `because` says why."""
    since: datetime | None
    because: str | None
    """What the database or the spool said last, where it failed."""


@dataclass
class Labels:
    """The way of labels: into the spool at once, from there to the review store."""

    open_spool: Callable[[], Spool]
    deliver: Callable[[Spool], Delivered]
    metrics: Metrics
    why_waiting: str | None = None
    """What the database or the spool said last, where it failed."""
    is_over: Event = field(default_factory=Event)

    why_refused: str | None = None
    """What the spool said when labels last came, where it took none."""

    @cached_property
    def spool(self) -> Spool:
        """Opened when it is first asked for: a process that was forked needs one of its own."""
        return self.open_spool()

    async def put(self, labels: Sequence[SentLabel]) -> None:
        """
        Keep labels; when this returns, a power cut does not lose them.

        Raises:
            ApiError: too many wait already, or the disk fails.

        """
        lines = [label.to_json() for label in labels]
        try:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self.spool.put(lines))
        except SpoolError as error:
            if self.why_refused is None:
                log.warning("labels are refused: %s", error)
            self.why_refused = str(error)
            raise labels_refused(error) from error
        self.why_refused = None

    async def waiting(self) -> Waiting:
        """Return what waits; while others use the spool, scoring goes on."""
        return await asyncio.get_running_loop().run_in_executor(None, self._look_up)

    def _look_up(self) -> Waiting:
        try:
            return Waiting(self.spool.count(), self.spool.oldest(), self.why_waiting)
        except SpoolError as error:
            return Waiting(None, None, str(error))

    def carry(self) -> None:
        """
        Bring what waits to the store, in batches, until nothing waits or the store fails.

        It is not over while labels come as fast as they go: whoever waits for it sets `is_over`.
        """
        while not self.is_over.is_set():
            done = self.deliver(self.spool)
            for outcome, number in (done.outcomes + Counter(refused=done.refused)).items():
                self.metrics.labels.labels(outcome).inc(number)
            if done.left is not None:
                self.metrics.waiting.set(done.left)
            if done.busy:  # whoever delivers sees whether the database answers
                return
            if done.error and done.error != self.why_waiting:
                log.warning("labels wait in the spool: %s", done.error)
            self.why_waiting = done.error
            if done.error or not (done.outcomes or done.refused):
                return


@dataclass
class Service:
    """What answers, who may ask, and where labels go."""

    models: ModelInUse
    gate: Gate
    labels: Labels
    configuration: Configuration
    detect: Detect
    metrics: Metrics
    coral_secrets: tuple[str, ...] = ()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="scoring")
    )
    room: Room = field(init=False)
    _tables: dict[str, AttributeTable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.room = Room(self.configuration.limits.bodies_bytes)

    @property
    def served(self) -> Served:
        """The model that is in use now: take it once a request."""
        return self.models.current

    def table(self, served: Served) -> AttributeTable:
        """Return what clients may ask of a model."""
        table = self._tables.get(served.version)
        if table is None:
            table = AttributeTable(served.attributes, self.configuration.attributes)
            self._tables = {served.version: table}
        return table

    def categories(self, served: Served) -> dict[str, str]:
        """Return the head behind each of OpenAI's categories that has one."""
        return choose_heads(served.attributes, self.configuration.openai.categories)

    async def body(self, asked: Asked, *, of_one: bool = False) -> bytes:
        """Return a request's body, within the site's limits; `of_one` where it has one comment."""
        limits = self.configuration.limits
        most = min(limits.comment_bytes, limits.body_bytes) if of_one else limits.body_bytes
        return await asked.body(most=most, seconds=limits.body_seconds, room=self.room)

    async def work(self, characters: int, do: Callable[[], Result]) -> Result:
        """Do what takes longer the more characters there are, where it keeps nobody waiting."""
        if characters <= AT_ONCE:
            return do()
        return await asyncio.get_running_loop().run_in_executor(self._pool, do)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Look for a new model and deliver labels while the block runs."""
        gc.collect()
        gc.freeze()  # the model's million objects need not be looked through while it serves
        with (
            Repeating(self._look, seconds=LOOK_SECONDS, name="model"),
            Repeating(self.labels.carry, seconds=DELIVERY_SECONDS, name="delivery"),
        ):
            yield
            self.labels.is_over.set()
        self._pool.shutdown()
        self.metrics.add_up()

    def _look(self) -> None:
        self.metrics.add_up()
        self.models.look()
        self.metrics.name_model(self.served.version)
