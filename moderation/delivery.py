"""`deliver(spool, open)`: what waits in the spool, recorded in the review store once and wholly."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from moderation.database import Store
from moderation.errors import ModerationError
from moderation.locks import hold
from moderation.outages import explain
from moderation.review import SentLabel, record_labels
from moderation.spool import Spool

AT_ONCE: Final = 200
"""Labels of one transaction: others who decide wait meanwhile."""
_REFUSALS: Final = (
    ModerationError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError,
)  # fmt: skip
"""What a label itself is at fault for; with what `_is_refusal` tells of databases."""

_TOO_LONG: Final = "54"
"""The class of SQLSTATE by which PostgreSQL refuses a name that is too long for an index."""

Item = tuple[int, SentLabel]
"""A label with its number in the spool."""


@dataclass(frozen=True)
class Delivered:
    """What came of a delivery."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """How many labels had which `Outcome`, or were `review.REPEATED`."""
    refused: int = 0
    """Labels that are kept aside: nothing could be made of them."""
    left: int | None = None
    """Labels that still wait; None where that is not known."""
    error: str | None = None
    """Why nothing was delivered, in one line."""
    busy: bool = False
    """Whether another process is delivering."""


def deliver(
    spool: Spool, open_store: Callable[[], Store], *, url: str, now: datetime, limit: int = AT_ONCE
) -> Delivered:
    """
    Record the first labels of a spool in one transaction, then take them out of it.

    Whoever is killed in between has lost nothing, and records nothing twice: labels have ids. Of
    several processes one delivers, and the others skip. Where the database or the spool fails,
    nothing is taken out, and `error` says why. A label that cannot be recorded is kept aside, and
    does not stop the others. `url` is the database's, for that line; `now` is when comments that
    are new begin to wait.
    """
    try:
        with hold(find_lock(spool.path), patience=0.0) as lock:
            if lock is None:
                return Delivered(left=spool.count(), busy=True)
            return _deliver(spool, open_store, url, now, limit)
    except ModerationError as error:
        return Delivered(error=str(error))


def find_lock(path: Path) -> Path:
    """Return the file that is locked while a spool is delivered."""
    return path.with_name(f"{path.name}.lock")


def _deliver(
    spool: Spool, open_store: Callable[[], Store], url: str, now: datetime, limit: int
) -> Delivered:
    reasons: dict[int, str] = {}
    items = _read(spool.take(limit), reasons)
    outcomes: Counter[str] = Counter()
    error = None
    try:
        outcomes = _record(open_store(), items, now, reasons) if items else outcomes
    except (ModerationError, SQLAlchemyError) as failure:
        error = str(explain(failure, url) if isinstance(failure, SQLAlchemyError) else failure)
    if reasons:
        spool.refuse(reasons)
    if error is None:
        delivered = [number for number, _ in items if number not in reasons]
        spool.drop(delivered) if delivered else spool.sweep()
    return Delivered(outcomes, len(reasons), spool.count(), error)


def _read(rows: Sequence[tuple[int, str]], reasons: dict[int, str]) -> list[Item]:
    """Return the labels that can be read; of the others, the reason."""
    items: list[Item] = []
    for number, body in rows:
        try:
            items.append((number, SentLabel.from_json(body)))
        except ModerationError as error:
            reasons[number] = type(error).__name__
    return items


def _record(
    store: Store, items: Sequence[Item], now: datetime, reasons: dict[int, str]
) -> Counter[str]:
    """
    Record labels in one transaction; where that fails for one of them, in two, and so on.

    Raises:
        SQLAlchemyError: the database fails.

    """
    try:
        with store.writing() as session:
            return record_labels(session, [label for _, label in items], recorded_at=now)
    except (*_REFUSALS, SQLAlchemyError) as error:
        if not _is_refusal(error):
            raise
        if len(items) == 1:
            reasons[items[0][0]] = type(error).__name__
            return Counter()
    middle = len(items) // 2
    halves = (items[:middle], items[middle:])
    return sum((_record(store, half, now, reasons) for half in halves), Counter())


def _is_refusal(error: Exception) -> bool:
    """Tell what one label is at fault for from a database that fails, whatever it is given."""
    if isinstance(error, DBAPIError):
        is_too_long = str(getattr(error.orig, "sqlstate", "")).startswith(_TOO_LONG)
        return is_too_long or isinstance(error, DataError | IntegrityError)
    return isinstance(error, (*_REFUSALS, StatementError))
