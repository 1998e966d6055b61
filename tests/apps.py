"""The review desk run by Streamlit's own harness: its folders, what it shows, its buttons."""

import html
import re
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from moderation import review
from moderation.app import state
from moderation.database import open_store

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "data/inbox/hospital-parking-20261118T1155Z.html"
PATIENCE = 300
"""Seconds after which a page hangs; a busy machine may well need a tenth of them."""
TABLE = (
    "id,text,article_id,created_at\n"
    "1,a quiet remark,a,2026-03-01T12:00Z\n"
    "2,another one,a,2026-03-01T12:05Z\n"
)


class Desk:
    """The app in folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.model = folder / "model.joblib"
        self.database = folder / "store" / "review.db"
        self.folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def put(self, name: str, content: str = TABLE) -> Path:
        self.data.mkdir(exist_ok=True)
        (self.data / name).write_text(content, encoding="utf-8")
        return self.data / name

    def open(self, page: str = "") -> AppTest:
        script = REPOSITORY / "streamlit_app.py"
        if page:
            script = self.folder / f"{page}.py"
            script.write_text(
                f"from moderation.app import {page}, people\npeople.ask_who()\n{page}.show()\n"
            )
        return AppTest.from_file(str(script), default_timeout=PATIENCE).run()

    def count_waiting(self) -> int:
        with open_store(self.url).reading() as session:
            return review.count_waiting(session)

    def decisions(self) -> list[tuple[str, str, str | None]]:
        with open_store(self.url).reading() as session:
            recent = review.recent_decisions(session, limit=99)
        return [(d.action.value, d.decided_by, d.house_rule) for d, _ in reversed(recent)]


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setenv("MODERATION_DATA", str(desk.data))
    monkeypatch.setenv("MODERATION_MODEL", str(desk.model))
    monkeypatch.setenv("MODERATION_DATABASE_URL", desk.url)
    monkeypatch.delenv("MODERATION_MODERATOR", raising=False)
    forget_what_is_cached(monkeypatch)
    return desk


def forget_what_is_cached(monkeypatch) -> None:
    """Open everything anew, and look for new files at every click."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr(state, "_find_files", state._find_files.__wrapped__)


@pytest.fixture
def scored(desk, trained) -> Desk:
    for ending in (".joblib", ".json", ".md"):
        shutil.copy(trained.with_suffix(ending), desk.model.with_suffix(ending))
    shutil.copytree(trained.with_suffix(""), desk.model.with_suffix(""))
    return desk


def shown(app: AppTest) -> str:
    """Return the words on the page, without markup."""
    assert not app.exception
    bodies = [element.proto.body for element in app.html if "<style>" not in element.proto.body]
    bodies += [element.value for element in (*app.markdown, *app.code)]
    return html.unescape(re.sub(r"<[^>]*>", " ", "\n".join(bodies)))


def focus(app: AppTest) -> str | None:
    """Return the id of the comment that is to be decided on."""
    found = (re.search(r'focus" data-comment="(\w+)"', h.proto.body) for h in app.html)
    return next((match[1] for match in found if match), None)


def press(app: AppTest, label: str) -> AppTest:
    [button] = [button for button in app.button if button.label == label]
    assert not button.disabled
    return button.click().run()
