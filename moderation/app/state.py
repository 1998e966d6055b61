"""What the pages share: settings, database, model, and the comments of the data folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from moderation import review
from moderation.app.markup import escape_markdown
from moderation.artifacts import load_model
from moderation.captures import latest_states
from moderation.comments import Comment
from moderation.errors import ModelError, ModerationError
from moderation.model import Scorer
from moderation.parsers import find_files, read_comments
from moderation.policy import Policy, propose_policy
from moderation.settings import Settings, read_settings
from moderation.tables import create_session_factory


@dataclass(frozen=True)
class Desk:
    """What a page works with."""

    settings: Settings
    sessions: sessionmaker[Session]
    scorer: Scorer | None
    why_no_model: str | None

    @property
    def policy(self) -> Policy:
        if self.scorer is None:
            return Policy(())
        return propose_policy(self.scorer.thresholds, attribute=self.scorer.attribute)

    @property
    def moderator(self) -> str:
        return str(st.session_state.get("moderator", "")).strip()


def open_desk() -> Desk:
    """Return the desk, or say what is missing and end the page."""
    settings = read_settings()
    try:
        sessions = _open_database(settings.database_url)
        scorer, why_no_model = _open_model(settings.model)
        with st.spinner("Reading the comments in the data folder…"):
            _fill(settings.database_url, settings.data, scorer.version if scorer else None, scorer)
    except ModerationError as error:
        st.error(escape_markdown(str(error)))
        st.stop()
    except SQLAlchemyError as error:
        st.error(
            f"The database does not answer ({type(error).__name__}). Check that it runs and that "
            "MODERATION_DATABASE_URL names it, then reload this page."
        )
        st.stop()
    return Desk(settings, sessions, scorer, why_no_model)


def now() -> datetime:
    """Return the time of a click."""
    return datetime.now(UTC)


@st.cache_resource(show_spinner=False)
def _open_database(url: str) -> sessionmaker[Session]:
    return create_session_factory(url)


def _open_model(path: Path) -> tuple[Scorer | None, str | None]:
    try:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _load(str(path), changed), None
    except ModelError as error:
        return None, str(error)


@st.cache_resource(show_spinner="Loading the model…", max_entries=1)
def _load(path: str, changed: int) -> Scorer:
    return load_model(path)


@st.cache_resource(show_spinner=False, max_entries=1)
def _fill(url: str, data: Path, version: str | None, _scorer: Scorer | None) -> None:
    """Store the comments of the data folder and score those that wait, once for each model."""
    with _open_database(url)() as session:
        if data.is_dir():
            review.add_comments(session, latest_states(_read_folder(data)))
        if _scorer is not None:
            review.score_waiting(session, _scorer)
        session.commit()


def _read_folder(folder: Path) -> Iterator[Comment]:
    for path in find_files([folder]):
        try:
            yield from read_comments(path)
        except ModerationError as error:
            st.warning(escape_markdown(f"Not read: {error}"))
