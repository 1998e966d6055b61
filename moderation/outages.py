"""`explain(error, url)`: why a database cannot be used, in one line that quotes nothing of it."""

import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from moderation.errors import ReviewError

SETTING: Final = "MODERATION_DATABASE_URL"

_SQLITE: Final = {
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; see that it is there and may be written",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another one",
    sqlite3.SQLITE_READONLY: "it may only be read; check who may write to the file and its folder",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; try again when that has ended",
    sqlite3.SQLITE_FULL: "the disk is full; make room, then try again",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; put a copy of it back",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check the disk, and copy the file elsewhere",
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""

_REFUSED = f"the server refuses the name or the password; check {SETTING}"
_BROKEN_OFF = "the server has broken off; check that it runs, then try again"
_NO_DATABASE = "the server has no database of that name; make it with: createdb NAME"
_POSTGRESQL: Final = {
    "28000": _REFUSED,
    "28P01": _REFUSED,
    "3D000": _NO_DATABASE,
    "25006": "it may only be read; name the server that takes writes",
    "42501": "the name in the address may not do that there; let it own the database",
    "53100": "the server's disk is full; make room, then try again",
    "53300": "the server has too many connections already; end some, or allow more",
    "55P03": "another program keeps it locked; try again when that has ended",
    "57P01": _BROKEN_OFF,
    "57P03": "the server is starting or stopping; try again in a moment",
}
"""By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

_ON_CONNECTING: Final = (
    ("password authentication failed", _REFUSED),
    ("no password supplied", _REFUSED),
    ("pg_hba.conf", _REFUSED),
    ('role "', _REFUSED),
    ('database "', _NO_DATABASE),
    ("too many", _POSTGRESQL["53300"]),
    ("starting up", _POSTGRESQL["57P03"]),
    ("shutting down", _POSTGRESQL["57P03"]),
)
"""What libpq says while connecting, when there is no SQLSTATE yet; as servers say it in English."""


def explain(error: Exception, url: str) -> ReviewError:
    """
    Return what to tell whoever named a database that failed.

    >>> print(explain(ArgumentError(), "postgresql://anna:tulip@host/desk"))
    postgresql://anna:***@host/desk: no answer (ArgumentError); check MODERATION_DATABASE_URL
    """
    reason = _reason(error.orig) if isinstance(error, DBAPIError) else None
    if isinstance(error, OSError):
        reason = f"its folder cannot be made ({type(error).__name__}); check the path"
    if _names_folder(url):
        reason = "this is a folder; name a file in it, such as review.db"
    reason = reason or f"no answer ({type(error).__name__}); check {SETTING}"
    return ReviewError(f"{mask_password(url)}: {reason}")


def mask_password(url: str) -> str:
    """Return a database address fit to be shown: drivers take passwords as parameters, too."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "the database address"


def _reason(error: BaseException | None) -> str | None:
    if isinstance(error, sqlite3.Error):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state)
    said = str(error)
    if not said.startswith("connection "):
        return _BROKEN_OFF
    silent = "no server answers there; check that it runs, and the host and port of the address"
    return next((reason for words, reason in _ON_CONNECTING if words in said), silent)


def _names_folder(url: str) -> bool:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        return False
    is_file = address.get_backend_name() == "sqlite" and bool(address.database)
    return is_file and Path(str(address.database)).is_dir()
