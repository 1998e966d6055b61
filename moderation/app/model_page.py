"""The model page: the card of the model in use, with its plots."""

import re
from pathlib import Path

import streamlit as st

from moderation.app import markup
from moderation.app.state import Desk, page

_PICTURE = re.compile(r"^!\[(?P<title>[^\]]*)\]\((?P<path>[\w./-]+)\)$", re.M)


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    if desk.why_no_model:
        st.html(markup.title_line("No model"))
        st.html(markup.notice(desk.why_no_model, tone="warning"))
        st.code("python -m moderation.train", language="bash")
        return
    card = desk.settings.model.with_suffix(".md")
    if not card.exists():
        missing = f"The model has no card: {card} is missing. Train again."
        st.html(markup.notice(missing, tone="warning"))
        return
    _show_card(card.read_text(encoding="utf-8"), card.parent)


def _show_card(card: str, folder: Path) -> None:
    at = 0
    for picture in _PICTURE.finditer(card):
        if words := card[at : picture.start()].strip():
            st.markdown(words)
        path = folder / picture["path"]
        if path.is_file():
            st.image(str(path), caption=picture["title"], width=720, alt=picture["title"])
        at = picture.end()
    st.markdown(card[at:])
