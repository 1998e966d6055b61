"""A PostgreSQL server of the tests' own, in a temporary folder, and databases in it."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, make_url

from moderation.chain import BEGINNING
from moderation.database import Store, connect
from moderation.tables import Base, Chain

STORES = Path(__file__).parent / "stores"
DEBIAN = Path("/usr/lib/postgresql")
MISSING = "no PostgreSQL here; get it with: apt-get install postgresql"
HBA = """
local all locked scram-sha-256
local all all trust
"""
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")
"""The server's machine does not lose its power in the tests; clients die, the server does not."""


@dataclass
class Server:
    """A running server; whoever can reach its socket is let in, but `locked` with a password."""

    folder: Path
    programs: Path
    command: list[object]
    process: subprocess.Popen | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        _wait_until_up(self.programs, self.folder, self.process)

    def stop(self, signum: int = signal.SIGQUIT) -> None:
        """Stop it, by default at once, as in a crash."""
        self.process.send_signal(signum)
        self.process.wait(timeout=60)

    def address(self, database: str, *, name: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql://{name}{secret}@/{database}?host={self.folder}"

    def run(self, statement: str, *, database: str = "postgres") -> None:
        """Run one statement outside of transactions."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            connection.execute(statement)

    def new_database(self, options: str = "") -> str:
        """Make a database, an empty one where the options say nothing else; return its address."""
        name = f"desk_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} {options}")
        return self.address(name)

    def drop(self, address: str) -> None:
        """Drop a database: a thousand of them would fill the disk."""
        self.run(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian puts them beside the path."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = DEBIAN.glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest and newest.parent


def make_empty(store: Store) -> None:
    """Take all rows out of a store."""
    store.engine.dispose()
    with store.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(delete(table))
        connection.execute(insert(Chain).values(id=1, last_id=0, digest=BEGINNING))
        connection.exec_driver_sql("ALTER SEQUENCE bulk_id_seq RESTART")


def make_old_database(address: str) -> None:
    """Make a database as 0.4 did, with a history of removals, approvals and undos in it."""
    engine = connect(address)
    schema = (STORES / f"schema_0001.{engine.dialect.name}.sql").read_text("utf-8")
    rows = (STORES / "rows_0001.sql").read_text("utf-8")
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            rows = f"SET LOCAL timezone = 'UTC'; {rows} SELECT setval('decision_id_seq', 8)"
            connection.exec_driver_sql(schema + rows)
        else:
            for statement in _statements(schema + rows):
                connection.exec_driver_sql(statement)
    engine.dispose()


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; semicolons inside of quotes end none."""
    begun = ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""


def read_rows(address: str, *tables: str) -> dict[str, list[dict[str, object]]]:
    """Return all rows of tables as they are stored."""
    engine = connect(address)
    with engine.connect() as connection:
        rows = {
            name: connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2").mappings().all()
            for name in tables
        }
    engine.dispose()
    return {name: [dict(row) for row in found] for name, found in rows.items()}


@contextmanager
def serve(*settings: str) -> Iterator[Server]:
    """Start a server, which refuses to run as root, and stop it at the end."""
    programs = find_programs()
    if programs is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    # Short: the path of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="desk-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run([*as_owner, programs / "initdb", "-D", data, *options], folder)
    (data / "pg_hba.conf").write_text(HBA)
    command = [*as_owner, programs / "postgres", "-D", data]
    for setting in (f"unix_socket_directories={folder}", "listen_addresses=", *FAST, *settings):
        command += ["-c", setting]
    server = Server(folder, programs, command)
    try:
        server.start()
        yield server
    finally:
        server.stop()  # at once: nothing of it is kept
        shutil.rmtree(folder)


def _wait_until_up(programs: Path, folder: Path, process: subprocess.Popen) -> None:
    ready = [programs / "pg_isready", "-q", "-h", folder]
    for _ in range(600):
        assert process.poll() is None, (folder / "server.log").read_text()
        if subprocess.run(ready).returncode == 0:
            return
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    pytest.fail("PostgreSQL does not answer")


def _run(command: list[object], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
