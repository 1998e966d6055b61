"""The review page: one comment, its thread, its score and why, and what to do with it."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from moderation import review
from moderation.app import actions, card, markup
from moderation.app.actions import Copies
from moderation.app.breaks import remind_of_break
from moderation.app.state import (
    OPENED_AGAIN_AFTER,
    Desk,
    now,
    page,
    saying_why,
    show_message,
)
from moderation.app.style import FOCUS, HELP_KEY
from moderation.app.worklist import Work, count_arrived, ensure_focus, find_work
from moderation.database import Store
from moderation.policy import Action, Cause, Verdict
from moderation.review import ESCALATED, Evidence, Filters, Order, Waiting

RECENT: Final = 8
_ANY: Final = "any"
KEYS: Final = {
    "f": "approve",
    "d": "remove: then a digit says why; the digit alone does the same",
    "1–9": "remove for that rule of the house",
    "j": "next comment; this one comes again at the end of the list",
    "k": "the one before that still waits",
    "u": "undo, as often as you like; a bulk action is undone as one",
    "e": "hand it to a second moderator, with a note",
    "s": "show what is blurred or masked",
    "n": "take in what has arrived since the list was made",
    "t": "another order",
    "z": "focus: only the comment and the buttons",
    "?": "this help",
}


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    work = find_work()
    with st.sidebar:
        _draw_filters(desk, work)
    _draw(desk, work)


@st.fragment
def _draw(desk: Desk, work: Work) -> None:
    """Draw all that a key can change: only this is run again at the next one."""
    if now() - desk.opened_at > OPENED_AGAIN_AFTER:
        st.rerun()
    with saying_why(desk.settings):
        ensure_focus(desk, work)
        waiting = _find_waiting(desk, work)
        if work.focus and waiting is None:  # decided elsewhere since it was claimed
            work.focus = None
            ensure_focus(desk, work)
            waiting = _find_waiting(desk, work)
        with desk.store.reading() as session:
            if waiting is None:
                _draw_messages(desk)
                _draw_nothing(desk, session, work)
            else:
                _draw_desk(desk, session, work, waiting)


def _find_waiting(desk: Desk, work: Work) -> Waiting | None:
    if work.focus is None:
        return None
    with desk.store.reading() as session:
        return review.get_waiting(session, desk.scorer, work.focus)


def _draw_desk(desk: Desk, session: Session, work: Work, waiting: Waiting) -> None:
    """Draw first what is read and pressed first; at last read ahead what comes next."""
    read = card.read(desk, session, waiting)
    opinion, revealed = read.opinion, actions.is_marked(actions.REVEALED, work)
    version = desk.scorer.version if desk.scorer else None
    evidence = Evidence(waiting.score, version, opinion.verdict or Verdict(Action.APPROVE),
                        text=waiting.comment.text)  # fmt: skip
    with st.container(key="desk"):
        reading, deciding = st.columns([0.64, 0.36], gap="large")
    with reading:
        _draw_messages(desk)
        card.draw_thread(desk, read, revealed=revealed)
    with deciding:
        with st.container(key="actions"):
            _draw_buttons(desk, session, work, waiting, evidence)
            offer = st.container()
        if st.session_state.get(actions.HELPED):
            st.html(markup.part("Keys") + markup.keys(KEYS))
        card.draw_reasons(desk, waiting, opinion, revealed=revealed)
    with offer:
        _draw_copies(desk, work, card.find_copies(desk, session, waiting))
    if st.session_state.get(actions.FOCUSED):
        st.html(FOCUS)
    else:
        _draw_surroundings(desk, session, work, waiting, reading, deciding)
    if work.list is not None and work.place + 1 < len(work.list.keys):
        card.prepare(desk, session, work.list.keys[work.place + 1])


def _draw_surroundings(
    desk: Desk,
    session: Session,
    work: Work,
    waiting: Waiting,
    reading: DeltaGenerator,
    deciding: DeltaGenerator,
) -> None:
    with reading:
        _draw_list(desk, session, work)
        card.draw_precedents(desk, session, waiting)
        card.draw_past(desk, session, waiting)
    with deciding:
        _draw_recent(desk, session)


def _draw_messages(desk: Desk) -> None:
    if desk.why_no_model:
        st.html(markup.notice(f"No scores: {desk.why_no_model}", tone="warning"))
    if desk.why_no_policy:
        st.html(markup.notice(f"Policy not used: {desk.why_no_policy}", tone="warning"))
    show_message()
    remind_of_break(desk)


def _draw_nothing(desk: Desk, session: Session, work: Work) -> None:
    if work.filters:
        st.html(markup.title_line("Nothing that waits matches the filters"))
        st.write("Clear them on the left to see the rest of the queue.")
    elif waiting := review.count_waiting(session):
        st.html(markup.title_line("Nothing is free for you now"))
        st.write(f"{waiting} wait, on other moderators' screens or for a second moderator.")
    elif review.count_comments(session):
        st.html(markup.title_line("Nothing waits for you"))
        st.write("All comments here are decided.")
    else:
        st.html(markup.title_line("No comments yet"))
    _undo_button(desk, session, work)
    _draw_recent(desk, session)
    st.write(
        f"Put saved pages or exports into the folder `{desk.settings.data}` and reload this page, "
        "or add them on the page **Add comments**."
    )


def _draw_buttons(
    desk: Desk,
    session: Session,
    work: Work,
    waiting: Waiting,
    evidence: Evidence,
) -> None:
    """Draw the actions; their keys carry the comment's, so that a late click is known as one."""
    key, turn, mute = waiting.key, work.turn, not desk.decides
    here = f"{turn}-{key}"
    _say_who_decides(desk)
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Approve", key=f"approve-{here}", shortcut="f", type="primary", disabled=mute,
                  on_click=actions.decide,
                  args=(desk, key, turn, Action.APPROVE, None, evidence))  # fmt: skip
        st.button("Remove", key=f"remove-{here}", shortcut="d", disabled=mute,
                  on_click=actions.mark, args=(actions.REMOVING, key, turn))  # fmt: skip
        _undo_button(desk, session, work)
        st.button("Next", key=f"next-{here}", shortcut="j", on_click=actions.turn_after,
                  args=(desk, key, turn))  # fmt: skip
        st.button("Back", key=f"back-{here}", shortcut="k", on_click=actions.turn_before,
                  args=(desk, key, turn))  # fmt: skip
    removing = actions.is_marked(actions.REMOVING, work)
    st.html(markup.remove_because(removing))
    with st.container(horizontal=True, gap="xsmall"):
        for digit, rule in enumerate(desk.house.house_rules, 1):
            removal = (desk, key, turn, Action.REMOVE, rule, evidence)
            st.button(rule, key=f"remove-{digit}-{here}", shortcut=str(digit), disabled=mute,
                      on_click=actions.decide, args=removal)  # fmt: skip
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Hand on", key=f"escalate-{here}", shortcut="e", disabled=mute,
                  on_click=actions.mark, args=(actions.ESCALATING, key, turn))  # fmt: skip
        st.button("Show", key=f"show-{here}", shortcut="s", on_click=actions.mark,
                  args=(actions.REVEALED, key, turn))  # fmt: skip
        st.button("Focus", key="focus", shortcut="z", on_click=actions.toggle,
                  args=(actions.FOCUSED,))  # fmt: skip
        st.button("Help ?", key="help", on_click=actions.toggle, args=(actions.HELPED,))
    if actions.is_marked(actions.ESCALATING, work):
        st.text_area("What is the second moderator to look at?", key=f"{actions.NOTE}-{turn}",
                     max_chars=1000)  # fmt: skip
        st.button("Hand it on", key=f"escalated-{here}", on_click=actions.escalate,
                  args=(desk, key, turn, evidence))  # fmt: skip
    st.html(HELP_KEY, unsafe_allow_javascript=True)


def _draw_copies(desk: Desk, work: Work, copies: Sequence[str]) -> None:
    """Offer to decide the near-duplicates that wait as well."""
    if not copies or not desk.leads:
        return
    these = "1 near-duplicate" if len(copies) == 1 else f"{len(copies)} near-duplicates"
    st.checkbox(f"Decide its {these} alike", key=f"{actions.COPIES}-{work.turn}")
    st.session_state[actions.COPIED] = Copies(work.turn, tuple(copies), now())


def _say_who_decides(desk: Desk) -> None:
    if desk.member is None:
        st.html(markup.notice("Type your name on the left to decide.", tone="warning"))
    elif not desk.decides:
        read_only = "You may read. Whoever leads can let you decide, on the page Settings."
        st.html(markup.notice(read_only, tone="warning"))


def _undo_button(desk: Desk, session: Session, work: Work) -> None:
    last = review.last_undoable(session, decided_by=desk.moderator) if desk.decides else None
    st.button("Undo", key=f"undo-{work.turn}", shortcut="u", disabled=last is None,
              on_click=actions.undo, args=(desk,))  # fmt: skip


def _draw_list(desk: Desk, session: Session, work: Work) -> None:
    """Draw where the comment stands in the list, and what has arrived since it was made."""
    assert work.list is not None
    listed = f"{work.place + 1} of {len(work.list.keys)}"
    if work.list.waiting > len(work.list.keys):
        listed += f" listed, {work.list.waiting:,} in all"
    arrived = count_arrived(desk, session, work)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.html(markup.quiet(f"{listed} · {work.order} first"))
        st.button("Another order", key="order", shortcut="t", on_click=actions.change_order)
        label = f"Take in {arrived:,} new" if arrived else "Nothing new"
        st.button(label, key="arrived", shortcut="n", disabled=not arrived,
                  on_click=actions.take_in, args=(desk,))  # fmt: skip


def _draw_recent(desk: Desk, session: Session) -> None:
    if done := actions.show_done():
        st.html(markup.quiet(f"{done}. u takes it back."))
    recent = review.recent_decisions(session, limit=RECENT, decided_by=desk.moderator)
    lines = markup.bullets(card.in_short(desk, comment, decision) for decision, comment in recent)
    title = markup.part("Your latest decisions" if recent else "No decisions of yours yet")
    st.html(f'{title}<div class="mod-recent">{lines}</div>')
    if desk.unread:
        with st.expander(f"Files not read: {len(desk.unread)}"):
            st.html(markup.bullets(desk.unread))


def _draw_filters(desk: Desk, work: Work) -> None:
    """Ask for the order and what to see; a change makes a new list."""
    st.session_state.setdefault(actions.ORDER, str(work.order))
    named = st.selectbox("First", [str(order) for order in Order], key=actions.ORDER)
    order = Order(named)
    with st.expander("Filters", expanded=bool(work.filters)):
        filters = _ask_filters(desk)
    if (order, filters) != (work.order, work.filters):
        work.order, work.filters = order, filters
        work.list, work.focus = None, None


def _ask_filters(desk: Desk) -> Filters:
    choices = _find_choices(desk)
    words = st.text_input("Words", key="filter-words", help="anywhere in the text")
    article = st.selectbox("Article", [_ANY, *choices["article"]], key="filter-article")
    author = st.text_input("Author", key="filter-author", help="the whole name")
    rule = st.selectbox("Rule that fired", [_ANY, *choices["rule"]], key="filter-rule")
    reasons = [_ANY, ESCALATED, *map(str, Cause)]
    reason = st.selectbox("Why it waits", reasons, key="filter-reason")
    least, most = st.slider("Score", 0, 100, (0, 100), key="filter-score", format="%d%%")
    since = st.date_input("Written from", value=None, key="filter-since")
    until = st.date_input("Written until", value=None, key="filter-until")
    return Filters(
        article=None if article == _ANY else article,
        author=author or None,
        rule=None if rule == _ANY else rule,
        reason=None if reason == _ANY else reason,
        least=least / 100 if least else None,
        most=most / 100 if most < 100 else None,
        since=datetime.combine(since, time(), UTC) if since else None,
        until=datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None,
        words=words,
    )


def _find_choices(desk: Desk) -> dict[str, list[str]]:
    return _read_choices(desk.settings.database_url, desk.store)


@st.cache_data(show_spinner=False, ttl=60)
def _read_choices(url: str, _store: Store) -> dict[str, list[str]]:
    with _store.reading() as session:
        return review.find_choices(session)
