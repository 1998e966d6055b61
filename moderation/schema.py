"""`migrate(engine)`: the schema that a database has, brought to another, wholly or not at all."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from moderation.errors import ReviewError
from moderation.tables import Base

Tell = Callable[[str], None]

MIGRATIONS: Final = Path(__file__).parent / "migrations"
WRITES: Final = "writes"
"""The execution option of connections that write (`database`)."""
MIGRATES: Final = "migrates"
"""The execution option of connections that make tables anew (`database`)."""
FIRST_REVISION: Final = "0001"
"""The schema of 0.4 and before, whose databases do not say which one they have."""
_FIRST_TABLES: Final = {"comment", "decision", "score"}
_LATE_COLUMN: Final = "overrules_id"
"""The last column that the first schema got while it was made."""
_MIGRATING: Final = 0x6D6F6465
"""The advisory lock that makes one of several starting processes migrate PostgreSQL."""
# Alembic keeps what it is doing in variables of its module: one thread at a time.
_one_at_a_time = Lock()


def tell_on_stderr(line: str) -> None:
    """Say what a migration is doing."""
    print(line, file=sys.stderr, flush=True)


def newest_revision() -> str:
    """Return the name of the present schema."""
    return known_revisions()[-1]


def name(revision: str | None) -> str:
    """Return how a schema is called."""
    return "no tables" if revision is None else f"schema {revision}"


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the names of all schemas, the first one first."""
    scripts = ScriptDirectory.from_config(_configuration())
    return tuple(script.revision for script in scripts.walk_revisions())[::-1]


def find_revision(engine: Engine) -> str | None:
    """
    Return the schema that a database has; None for one without tables.

    Raises:
        ReviewError: it has tables of these names that are not ours, or a schema of a later version.

    """
    if engine.dialect.name == "postgresql":  # or a migration may end between two questions
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        return _revision(connection)


def migrate(engine: Engine, *, to: str | None = None, tell: Tell = tell_on_stderr) -> None:
    """
    Bring a database to a schema, up or down, wholly or not at all; without a name, to the newest.

    Of several processes that do so at the same moment one does it, and the others wait.

    Raises:
        ReviewError: no such schema, or the database has one that this version does not know.

    """
    wanted = to or newest_revision()
    if wanted not in known_revisions():
        names = ", ".join(known_revisions())
        raise ReviewError(f"there is no schema {wanted}; expected one of {names}")
    writer = engine.execution_options(**{WRITES: True, MIGRATES: True})
    with _one_at_a_time, writer.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
        present = _revision(connection)
        if present != wanted:
            _migrate(connection, present, wanted, tell)


def find_losses(engine: Engine, *, to: str) -> list[str]:
    """Return what a database holds that an earlier schema cannot; it is lost on the way down."""
    known = known_revisions()
    scripts = ScriptDirectory.from_config(_configuration())
    with engine.connect() as connection:
        present = _revision(connection)
        above = known[known.index(to) + 1 : known.index(present) + 1] if present else ()
        modules = [scripts.get_revision(revision).module for revision in reversed(above)]
        return [loss for module in modules for loss in module.find_losses(connection)]


def differences(engine: Engine) -> list[Any]:
    """Return in what a database's tables are not those of this version, as Alembic tells it."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


def _migrate(connection: Connection, present: str | None, wanted: str, tell: Tell) -> None:
    configuration = _configuration(connection, tell)
    if present is None:
        _check_encoding(connection)
        tell = _say_nothing  # there is nothing yet that could take long
        configuration.attributes["tell"] = tell
    elif MigrationContext.configure(connection).get_current_revision() is None:
        command.stamp(configuration, present)
    tell(f"migrating the database from schema {present} to {wanted}")
    known = known_revisions()
    down = present is not None and known.index(wanted) < known.index(present)
    (command.downgrade if down else command.upgrade)(configuration, wanted)
    tell(f"migrated: the database has schema {wanted}")


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None:
        if revision not in known_revisions():
            raise ReviewError(
                f"the database has schema {revision}, made by a later version; this one knows "
                f"{newest_revision()} and before: install the later version"
            )
        return revision
    tables = inspect(connection)
    found = set(tables.get_table_names()) & set(Base.metadata.tables)
    if not found:
        return None
    columns = tables.get_columns("decision") if "decision" in found else []
    if found != _FIRST_TABLES or _LATE_COLUMN not in {column["name"] for column in columns}:
        raise ReviewError(
            f"the database has tables of another program ({', '.join(sorted(found))}); "
            "name a database that is the desk's alone"
        )
    return FIRST_REVISION


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise ReviewError(
            f"the database stores {encoding}, which lacks characters that readers write; "
            "make it with: createdb --encoding UTF8 --template template0 NAME"
        )


def _say_nothing(line: str) -> None:
    """Keep silent."""


def _configuration(connection: Connection | None = None, tell: Tell = _say_nothing) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes.update(connection=connection, tell=tell)
    return configuration
