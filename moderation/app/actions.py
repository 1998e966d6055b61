"""What the buttons of the review page do: each click one call of `review`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app.people import SEEN_EVERY
from moderation.app.state import Desk, click, now, tell
from moderation.app.worklist import (
    Work,
    claim_after,
    claim_before,
    claim_one,
    find_work,
    make_list,
)
from moderation.policy import Action
from moderation.review import Evidence, Order

REMOVING: Final = "removing"
ESCALATING: Final = "escalating"
REVEALED: Final = "revealed"
FOCUSED: Final = "focused"
HELPED: Final = "helped"
NOTE: Final = "note"
ORDER: Final = "queue-order"
ALONE_AFTER_DAYS: Final = 30
"""Whoever was not seen for so long gives no second opinions."""
COPIES: Final = "copies"
COPIED: Final = "copied"
FOUND_GROUPS: Final = "groups"
_DONE: Final = "done"
_COLLEAGUES: Final = "colleagues"


@dataclass(frozen=True)
class Copies:
    """The near-duplicates that are offered beside a comment."""

    turn: int
    keys: tuple[str, ...]
    shown_at: datetime


def decide(
    desk: Desk, key: str, turn: int, action: Action, rule: str | None, evidence: Evidence
) -> None:
    """Record the decision on the comment on screen and turn to the next one."""
    work = find_work()
    if not (desk.decides and work.shows(key, turn)):
        return
    if copies := _find_chosen_copies(turn):
        _decide_alike(desk, key, copies, action, rule)
        return
    with click(desk) as session:
        review.record_decision(
            session,
            key,
            action,
            decided_by=desk.moderator,
            decided_at=now(),
            house_rule=rule,
            house_rules=desk.house.house_rules,
            evidence=evidence,
            second_share=find_second_share(desk, session),
        )
        claim_after(desk, session, work)
        _say_done("Approved" if action is Action.APPROVE else f"Removed: {rule}")
        return
    work.turn_to(None)  # somebody was faster: on with the next one


def escalate(desk: Desk, key: str, turn: int, evidence: Evidence) -> None:
    """Hand the comment on screen to a second moderator, with the note that was typed."""
    work = find_work()
    if not (desk.decides and work.shows(key, turn)):
        return
    note = str(st.session_state.get(f"{NOTE}-{turn}", ""))
    with click(desk) as session:
        review.escalate(session, key, decided_by=desk.moderator, decided_at=now(), note=note,
                        evidence=evidence)  # fmt: skip
        claim_after(desk, session, work)
        _say_done("Handed on")
        st.session_state.pop(ESCALATING, None)


def turn_after(desk: Desk, key: str, turn: int) -> None:
    """Pass over the comment on screen."""
    _turn(desk, key, turn, claim_after)


def turn_before(desk: Desk, key: str, turn: int) -> None:
    """Go back to the one before that still waits."""
    _turn(desk, key, turn, claim_before)


def undo(desk: Desk) -> None:
    """Take the last action back and show its comment again."""
    work = find_work()
    if not desk.decides:
        return
    with click(desk) as session:
        rows = review.undo(session, decided_by=desk.moderator, decided_at=now())
        if len(rows) == 1 and rows[0].bulk_id is None:
            waits = review.get_waiting(session, desk.scorer, rows[0].comment_key)
            if waits is not None:
                claim_one(desk, session, work, rows[0].comment_key)
            _say_done("Undone")
        elif rows:
            tell(f"Undone: {len(rows):,} comments wait again.", tone="done")
            leave_list()


def take_in(desk: Desk) -> None:
    """Make the list anew, with what has arrived since."""
    with click(desk):
        make_list(desk, find_work())


def change_order() -> None:
    """List the queue in the next order."""
    work = find_work()
    orders = list(Order)
    work.order = orders[(orders.index(work.order) + 1) % len(orders)]
    work.list, work.focus = None, None
    st.session_state[ORDER] = str(work.order)


def leave_list() -> None:
    """Make a new list next, for the one there is no longer holds what waits."""
    work = find_work()
    work.list = None
    work.turn_to(None)
    st.session_state.pop(FOUND_GROUPS, None)


def toggle(name: str) -> None:
    """Switch something on the screen on or off."""
    st.session_state[name] = not st.session_state.get(name, False)


def mark(name: str, key: str, turn: int) -> None:
    """Open something about the comment on screen, or close it."""
    here = (key, turn)
    st.session_state[name] = None if st.session_state.get(name) == here else here


def is_marked(name: str, work: Work) -> bool:
    """Tell whether something is open about the comment on screen."""
    return bool(st.session_state.get(name) == (work.focus, work.turn))


def show_done() -> str | None:
    """Return what was done last, once."""
    done: str | None = st.session_state.pop(_DONE, None)
    return done


def find_second_share(desk: Desk, session: Session) -> float:
    """Return the share of second opinions; none where there is nobody to give one."""
    if not desk.house.second_share:
        return 0.0
    moment = now()
    looked_at, colleagues = st.session_state.get(_COLLEAGUES, (None, False))
    if looked_at is None or moment - looked_at > SEEN_EVERY:
        since = moment - timedelta(days=ALONE_AFTER_DAYS)
        colleagues = review.count_deciding(session, since=since) > 1
        st.session_state[_COLLEAGUES] = (moment, colleagues)
    return desk.house.second_share if colleagues else 0.0


def _turn(desk: Desk, key: str, turn: int, claim: Callable[[Desk, Session, Work], None]) -> None:
    work = find_work()
    if not work.shows(key, turn):
        return
    with click(desk) as session:
        claim(desk, session, work)


def _find_chosen_copies(turn: int) -> Copies | None:
    """Return the near-duplicates that are to be decided like the comment on screen."""
    copies: Copies | None = st.session_state.get(COPIED)
    wanted = st.session_state.get(f"{COPIES}-{turn}", False)
    return copies if wanted and copies is not None and copies.turn == turn else None


def _decide_alike(desk: Desk, key: str, copies: Copies, action: Action, rule: str | None) -> None:
    work = find_work()
    with click(desk) as session:
        bulk = review.decide_bulk(
            session, [key, *copies.keys], action, chosen_by="near-duplicates",
            decided_by=desk.moderator, decided_at=now(), house_rule=rule,
            house_rules=desk.house.house_rules, scorer=desk.scorer, shown_at=copies.shown_at,
        )  # fmt: skip
        claim_after(desk, session, work)
        done = "approved" if action is Action.APPROVE else f"removed: {rule}"
        tell(f"{bulk.comments:,} {done}. u takes all of them back.", tone="done")
        return
    work.turn_to(None)


def _say_done(what: str) -> None:
    st.session_state[_DONE] = what
