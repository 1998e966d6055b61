"""The page where many comments are decided at once: first counted, and some of them read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.actions import FOUND_GROUPS, leave_list
from moderation.app.state import Desk, click, now, page, show_message, tell
from moderation.policy import Action
from moderation.review import MOST_AT_ONCE, Filters, alike

SAMPLE: Final = 20
"""Comments that are shown before they are decided with the others."""
GROUPS: Final = 25
GROUPED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How old groups may be: among copies by the ten thousand, finding them takes seconds."""
_BY_COPIES, _BY_SCORE, _BY_AUTHOR, _BY_WORDS = (
    "near-duplicates",
    "a score range",
    "an author",
    "a search",
)


@dataclass(frozen=True)
class Chosen:
    """What is to be decided at once, each comment once, how it was found, and when it was shown."""

    keys: tuple[str, ...]
    by: str
    shown_at: datetime


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    st.html(markup.title_line("Many at once"))
    show_message()
    if not desk.leads:
        st.html(markup.notice("Bulk actions are for those who lead.", tone="warning"))
        return
    with desk.store.reading() as session:
        _draw_undo(desk, session)
        chosen_by = st.radio(
            "Choose the comments by",
            [_BY_COPIES, _BY_SCORE, _BY_AUTHOR, _BY_WORDS],
            horizontal=True,
        )
        keys = _ask_keys(desk, session, str(chosen_by))
        if keys:
            _draw_actions(desk, keys, str(chosen_by))
            _draw_sample(desk, session, keys)


def _draw_undo(desk: Desk, session: Session) -> None:
    last = review.last_undoable(session, decided_by=desk.moderator)
    if last is not None and last.bulk_id is not None:
        st.button("Undo the last bulk action", key="undo-bulk", on_click=_undo, args=(desk,))


def _ask_keys(desk: Desk, session: Session, chosen_by: str) -> list[str]:
    """Return the keys of what is to be decided, and say where there are none."""
    if chosen_by == _BY_COPIES:
        return _ask_group(session)
    filters = _ask_filters(chosen_by)
    if not filters:
        st.html(markup.quiet("Say which, and the comments are counted."))
        return []
    keys = review.list_keys(
        session, desk.scorer, moderator=desk.moderator, filters=filters, limit=MOST_AT_ONCE
    )
    if not keys:
        st.html(markup.quiet("Nothing that waits matches."))
    return keys


def _find_groups(session: Session) -> list[list[str]]:
    """Return the largest groups of near-duplicates, as of a minute ago at most."""
    made_at, groups = st.session_state.get(FOUND_GROUPS, (None, []))
    if made_at is None or now() - made_at > GROUPED_AGAIN_AFTER:
        groups = alike.group_waiting(session, limit=GROUPS)
        st.session_state[FOUND_GROUPS] = (now(), groups)
    return [list(group) for group in groups]


def _ask_group(session: Session) -> list[str]:
    groups = _find_groups(session)
    if not groups:
        st.html(markup.quiet("No two comments that wait are nearly the same."))
        return []
    words = {
        waiting.key: waiting.comment.text or ""
        for waiting in review.get_many(session, None, [group[0] for group in groups])
    }
    place = st.selectbox(
        "Nearly the same",
        range(len(groups)),
        format_func=lambda number: (
            f"{len(groups[number])} × {markup.shorten(words.get(groups[number][0], ''), length=70)}"
        ),
    )
    return list(groups[place])


def _ask_filters(chosen_by: str) -> Filters:
    if chosen_by == _BY_SCORE:
        least, most = st.slider(
            "Score, at the site's own rate of removals", 0, 100, (0, 0), format="%d%%"
        )
        if (least, most) == (0, 0):
            return Filters()
        return Filters(least=least / 100, most=most / 100)
    if chosen_by == _BY_AUTHOR:
        return Filters(author=st.text_input("Author, the whole name") or None)
    return Filters(words=st.text_input("Words, anywhere in the text"))


def _draw_actions(desk: Desk, keys: Sequence[str], chosen_by: str) -> None:
    chosen = Chosen(tuple(keys), chosen_by, now())
    count = "1 comment" if len(keys) == 1 else f"{len(keys):,} comments"
    most = f" (at most {MOST_AT_ONCE:,} at once)" if len(keys) == MOST_AT_ONCE else ""
    with st.container(border=True):
        st.html(markup.quiet(f"{count} that wait{most}. One undo takes all of it back."))
        note = st.text_input("Reason, kept with each decision", max_chars=200)
        rule = st.selectbox("Rule of the house, for a removal", desk.house.house_rules)
        with st.container(horizontal=True):
            st.button(
                f"Approve {count}",
                on_click=_decide,
                args=(desk, chosen, Action.APPROVE, None, note),
            )
            st.button(
                f"Remove {count}",
                type="primary",
                on_click=_decide,
                args=(desk, chosen, Action.REMOVE, rule, note),
            )


def _draw_sample(desk: Desk, session: Session, keys: Sequence[str]) -> None:
    drawn = keys
    if len(keys) > SAMPLE:
        drawn = Random(len(keys)).sample(list(keys), SAMPLE)
        st.html(markup.quiet(f"{SAMPLE} of them, drawn at random:"))
    shown = review.get_many(session, desk.scorer, drawn)
    st.html("".join(markup.comment_card(waiting.comment, role="around") for waiting in shown))


def _decide(desk: Desk, chosen: Chosen, action: Action, rule: str | None, note: str) -> None:
    with click(desk) as session:
        bulk = review.decide_bulk(
            session,
            chosen.keys,
            action,
            chosen_by=chosen.by,
            decided_by=desk.moderator,
            decided_at=now(),
            house_rule=rule,
            house_rules=desk.house.house_rules,
            scorer=desk.scorer,
            note=note.strip() or None,
            shown_at=chosen.shown_at,
        )
        done = "approved" if action is Action.APPROVE else f"removed: {rule}"
        left = len(chosen.keys) - bulk.comments
        left_out = f"; {left:,} left out, decided or on a screen meanwhile" if left else ""
        tell(f"{bulk.comments:,} {done}{left_out}.", tone="done")
        leave_list()


def _undo(desk: Desk) -> None:
    with click(desk) as session:
        rows = review.undo(session, decided_by=desk.moderator, decided_at=now())
        tell(f"Undone: {len(rows):,} comments wait again.", tone="done")
        leave_list()
