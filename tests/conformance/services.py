"""`start_service(folder)`: what the clients are tried against."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from moderation.keys import Scope, create_key
from tests.conftest import REPOSITORY
from tests.services import run_service


@contextmanager
def start_service(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve the base model while the block runs; give the address and an API key."""
    scopes, now = [Scope.SCORE, Scope.LABEL], datetime.now(UTC)
    key = create_key(folder / "keys.json", "client", scopes=scopes, at=now)
    with run_service(folder, REPOSITORY / "models/base.joblib", keys=False) as running:
        yield running.address, key
