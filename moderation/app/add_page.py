"""The page where pages and exports are uploaded, parsed, looked at and put into the queue."""

from itertools import groupby
from typing import IO

import streamlit as st

from moderation import review
from moderation.app import markup
from moderation.app.state import Desk, click, judge, now, page, show_message, tell
from moderation.captures import latest_states
from moderation.comments import Comment
from moderation.errors import ModerationError
from moderation.parsers import FILE_ENDINGS, read_comments

PREVIEWED = 100
_ROUND = "round"


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    st.html(markup.title_line("Add comments"))
    st.write(
        "Saved article pages, or tables as CSV, JSON Lines or Parquet. What is published or "
        "pending waits for review afterwards; of two captures of a page the later one counts."
    )
    show_message()
    endings = sorted(ending.removeprefix(".") for ending in FILE_ENDINGS)
    # Under another key the uploader is empty again: what was added is not offered twice.
    key = f"files-{st.session_state.get(_ROUND, 0)}"
    files = st.file_uploader("Files", type=endings, accept_multiple_files=True, key=key)
    columns = _name_columns()
    comments = [comment for file in files for comment in _read(file, columns)]
    if comments:
        label = "Add 1 comment" if len(comments) == 1 else f"Add {len(comments)} comments"
        st.button(label, type="primary", key="add", on_click=_add, args=(desk, comments))
        _preview(comments)


def _name_columns() -> dict[str, str]:
    """Return the columns that the moderator names, by the field they fill."""
    with st.expander("Tables with unusual column names"):
        given = {
            "text": st.text_input("Column with the comment's text"),
            "status": st.text_input("Column with what became of it"),
            "article_title": st.text_input("Column with the article's title"),
        }
    return {field: column.strip() for field, column in given.items() if column.strip()}


def _read(file: IO[bytes], columns: dict[str, str]) -> list[Comment]:
    try:
        reading = read_comments(file, columns=columns)
        comments = list(reading)
    except ModerationError as error:
        st.html(markup.notice(str(error), tone="error"))
        return []
    st.html(markup.quiet(reading.summary()))
    return comments


def _preview(comments: list[Comment]) -> None:
    if len(comments) > PREVIEWED:
        st.html(markup.quiet(f"The first {PREVIEWED} of {len(comments)}:"))
    with st.container(height=520, border=False):
        for heading, group in groupby(comments[:PREVIEWED], key=markup.article_line):
            cards = (markup.comment_card(comment, role="around") for comment in group)
            st.html(heading + "".join(cards))


def _add(desk: Desk, comments: list[Comment]) -> None:
    with click(desk) as session:
        counts = review.add_comments(session, latest_states(comments), added_at=now())
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        tell(
            f"{counts.new} new, {counts.updated} updated, {counts.unchanged} known already; "
            f"{review.count_waiting(session)} in the queue now.",
            tone="done",
        )
    judge(desk)
