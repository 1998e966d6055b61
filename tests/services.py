"""A running service for tests: in a thread of this process, on a free port, in its own folder."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn

from moderation.keys import Scope, create_key
from moderation.service.app import create_app
from moderation.service.configuration import Limits
from moderation.service.connections import listening_options
from moderation.service.opening import open_service
from moderation.service.parts import Service
from moderation.settings import Settings

SCOPES = {"score": [Scope.SCORE], "label": [Scope.LABEL], "admin": [Scope.ADMIN]}


@dataclass
class Running:
    """A service that answers."""

    address: str
    service: Service
    settings: Settings
    keys: Mapping[str, str]
    """Tokens by the name of their only scope."""
    told: list[str] = field(default_factory=list)

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30, **options)

    def post(self, path: str, body, *, scope: str = "score", **options) -> httpx.Response:
        """Send JSON, with the key of a scope where there are keys."""
        params = {"key": self.keys[scope], **options.pop("params", {})} if self.keys else {}
        with self.client() as client:
            return client.post(path, json=body, params=params, **options)

    def get(self, path: str, *, scope: str = "score", **options) -> httpx.Response:
        params = {"key": self.keys[scope], **options.pop("params", {})} if self.keys else {}
        with self.client() as client:
            return client.get(path, params=params, **options)


def make_settings(folder: Path, model: Path, **more) -> Settings:
    """Return settings all of whose files are in a folder."""
    return replace(
        Settings(),
        model=model,
        keys=folder / "keys.json",
        spool=folder / "spool.db",
        database_url=f"sqlite:///{folder}/review.db",
        **more,
    )


def make_keys(settings: Settings) -> dict[str, str]:
    """Make a key for each scope and return their tokens."""
    return {
        name: create_key(settings.keys, name, scopes=scopes, at=datetime.now(UTC))
        for name, scopes in SCOPES.items()
    }


@contextmanager
def run_service(
    folder: Path, model: Path, *, keys: bool = True, site: str = "", **more
) -> Iterator[Running]:
    """Run a service; `site` is the text of its TOML file."""
    if site:
        (folder / "service.toml").write_text(site)
        more["service"] = folder / "service.toml"
    settings = make_settings(folder, model, **more)
    made = make_keys(settings) if keys else {}
    told: list[str] = []
    service = open_service(settings, tell=told.append)
    with listen(create_app(service), limits=service.configuration.limits) as address:
        yield Running(address, service, settings, made, told)


@contextmanager
def listen(app, *, limits: Limits | None = None) -> Iterator[str]:
    """Serve an ASGI app and yield its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        options = listening_options(Limits() if limits is None else limits)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server ended"
                thread.join(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
