"""Reminds of a break: reading abuse wears people down, and tired people decide otherwise."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from moderation.app import markup
from moderation.app.state import Desk, now

BREAK: Final = timedelta(minutes=5)
"""Away from the desk for so long is a break."""
_BEGAN, _SEEN = "work-began", "work-seen"


def remind_of_break(desk: Desk) -> None:
    """Draw a reminder once somebody has worked for as long as they wished to, without a break."""
    moment = now()
    began = _note_work(moment)
    if desk.member is None or not desk.member.care.break_after:
        return
    worked = moment - began
    if worked >= timedelta(minutes=desk.member.care.break_after):
        minutes = int(worked.total_seconds() // 60)
        st.html(
            markup.notice(
                f"You have read comments for {minutes} minutes. Five minutes away from them do "
                "good; this line goes by itself after that.",
                tone="warning",
            )
        )


def _note_work(moment: datetime) -> datetime:
    """Return when the present spell of work began."""
    seen: datetime | None = st.session_state.get(_SEEN)
    if seen is None or moment - seen >= BREAK:
        st.session_state[_BEGAN] = moment
    st.session_state[_SEEN] = moment
    began: datetime = st.session_state[_BEGAN]
    return began
