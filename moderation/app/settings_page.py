"""The settings: how somebody is spared, the rules of the house, and who may do what."""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.people import forget_member
from moderation.app.state import Desk, click, now, page, show_message, tell
from moderation.review import Care, Member
from moderation.review.house import MOST_RULES
from moderation.tables import Role


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    st.html(markup.title_line("Settings"))
    show_message()
    if desk.member is None:
        st.html(markup.notice("Type your name on the left first.", tone="warning"))
        return
    yours, house, people = st.tabs(["Yours", "The house", "People"])
    with yours:
        _draw_care(desk, desk.member)
    with house:
        _draw_house(desk)
    with people:
        _draw_people(desk)


def _draw_care(desk: Desk, member: Member) -> None:
    care = member.care
    st.write("What spares you when comments are hard to read. It is yours alone.")
    with st.form("care", border=False):
        chosen = Care(
            blur=st.checkbox("Blur what scores high, until you ask for it (key s)", care.blur),
            blur_from=st.slider(
                "Blurred from a score of", 0, 100, round(care.blur_from * 100), format="%d%%"
            )
            / 100,
            mask=st.checkbox(
                "Show only the first letter of words that are abusive by themselves", care.mask
            ),
            grey=st.checkbox("Show emoji and pictures in grey", care.grey),
            break_after=int(
                st.number_input(
                    "Remind me of a break after so many minutes (0: never)",
                    0,
                    480,
                    care.break_after,
                )
            ),
            severe_in_a_row=int(
                st.number_input(
                    "At most so many high scores in a row, while others wait (0: no limit)",
                    0,
                    100,
                    care.severe_in_a_row,
                )
            ),
        )
        if st.form_submit_button("Save", key="save-care"):
            _save(desk, lambda session: review.change_care(session, member.name, chosen))


def _draw_house(desk: Desk) -> None:
    if not desk.leads:
        named = (f"{digit} {rule}" for digit, rule in enumerate(desk.house.house_rules, 1))
        st.html(markup.quiet("Set by those who lead.") + markup.bullets(named))
        return
    house = desk.house
    with st.form("house", border=False):
        rules = st.text_area(
            f"Rules of the house: one a line, up to {MOST_RULES}; their digits are their keys",
            "\n".join(house.house_rules),
            height="content",
        )
        share = st.slider(
            "Second opinions: this share of decisions goes blind to another moderator",
            0,
            50,
            round(house.second_share * 100),
            format="%d%%",
        )
        minutes = st.number_input(
            "A comment on a screen is kept from the others for so many minutes",
            1,
            1440,
            house.claim_minutes,
        )
        texts = st.number_input(
            "Erase the words of decided comments after so many days (0: keep them)",
            0,
            36500,
            house.retain_texts_days or 0,
        )
        authors = st.number_input(
            "Erase their authors' names after so many days (0: keep them)",
            0,
            36500,
            house.retain_authors_days or 0,
        )
        st.html(markup.quiet("What is due is erased by: python -m moderation.retention"))
        if st.form_submit_button("Save", key="save-house"):
            changes = {
                "house_rules": tuple(line.strip() for line in rules.splitlines() if line.strip()),
                "second_share": share / 100,
                "claim_minutes": int(minutes),
                "retain_texts_days": int(texts) or None,
                "retain_authors_days": int(authors) or None,
            }
            _save(
                desk,
                lambda session: review.change_house(
                    session, changes, changed_by=_lead(desk), changed_at=now()
                ),
            )


def _draw_people(desk: Desk) -> None:
    with desk.store.reading() as session:
        members = review.list_members(session)
    st.write(
        "Whoever signs in reads only, until somebody who leads gives another role: a moderator "
        "decides; a lead has bulk actions, settings and models as well."
    )
    for member, seen_at in members:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(markup.person(member.name, seen_at))
            st.selectbox(
                f"Role of {markup.as_label(member.name)}",
                list(Role),
                index=list(Role).index(member.role),
                key=f"role-{member.name}-{member.role}",
                format_func=str,
                disabled=not desk.leads,
                label_visibility="collapsed",
                on_change=_give_role,
                args=(desk, member),
                width=160,
            )


def _give_role(desk: Desk, member: Member) -> None:
    role = Role(st.session_state[f"role-{member.name}-{member.role}"])
    with click(desk) as session:
        review.give_role(session, member.name, role, given_by=_lead(desk))
        tell(f"{member.name}: {role}.", tone="done")
    forget_member()


def _lead(desk: Desk) -> Member:
    assert desk.member is not None
    return desk.member


def _save(desk: Desk, change: Callable[[Session], object]) -> None:
    with click(desk) as session:
        change(session)
        tell("Saved.", tone="done")
    forget_member()
    st.rerun()
