"""What the pages share: settings, database, model, and the comments of the data folder."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from moderation import review
from moderation.app import markup
from moderation.artifacts import load_model
from moderation.captures import latest_states
from moderation.comments import Comment
from moderation.errors import ModelError, ModerationError, ReviewError, SourceError
from moderation.parsers import find_files, read_comments
from moderation.policy import Policy, propose_policy
from moderation.scorer import Scorer
from moderation.settings import Settings, read_settings
from moderation.tables import create_session_factory, mask_password

_NAME, _MESSAGE = "moderator", "message"


@dataclass(frozen=True)
class Desk:
    """What a page works with."""

    settings: Settings
    sessions: sessionmaker[Session]
    scorer: Scorer | None
    why_no_model: str | None
    unread: tuple[str, ...]
    """What could not be read in the data folder, and why."""

    @property
    def policy(self) -> Policy:
        if self.scorer is None:
            return Policy(())
        return propose_policy(self.scorer.thresholds, attribute=self.scorer.attribute)

    @property
    def moderator(self) -> str:
        return str(st.session_state.get(_NAME, "")).strip()


def ask_for_name() -> None:
    """Draw the field with the moderator's name: on all pages, for one that is not drawn forgets."""
    st.sidebar.text_input(
        "Your name",
        value=read_settings().moderator or "moderator",
        key=_NAME,
        max_chars=64,
        bind="query-params",
        help="Each decision is recorded under it.",
    )


def page(draw: Callable[[Desk], None]) -> Callable[[], None]:
    """Return what opens the desk and draws a page, or says what stands in the way."""

    @functools.wraps(draw)
    def show() -> None:
        st.html(markup.STYLE)
        settings = read_settings()
        try:
            draw(_open_desk(settings))
        except ModerationError as error:
            st.html(markup.notice(str(error), tone="error"))
        except SQLAlchemyError as error:
            st.html(markup.notice(_no_answer(settings, error), tone="error"))

    return show


@contextlib.contextmanager
def click(desk: Desk) -> Iterator[Session]:
    """Open the session of one click; where it fails, nothing is stored and the page says why."""
    try:
        with desk.sessions.begin() as session:
            yield session
    except ReviewError as error:
        tell(str(error), tone="error")
    except SQLAlchemyError as error:
        tell(_no_answer(desk.settings, error), tone="error")


def tell(message: str, *, tone: str) -> None:
    """Keep what a click has to say until the page is drawn."""
    st.session_state[_MESSAGE] = markup.notice(message, tone=tone)


def show_message() -> None:
    """Draw what the last click had to say, once."""
    if message := st.session_state.pop(_MESSAGE, None):
        st.html(message)


def now() -> datetime:
    """Return the time of a click."""
    return datetime.now(UTC)


def _no_answer(settings: Settings, error: SQLAlchemyError) -> str:
    """Say that the database failed; what it said itself may quote a comment."""
    return (
        f"{mask_password(settings.database_url)}: the database does not answer "
        f"({type(error).__name__}). Check that it runs and that MODERATION_DATABASE_URL names it, "
        "then reload this page; where the file was deleted, start the app again."
    )


def _open_desk(settings: Settings) -> Desk:
    sessions = _open_database(settings.database_url)
    scorer, why_no_model = _open_model(settings.model)
    files = tuple(_files(settings.data))
    unread = _fill(settings.database_url, files, scorer.version if scorer else None, scorer)
    return Desk(settings, sessions, scorer, why_no_model, unread)


@st.cache_resource(show_spinner=False)
def _open_database(url: str) -> sessionmaker[Session]:
    return create_session_factory(url)


def _open_model(path: Path) -> tuple[Scorer | None, str | None]:
    try:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _load(str(path), changed), None
    except ModelError as error:
        return None, str(error)


@st.cache_resource(
    show_spinner="Loading the model… The first time after installing takes up to a minute.",
    max_entries=1,
)
def _load(path: str, changed: int) -> Scorer:
    scorer = load_model(path)
    scorer.explain("")  # loops not compiled yet are compiled now, while the page says so
    return scorer


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the files to read with the times of their last change: what is new is read again."""
    try:
        found = find_files([folder]) if folder.is_dir() else []
    except SourceError:  # a folder without pages or tables in it: the app opens empty
        return
    for path in found:
        yield str(path), path.stat().st_mtime_ns


@st.cache_resource(show_spinner="Reading the comments in the data folder…", max_entries=1)
def _fill(
    url: str, files: tuple[tuple[str, int], ...], version: str | None, _scorer: Scorer | None
) -> tuple[str, ...]:
    """Store the comments of the data folder, score those that wait, and say what was not read."""
    unread: list[str] = []
    with _open_database(url).begin() as session:
        review.add_comments(session, latest_states(_read(files, unread)))
        if _scorer is not None:
            review.score_waiting(session, _scorer)
    return tuple(unread)


def _read(files: tuple[tuple[str, int], ...], unread: list[str]) -> Iterator[Comment]:
    for path, _ in files:
        try:
            yield from read_comments(path)
        except ModerationError as error:
            unread.append(str(error))
