"""What the pages share: settings, database, model, policy, and the comments of the data folder."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.people import find_member
from moderation.app.style import STYLE
from moderation.captures import latest_states
from moderation.comments import Comment
from moderation.database import Store, mask_password, open_store
from moderation.errors import ModelError, ModerationError, ReviewError, SourceError
from moderation.languages import detect_languages
from moderation.parsers import find_files, read_comments
from moderation.policy import Policy, propose_policy
from moderation.policy.usable import read_usable_policy
from moderation.releases import load_in_use
from moderation.review import House, Member
from moderation.review.held import Detect
from moderation.scorer import Scorer
from moderation.settings import Settings, read_settings

LOOKED_AGAIN_AFTER: Final = 3.0
"""Seconds after which new files are looked for in the data folder again."""
OPENED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How long somebody works by keyboard on the model, the settings and the role they opened with."""
_MESSAGE = "message"


@dataclass(frozen=True)
class Desk:
    """What a page works with."""

    settings: Settings
    store: Store
    scorer: Scorer | None
    why_no_model: str | None
    policy: Policy
    why_no_policy: str | None
    """What is wrong with the policy that was named; `policy` is what the model suggests then."""
    member: Member | None
    house: House
    unread: tuple[str, ...]
    """What could not be read in the data folder, and why."""
    opened_at: datetime

    @property
    def moderator(self) -> str:
        return self.member.name if self.member else ""

    @property
    def detect(self) -> Detect:
        return detect_languages

    @property
    def decides(self) -> bool:
        return self.member is not None and self.member.decides

    @property
    def leads(self) -> bool:
        return self.member is not None and self.member.leads


def page(draw: Callable[[Desk], None]) -> Callable[[], None]:
    """Return what opens the desk and draws a page, or says what stands in the way."""

    @functools.wraps(draw)
    def show() -> None:
        st.html(STYLE)
        settings = read_settings()
        with saying_why(settings):
            draw(open_desk(settings))

    return show


@contextlib.contextmanager
def saying_why(settings: Settings) -> Iterator[None]:
    """Say on the page what stands in the way of drawing it, or a part that is drawn by itself."""
    try:
        yield
    except ModerationError as error:
        st.html(markup.notice(str(error), tone="error"))
    except SQLAlchemyError as error:
        st.html(markup.notice(_no_answer(settings, error), tone="error"))


@contextlib.contextmanager
def click(desk: Desk) -> Iterator[Session]:
    """Open the session of one click; where it fails, nothing is stored and the page says why."""
    try:
        with desk.store.writing() as session:
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


def open_desk(settings: Settings) -> Desk:
    """
    Return the desk as it is at this moment.

    Raises:
        ReviewError: the database cannot be opened.

    """
    store = _open_database(settings.database_url)
    scorer, why_no_model = _open_model(settings.model)
    policy, why_no_policy = _open_policy(settings.policy, scorer)
    files = _find_files(str(settings.data))
    version = review.name_judge(scorer, policy) if scorer else None
    unread = _fill(settings.database_url, files, version, scorer, policy)
    with store.reading() as session:
        house = review.read_house(session)
    member = find_member(store, settings)
    return Desk(
        settings, store, scorer, why_no_model, policy, why_no_policy, member, house, unread, now()
    )


def judge(desk: Desk) -> None:
    """Score and judge all that waits and is not yet; others can decide in between."""
    _judge(desk.store, desk.scorer, desk.policy)


def _no_answer(settings: Settings, error: SQLAlchemyError) -> str:
    """Say that the database failed; what it said itself may quote a comment."""
    return (
        f"{mask_password(settings.database_url)}: the database does not answer "
        f"({type(error).__name__}). Check that it runs and that MODERATION_DATABASE_URL names it, "
        "then reload this page; where the file was deleted, start the app again."
    )


@st.cache_resource(show_spinner=False)
def _open_database(url: str) -> Store:
    return open_store(url)


def _open_model(path: Path) -> tuple[Scorer | None, str | None]:
    try:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _load(str(path), changed), None
    except ModelError as error:
        return None, str(error)


def _open_policy(path: Path | None, scorer: Scorer | None) -> tuple[Policy, str | None]:
    """Return the policy that is named, or what the model suggests where that one has mistakes."""
    suggested = Policy(())
    if scorer is not None:
        suggested = propose_policy(scorer.thresholds, attribute=scorer.attribute)
    if path is None:
        return suggested, None
    try:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        version = scorer.version if scorer else None
        return _read_policy(str(path), changed, version, scorer), None
    except ModerationError as error:
        return suggested, str(error)


@st.cache_resource(show_spinner=False, max_entries=1)
def _read_policy(path: str, changed: int, version: str | None, _scorer: Scorer | None) -> Policy:
    return read_usable_policy(Path(path), _scorer)


@st.cache_resource(
    show_spinner="Loading the model… The first time after installing takes up to a minute.",
    max_entries=1,
)
def _load(path: str, changed: int) -> Scorer:
    scorer = load_in_use(Path(path))
    scorer.explain("")  # loops not compiled yet are compiled now, while the page says so
    scorer.score_attributes([""])
    return scorer


@st.cache_data(show_spinner=False, ttl=LOOKED_AGAIN_AFTER)
def _find_files(folder: str) -> tuple[tuple[str, int], ...]:
    """Return the files to read with the times of their last change: what is new is read again."""
    try:
        found = find_files([Path(folder)]) if Path(folder).is_dir() else []
    except SourceError:  # a folder without pages or tables in it: the app opens empty
        return ()
    return tuple((str(path), path.stat().st_mtime_ns) for path in found)


@st.cache_resource(show_spinner="Reading the comments in the data folder…", max_entries=1)
def _fill(
    url: str,
    files: tuple[tuple[str, int], ...],
    version: str | None,
    _scorer: Scorer | None,
    _policy: Policy,
) -> tuple[str, ...]:
    """Store the comments of the data folder, judge those that wait, and say what was not read."""
    unread: list[str] = []
    store = _open_database(url)
    with store.writing() as session:
        review.add_comments(session, latest_states(_read(files, unread)), added_at=now())
    _judge(store, _scorer, _policy)
    return tuple(unread)


def _judge(store: Store, scorer: Scorer | None, policy: Policy) -> None:
    due = scorer is not None
    while due:
        assert scorer is not None
        with store.writing() as session:
            due = review.judge_waiting(session, scorer, policy, detect=detect_languages) > 0


def _read(files: tuple[tuple[str, int], ...], unread: list[str]) -> Iterator[Comment]:
    for path, _ in files:
        try:
            yield from read_comments(path)
        except ModerationError as error:
            unread.append(str(error))
