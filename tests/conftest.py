"""What tests share: where real data lies, and one small model trained for all of them."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.orm import Session

from moderation.database import Store, open_store
from tests.apps import desk, scored  # noqa: F401 - fixtures for all tests
from tests.browsers import chromium, page  # noqa: F401 - likewise
from tests.databases import Server, make_empty, make_old_database, serve
from tests.desks import open_desk

# A slow machine is no failure, and a contribution is judged by the same examples each time;
# at home every run looks at new ones.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of few cases, which take longest: no core waits for the last of them."""
    cases = Counter(item.path for item in items)
    items.sort(key=lambda item: cases[item.path])


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Keep the main module: Streamlit's harness puts its script there, and forks import it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real labelled comments; a fresh clone does not have it."""
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip("the labelled corpora are not beside this repository")
    return folder


@pytest.fixture(scope="session")
def seeds() -> Path:
    """Return the folder of the first saved pages; a fresh clone does not have it."""
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the first saved pages are not beside this repository")
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Train once on the archive in `data/` and return the path of the model.

    It begins with nothing: small models load fast. Every loop is compiled then, so that no later
    test waits for it: on a slow machine, minutes.
    """
    from moderation import load_model
    from moderation.train import main

    path = tmp_path_factory.mktemp("model") / "moderation.joblib"
    assert main([str(REPOSITORY / "data"), "--base", "none", "--out", str(path)]) == 0
    load_model(path).explain("a first comment")
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return a server of the tests' own; skips where PostgreSQL is not installed."""
    with serve() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/review.db"
        return
    server: Server = request.getfixturevalue("postgresql")
    address = server.new_database()
    yield address
    server.drop(address)


@pytest.fixture
def old_address(address: str) -> str:
    """Return the address of a database that 0.4 made and filled, on SQLite and on PostgreSQL."""
    make_old_database(address)
    return address


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the tables of the desk: copied faster than made."""
    path = tmp_path_factory.mktemp("made") / "review.db"
    open_store(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture(scope="session")
def kept(postgresql: Server) -> Iterator[Store]:
    """Return a store on PostgreSQL: emptied faster than made."""
    store = open_store(postgresql.new_database())
    yield store
    store.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return an empty store, on SQLite and on PostgreSQL."""
    if request.param == "postgresql":
        store = request.getfixturevalue("kept")
        yield store
        make_empty(store)
        return
    path = tmp_path / "store.db"
    shutil.copy(request.getfixturevalue("made"), path)
    store = open_store(f"sqlite:///{path}")
    yield store
    store.engine.dispose()


@pytest.fixture
def session() -> Iterator[Session]:
    """Return a session on an empty desk in memory."""
    with open_desk() as sessions, sessions() as session:
        yield session
