"""`Database`: a copy of an SQLite file that can only be read, and nothing in it can act."""

import contextlib
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from moderation.errors import SourceError

SQLITE_MAGIC = b"SQLite format 3\0"
VALUE_BYTES = 1 << 26
"""The longest value of a row: beyond it, it is no comment."""
_COPIED_BYTES = 1 << 20


class Database:
    """
    An SQLite database, copied to a temporary file that goes when this is closed.

    Views and triggers of it may not call anything, text that is not UTF-8 is read with U+FFFD.

    Raises:
        SourceError: it is damaged.

    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._name = name
        folder = tempfile.mkdtemp(prefix="moderation-")
        # Also where nobody closes it: a reading that was only asked for its format.
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._connection: sqlite3.Connection | None = None
        try:
            copy = Path(folder) / "copy.db"
            with copy.open("wb") as writing:
                shutil.copyfileobj(stream, writing, _COPIED_BYTES)
            self._connection = _connect(copy)
            found = self.rows("SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
            self.schema = "\n".join(str(sql) for (sql,) in found)
            """The statements that create its tables, one after the other, in order of name."""
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the database and remove the copy."""
        if self._connection is not None:
            self._connection.close()
        self._remove()

    def tables(self) -> list[str]:
        """Return the names of its tables."""
        found = self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table; none where there is no such table."""
        return [str(name) for (name,) in self.rows("SELECT name FROM pragma_table_info(?)", table)]

    def rows(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Yield what a query finds, row by row."""
        assert self._connection is not None
        with self._refusing():
            yield from self._connection.execute(query, values)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # whose words may be those of a row
            raise SourceError(
                f"{self._name}: damaged SQLite database, or one that is not read here "
                f"({type(error).__name__}); copy it again while nothing writes to it"
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    connection.text_factory = lambda held: held.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
