"""`open_store(url)`: the database of the review desk, brought to the present schema."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from moderation.errors import ReviewError
from moderation.outages import explain, mask_password
from moderation.schema import (
    MIGRATES,
    WRITES,
    Tell,
    find_revision,
    migrate,
    name,
    newest_revision,
    tell_on_stderr,
)

__all__ = [
    "PATIENCE", "Store", "connect", "explain", "is_missing", "mask_password", "open_store", "sweep",
]  # fmt: skip

PATIENCE: Final = 60.0
"""Seconds that a writer waits for others."""
LOOK: Final = 0.002
"""Seconds between looks whether they are done, in SQLite."""
SWEPT: Final = ("comment", "score", "held", "decision", "site_label")
"""The tables that words and names are erased from."""
ANSWER: Final = 10
"""Seconds that a server has to answer."""


CACHE: Final = 64 * 1024
"""KiB of a SQLite file that a connection keeps in memory: the indexes of a million comments."""


@dataclass(frozen=True)
class Store:
    """Opens sessions: reading ones never wait for writers, writing ones come one after another."""

    reading: Callable[[], AbstractContextManager[Session]]
    """Sees the database as it was at its first question, and may not write."""
    writing: Callable[[], AbstractContextManager[Session]]
    """Commits at its end, and where that is an error nothing."""
    engine: Engine


def open_store(
    url: str, *, create: bool = True, change: bool = True, tell: Tell = tell_on_stderr
) -> Store:
    """
    Return what opens sessions on a database, made or migrated where that is due.

    Where nothing is to be changed, a database of an earlier schema is refused. `tell` is given
    what a migration is doing.

    Raises:
        ReviewError: the address is malformed, the database cannot be used, is of a later version
            of this program, or, where it is not to be created, does not exist.

    """
    engine = connect(url, create=create)
    try:
        present = find_revision(engine)
        if present != newest_revision():
            if not change:
                raise ReviewError(
                    f"{mask_password(url)}: has {name(present)}, expected {newest_revision()}; "
                    "bring it there with: python -m moderation.migrate"
                )
            migrate(engine, tell=tell)
    except SQLAlchemyError as error:
        engine.dispose()
        raise explain(error, url) from error
    except ReviewError:
        engine.dispose()
        raise
    return Store(_reading(engine), _writing(engine), engine)


def connect(url: str, *, create: bool = True) -> Engine:
    """
    Return an engine for a database, whatever schema that has.

    Raises:
        ReviewError: the address is malformed, a package is missing, or the file is.

    """
    try:
        address = make_url(url)
        sqlite = address.get_backend_name() == "sqlite"
        if not sqlite and address.get_backend_name() != "postgresql":
            raise ArgumentError
        return _sqlite(address, create=create) if sqlite else _postgresql(address)
    except (ArgumentError, ValueError) as error:
        raise ReviewError(
            f"{mask_password(url)}: not a database address; expected e.g. "
            "sqlite:///data/review.db or postgresql://name:password@host/database"
        ) from error
    except ImportError as error:
        raise ReviewError(
            f"{mask_password(url)}: needs a Python package that is not here; "
            "install it with: pip install 'moderation[postgresql]'"
        ) from error
    except OSError as error:
        raise explain(error, url) from error


def is_missing(url: str) -> bool:
    """Tell whether an address is that of a SQLite file which is not there."""
    try:
        address = make_url(url)
    except ArgumentError:
        return False
    file = address.database or ":memory:"
    is_file = address.get_backend_name() == "sqlite" and not file.startswith((":memory:", "file:"))
    return is_file and not Path(file).is_file()


def sweep(engine: Engine) -> None:
    """
    Write a database anew without what was deleted, whose bytes would stay in its files.

    Others wait meanwhile. On a server, its log and its copies are not reached.

    Raises:
        SQLAlchemyError: there is no room, or another program keeps it locked.
        ReviewError: another program was reading, so that the write-ahead log could not be emptied.

    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in SWEPT:
                connection.exec_driver_sql(f"VACUUM (FULL) {table}")
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")  # `_begin_in_sqlite` has begun
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("VACUUM")
        is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    if is_busy:
        raise ReviewError(
            "another program was reading: what was erased is still in the file beside the database "
            "that ends in -wal; close the desk, then say this again"
        )


def _reading(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return sessionmaker(engine, expire_on_commit=False)


def _writing(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    return sessionmaker(engine.execution_options(**{WRITES: True}), expire_on_commit=False).begin


def _postgresql(address: URL) -> Engine:
    if "+" not in address.drivername:
        address = address.set(drivername="postgresql+psycopg")
    patience = {} if "connect_timeout" in address.query else {"connect_timeout": ANSWER}
    engine = create_engine(address, pool_pre_ping=True, connect_args=patience)
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_postgresql(connection: Any, _record: object) -> None:
    """Wait for others only so long: one may be stopped in the middle of a transaction."""
    connection.execute(f"SET lock_timeout = {PATIENCE * 1000:.0f}")
    connection.commit()


def _sqlite(address: URL, *, create: bool) -> Engine:
    file = address.database or ":memory:"
    in_memory = file == ":memory:"
    if not in_memory and not file.startswith("file:"):
        _prepare_folder(Path(file), create=create)
    engine = create_engine(address, **({"poolclass": StaticPool} if in_memory else {}))
    event.listen(engine, "connect", _set_up_sqlite)
    if not in_memory:
        event.listen(engine, "do_connect", _making_once(create))
        event.listen(engine, "checkout", _check_file)
    event.listen(engine, "begin", _begin_in_sqlite)
    return engine


def _prepare_folder(path: Path, *, create: bool) -> None:
    if not create and not path.exists():
        raise ReviewError(
            f"{path}: no such database; put it back, or review comments in the app first"
        )
    path.parent.mkdir(parents=True, exist_ok=True)


def _making_once(may_make: bool) -> Callable[..., None]:
    """
    Return what lets the first connection of an engine make the file, and no later one.

    SQLite makes a file that is not there: one that was moved away for a while would come back to
    another in its place, and to the log of that.
    """

    def open_file(_dialect: object, _record: object, given: list[Any], named: Any) -> None:
        nonlocal may_make
        file = str(given[0])
        if file.startswith("file:"):
            return
        if may_make:
            _make_private(file)
        else:
            given[0] = f"{Path(file).absolute().as_uri()}?mode=rw"
            named["uri"] = True
        may_make = False

    return open_file


def _make_private(file: str) -> None:
    """
    Make an empty file that nobody else may read, if there is none; SQLite gives its logs that mode.

    Why it cannot be made, SQLite says in a moment.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """Let nothing begin by itself, and keep each commit through a power cut."""
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    _wait_for_others(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    # SQLite's own knows the capitals of English only.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _check_file(connection: Any, record: Any, _proxy: object) -> None:
    """
    Leave a connection whose file was deleted: it would go on writing to what nobody sees.

    Connections are kept, for whoever closes the last one moves all that was written ahead.
    """
    _, _, path = connection.execute("PRAGMA database_list").fetchone()
    file = os.stat(path) if os.path.exists(path) else None
    found = (file.st_dev, file.st_ino) if file else None
    if record.info.setdefault("file", found) != found or found is None:
        raise DisconnectionError


def _begin_in_sqlite(connection: Connection) -> None:
    """
    Begin as a writer where something is to be written: with readers beside it, one at a time.

    A reader that turned writer would be refused at once when another has written since; so it is
    refused always (https://www.sqlite.org/lang_transaction.html, https://www.sqlite.org/wal.html).
    What is deleted is overwritten, too. A migration puts tables in the place of others, which
    foreign keys would take for deleting their rows.
    """
    options = connection.get_execution_options()
    writes, migrates = options.get(WRITES, False), options.get(MIGRATES, False)
    if writes:
        _insist(connection, "PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        connection.exec_driver_sql(f"PRAGMA foreign_keys = {'OFF' if migrates else 'ON'}")
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    if writes:
        _insist(connection, "BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def _insist(connection: Connection, statement: str) -> None:
    """
    Execute what one at a time may do, soon after the others let go.

    SQLite itself would look only ten times a second, so that whoever comes back at once is always
    faster; and to write ahead it does not wait at all.
    """
    sqlite = connection.connection.driver_connection
    assert isinstance(sqlite, sqlite3.Connection)
    patient_until = monotonic() + PATIENCE
    sqlite.execute("PRAGMA busy_timeout = 0")
    try:
        while monotonic() < patient_until:
            try:
                sqlite.execute(statement).fetchall()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            sleep(LOOK)
        connection.exec_driver_sql(statement)  # fails, and is told as SQLAlchemy does
    finally:
        _wait_for_others(sqlite)


def _wait_for_others(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
