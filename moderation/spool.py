"""`Spool(path, most=n)`: a file that keeps what is still to be delivered, through any crash."""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from time import monotonic, sleep
from typing import Any, Final

from moderation.errors import SpoolError, SpoolFull

PATIENCE: Final = 5.0
"""Seconds to wait for other processes that use the file; each holds it for milliseconds."""
APPLICATION: Final = 0x6D6F6473
"""What tells a spool from other SQLite files (https://www.sqlite.org/pragma.html)."""
SWEEPING: Final = 0.5
"""Seconds to wait for them only to empty the log: what is put waits meanwhile."""
_PAUSE: Final = 0.005

_TABLES: Final = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT, put_at REAL NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS waiting_put_at ON waiting (put_at);
    CREATE TABLE IF NOT EXISTS refused (
        id INTEGER PRIMARY KEY, put_at REAL NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS refused_put_at ON refused (put_at);
    PRAGMA application_id = {APPLICATION};
    COMMIT;
"""
"""Rows are counted by the small indexes: the tables would have to be read with all bodies."""

_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check who may write to it and its folder",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, and keep it for what waited in it",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check it",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another one, or move it away",
    sqlite3.SQLITE_READONLY: "it may only be read; check who may write to it and its folder",
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""


@dataclass(frozen=True)
class Refused:
    """An item that could not be delivered, and is kept aside."""

    id: int
    reason: str
    """The class of what was raised: a message might quote words."""
    body: str = field(repr=False)


def _now() -> datetime:
    return datetime.now(UTC)


class Spool:
    """
    Items in the order in which they came, shared by processes through one SQLite file.

    The file is made where there is none, to be read and written by its owner only. Threads may
    share a spool; a process that is forked makes its own. What is taken out is overwritten, in the
    file and in the log beside it.

    Raises:
        SpoolError: by every method: the file cannot be used.
        ValueError: `most` is less than 1.

    """

    def __init__(self, path: Path | str, *, most: int, clock: Callable[[], datetime] = _now):
        if most < 1:
            raise ValueError(f"most is {most}; expected at least 1 item")
        self.path = Path(path)
        self.most = most
        self._clock = clock
        self._lock = RLock()
        self._opened: tuple[sqlite3.Connection, tuple[int, int]] | None = None
        """With the file that the connection is of."""
        self._process = os.getpid()

    def put(self, items: Sequence[str]) -> None:
        """
        Add items, all or none; they are on the disk when it returns.

        Raises:
            SpoolFull: with them more than `most` would wait, or be kept as refused.

        """
        put_at = self._clock().timestamp()
        with self._writing() as connection:
            kept = sum(_count(connection, table) for table in ("waiting", "refused"))
            if kept + len(items) > self.most:
                raise SpoolFull(
                    f"{self.path}: {kept:,} items wait or were refused, and {len(items):,} more "
                    f"came; expected at most {self.most:,}: see why they are not delivered"
                )
            connection.executemany(
                "INSERT INTO waiting (put_at, body) VALUES (?, ?)",
                ((put_at, item) for item in items),
            )

    def count(self) -> int:
        """Return how many items wait."""
        with self._reading() as connection:
            return _count(connection, "waiting")

    def count_refused(self) -> int:
        """Return how many items are kept aside."""
        with self._reading() as connection:
            return _count(connection, "refused")

    def oldest(self) -> datetime | None:
        """Return when the first of what waits came; None where nothing waits."""
        with self._reading() as connection:
            found = connection.execute("SELECT put_at FROM waiting ORDER BY id LIMIT 1").fetchone()
        return None if found is None else datetime.fromtimestamp(found[0], UTC)

    def take(self, limit: int) -> list[tuple[int, str]]:
        """Return the first items with their numbers; they wait until they are dropped."""
        query = "SELECT id, body FROM waiting ORDER BY id LIMIT ?"
        with self._reading() as connection:
            return connection.execute(query, (limit,)).fetchall()

    def drop(self, numbers: Collection[int]) -> None:
        """Take out what was delivered."""
        self._delete("waiting", numbers)

    def refuse(self, reasons: Mapping[int, str]) -> None:
        """Keep items aside that cannot be delivered, each with the reason."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO refused SELECT id, put_at, body, ? FROM waiting WHERE id = ?",
                ((reason, number) for number, reason in reasons.items()),
            )
            _delete(connection, "waiting", reasons)
        self.sweep()

    def list_refused(self, *, limit: int = 100) -> list[Refused]:
        """Return the first of the items that are kept aside."""
        query = "SELECT id, reason, body FROM refused ORDER BY id LIMIT ?"
        with self._reading() as connection:
            return [Refused(*row) for row in connection.execute(query, (limit,))]

    def retry_refused(self) -> int:
        """Let all that is kept aside wait again, in its place, and return how much that is."""
        with self._writing() as connection:
            connection.execute("INSERT INTO waiting SELECT id, put_at, body FROM refused")
            number = connection.execute("DELETE FROM refused").rowcount
        self.sweep()
        return int(number)

    def drop_refused(self, numbers: Collection[int]) -> None:
        """Take items out that were kept aside."""
        self._delete("refused", numbers)

    def sweep(self) -> None:
        """
        Empty the log beside the file, where the bodies of what was taken out stand once more.

        Whatever takes something out ends with it. Where others are at work all the time it may
        fail, without a word: then it is to be called again.
        """
        with self._reading() as connection:
            log = Path(f"{self.path}-wal")
            if log.exists() and log.stat().st_size:
                connection.execute(f"PRAGMA busy_timeout = {SWEEPING * 1000:.0f}")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")

    def close(self) -> None:
        """Let the file go; whatever is called next opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None

    def _delete(self, table: str, numbers: Collection[int]) -> None:
        with self._writing() as connection:
            _delete(connection, table, numbers)
        self.sweep()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction: as a writer from its beginning, or two would refuse each other."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connect()
            except sqlite3.Error as error:
                self.close()
                raise SpoolError(f"{self.path}: {_explain(error)}") from error
            except OSError as error:
                raise SpoolError(f"{self.path}: cannot be used ({error.strerror})") from error

    def _connect(self) -> sqlite3.Connection:
        """Return the connection; another one where the file is not the one that was opened."""
        if self._process != os.getpid():
            raise ValueError("a spool is of the process that made it: after a fork, make another")
        if self._opened is not None and self._opened[1] == self._identify():
            return self._opened[0]
        self.close()
        self._make()
        connection = _open(self.path)
        self._opened = connection, self._identify()
        return connection

    def _identify(self) -> tuple[int, int]:
        """Return what tells this file from another of its name; a deleted one is like no other."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_dev, found.st_ino

    def _make(self) -> None:
        """
        Make an empty file that nobody else may read; SQLite gives its log the same mode.

        One that is there is not opened: closing it would end the locks that SQLite holds for this
        process (https://www.sqlite.org/howtocorrupt.html).
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _set_up(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    # In this order: another process makes both at one moment.
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    if tables and application != APPLICATION:
        raise _ForeignError
    if stat.S_IMODE(path.stat().st_mode) != 0o600:
        path.chmod(0o600)
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    if application != APPLICATION:
        connection.executescript(_TABLES)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Write changes to a log first; SQLite itself does not wait here for others who do so too."""
    until = monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or monotonic() >= until:
                raise
        sleep(_PAUSE)


class _ForeignError(sqlite3.DatabaseError):
    """The file is another program's."""


def _explain(error: sqlite3.Error) -> str:
    if isinstance(error, _ForeignError):
        return "the database of another program; name a file that is the spool's alone"
    otherwise = f"the file cannot be used ({type(error).__name__}); move it away, and keep it"
    return _REASONS.get(_code(error), otherwise)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _count(connection: sqlite3.Connection, table: str) -> int:
    found: tuple[int] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return found[0]


def _delete(connection: sqlite3.Connection, table: str, numbers: Collection[int]) -> None:
    rows: list[Any] = [(number,) for number in numbers]
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", rows)
