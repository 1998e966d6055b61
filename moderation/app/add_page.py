"""The page where pages and exports are uploaded, parsed, looked at and put into the queue."""

from typing import IO

import streamlit as st

from moderation import review
from moderation.app.markup import escape_markdown
from moderation.app.state import Desk, open_desk
from moderation.captures import latest_states
from moderation.comments import Comment
from moderation.errors import ModerationError
from moderation.frames import to_frame
from moderation.parsers import FILE_ENDINGS, read_comments

PREVIEWED = 200


def show() -> None:
    """Draw the page."""
    desk = open_desk()
    st.title("Add comments")
    st.write(
        "Saved article pages, or tables as CSV, JSON Lines or Parquet. What is published or "
        "pending waits for review afterwards; of two captures of a page the later one counts."
    )
    endings = sorted(ending.removeprefix(".") for ending in FILE_ENDINGS)
    files = st.file_uploader("Files", type=endings, accept_multiple_files=True)
    comments = [comment for file in files for comment in _read(file)]
    if comments:
        st.dataframe(to_frame(comments[:PREVIEWED]), hide_index=True, height=360)
        if len(comments) > PREVIEWED:
            st.caption(f"The first {PREVIEWED} of {len(comments)}.")
        if st.button(f"Add {len(comments)} comments", type="primary", key="add"):
            _add(desk, comments)


def _read(file: IO[bytes]) -> list[Comment]:
    try:
        reading = read_comments(file)
        comments = list(reading)
    except ModerationError as error:
        st.error(escape_markdown(str(error)))
        return []
    st.write(escape_markdown(reading.summary()))
    return comments


def _add(desk: Desk, comments: list[Comment]) -> None:
    with st.spinner("Adding and scoring…"), desk.sessions.begin() as session:
        counts = review.add_comments(session, latest_states(comments))
        if desk.scorer is not None:
            review.score_waiting(session, desk.scorer)
        waiting = review.count_waiting(session)
    st.success(
        f"{counts.new} new, {counts.updated} updated, {counts.unchanged} known already. "
        f"{waiting} comments wait now."
    )
