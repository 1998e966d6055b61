"""Who sits at the desk: signed in at the site's own provider, or one person by a name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from moderation import review
from moderation.app import markup
from moderation.database import Store
from moderation.errors import ReviewError
from moderation.review import Member
from moderation.settings import Settings, read_settings
from moderation.tables import Role

NAME: Final = "moderator"
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often somebody's presence is noted, and a new role taken up."""
_MEMBER: Final = "member"


def ask_who() -> None:
    """Draw who works here: on all pages, for a field that is not drawn forgets."""
    if not is_signed():
        st.sidebar.text_input(
            "Your name",
            value=read_settings().moderator or "moderator",
            key=NAME,
            max_chars=64,
            bind="query-params",
            help="Each decision is recorded under it.",
        )
        return
    if not st.user.is_logged_in:
        st.title("moderation")
        st.write("Sign in to review comments.")
        st.button("Sign in", type="primary", on_click=st.login)
        st.stop()
    with st.sidebar:
        st.html(markup.quiet(f"Signed in as {find_name()}"))
        st.button("Sign out", on_click=st.logout)


def is_signed() -> bool:
    """Tell whether people sign in at a provider: where Streamlit's secrets have a part `auth`."""
    return "is_logged_in" in st.user


def find_name() -> str:
    """Return the name that decisions are recorded under; empty where there is none."""
    if not is_signed():
        return str(st.session_state.get(NAME, "")).strip()
    if st.user.get("email_verified") is False:
        return ""  # anybody can claim an address that nobody has checked
    return str(st.user.get("email") or st.user.get("sub") or "").strip()


def find_member(store: Store, settings: Settings) -> Member | None:
    """
    Return whoever is at the desk, None where no name is known.

    One person with a name of their own leads. Who signs in is a lead where the settings say so;
    everybody else reads only, until a lead gives another role.
    """
    name, now = find_name(), datetime.now(UTC)
    if not name:
        return None
    kept = st.session_state.get(_MEMBER)
    if kept is not None and kept[0].name == name and now - kept[1] < SEEN_EVERY:
        return kept[0]  # type: ignore[no-any-return]
    always_leads = not is_signed() or name in settings.leads
    try:
        with store.writing() as session:
            default = Role.LEAD if always_leads else Role.READER
            member = review.sign_in(session, name, default=default, now=now)
    except ReviewError:
        return None
    if name in settings.leads:
        member = replace(member, role=Role.LEAD)
    st.session_state[_MEMBER] = (member, now)
    return member


def forget_member() -> None:
    """Look again who is at the desk, with which role."""
    st.session_state.pop(_MEMBER, None)
