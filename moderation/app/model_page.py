"""The model page: the card of the model in use, with its plots."""

import re
from pathlib import Path

import streamlit as st

from moderation.app.markup import escape_markdown
from moderation.app.state import open_desk

_PICTURE = re.compile(r"^!\[(?P<title>[^\]]*)\]\((?P<path>[\w./-]+)\)$", re.M)


def show() -> None:
    """Draw the page."""
    desk = open_desk()
    if desk.why_no_model:
        st.title("No model")
        st.write(escape_markdown(desk.why_no_model))
        st.code("python -m moderation.train", language="bash")
        return
    card = desk.settings.model.with_suffix(".md")
    if not card.exists():
        st.write(escape_markdown(f"The model has no card: {card} is missing. Train again."))
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
