"""The review desk in headless Chromium: a server of its own, a page, its keys."""

import importlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from moderation import review
from moderation.database import open_store

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "data/inbox/hospital-parking-20261118T1155Z.html"

RESTING = "[data-testid=stApp][data-test-script-state=notRunning]"
"""The app when a rerun has ended."""
TURN = "() => document.querySelector('[class*=st-key-next-]')?.className.match(/next-(\\d+)-/)?.[1]"
"""The turn that the buttons are for: it changes with each comment turned to, the same one too."""


@dataclass(frozen=True)
class Server:
    """A running desk in folders of its own."""

    address: str
    database: str

    def decisions(self) -> list[tuple[str, str]]:
        """Return (comment's id, action), earliest first."""
        with open_store(self.database).reading() as session:
            recent = review.recent_decisions(session, limit=1000)
        return [(comment.id, decision.action.value) for decision, comment in reversed(recent)]

    def count_waiting(self) -> int:
        with open_store(self.database).reading() as session:
            return review.count_waiting(session)


@contextmanager
def serve(folder: Path, *, data: Path, model: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://localhost:{port}", f"sqlite:///{folder}/review.db")
    environment = {
        **os.environ,
        "MODERATION_DATA": str(data),
        "MODERATION_MODEL": str(model),
        "MODERATION_DATABASE_URL": server.database,
        "PYTHONPATH": str(REPOSITORY),
    }
    options = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *options]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_up(server: Server, process: subprocess.Popen) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended: see server.log"
        try:
            with urlopen(f"{server.address}/_stcore/health", timeout=5):
                return
        except URLError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
    pytest.fail("the server does not answer")


def need(module: str, package: str, *, extra: str = "test"):
    """Return a module that these tests use."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        miss(f"no {package} here; get it with: pip install -e '.[{extra}]'")


def miss(what: str) -> None:
    """Skip where something is missing; in CI, which installs all of it, fail."""
    pytest.fail(what) if os.environ.get("CI") else pytest.skip(what)


@pytest.fixture(scope="module")
def chromium():
    playwright = need("playwright.sync_api", "playwright")
    path = shutil.which("chromium")
    if path is None:
        miss("no Chromium here; get it with: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()


def open_desk(page, server: Server, path: str = "") -> None:
    page.goto(f"{server.address}{path}")
    page.wait_for_selector(".mod-title")
    page.wait_for_selector(RESTING)
    if path.startswith("/?") or not path:
        wait_until_listening(page)


def wait_until_listening(page) -> None:
    """Wait for the buttons of the comment on screen: a key before them acts on nothing."""
    page.wait_for_function(f"() => ({TURN})() !== undefined")
    page.wait_for_selector(RESTING)


def wait_until_quiet(page) -> None:
    """Wait until nothing has been drawn for a second: keys pressed in a row are on their way."""
    before = None
    while before != (before := page.evaluate(TURN)):
        page.wait_for_timeout(1000)
        wait_until_listening(page)


def focus(page) -> str:
    return page.locator(".mod-comment.focus").get_attribute("data-comment")


def wait_for_another(page, before: str) -> str:
    page.wait_for_selector(f'.mod-comment.focus:not([data-comment="{before}"])')
    page.wait_for_selector(RESTING)
    return focus(page)


def press(page, key: str) -> str:
    """Press a key that turns to a comment and return the one that is shown afterwards."""
    turn = page.evaluate(TURN)
    page.keyboard.press(key)
    page.wait_for_function(f"turn => ![undefined, turn].includes(({TURN})())", arg=turn)
    page.wait_for_selector(RESTING)
    return focus(page)
