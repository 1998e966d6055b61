"""The list that somebody works through: frozen while they do, with the comment on screen in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app.state import Desk, now
from moderation.review import Filters, Order, WorkList

COUNTED_AGAIN_AFTER: Final = timedelta(seconds=20)
"""How old the count of new arrivals may be."""
_WORK: Final = "work"


@dataclass
class Work:
    """What the session of one browser tab works on."""

    order: Order = Order.LIKELIEST
    filters: Filters = field(default_factory=Filters)
    list: WorkList | None = None
    focus: str | None = None
    """The key of the comment on screen."""
    place: int = 0
    """Where in the list it stands."""
    turn: int = 0
    """How often another comment has been turned to."""
    arrived: int = 0
    counted_at: datetime | None = None
    moderator: str = ""
    """Whom the list is for."""

    def turn_to(self, key: str | None) -> None:
        """Show a comment next, or none."""
        self.focus = key
        self.turn += 1
        if key is not None and self.list is not None:
            if key not in self.list.keys:  # taken back from an earlier list
                keys = (*self.list.keys[: self.place], key, *self.list.keys[self.place :])
                self.list = WorkList(keys, self.list.waiting + 1, self.list.made_at)
            self.place = self.list.keys.index(key)

    def shows(self, key: str, turn: int) -> bool:
        """
        Tell whether a button's comment is the one shown last, and the button of that showing.

        The next comment is drawn before its buttons are: a quick key still presses those of the one
        before, and must act on neither; also where undoing has brought that very comment back.
        """
        return self.focus == key and self.turn == turn


def find_work() -> Work:
    """Return what this tab works on."""
    if _WORK not in st.session_state:
        st.session_state[_WORK] = Work()
    return st.session_state[_WORK]  # type: ignore[no-any-return]


def ensure_focus(desk: Desk, work: Work) -> None:
    """
    Claim a comment where none is on screen; where the list is worked through, make a new one.

    A list is somebody's: under another name there may be others, and none of the blind ones.
    """
    if work.moderator != desk.moderator:
        work.moderator, work.list, work.focus = desk.moderator, None, None
    if work.focus is not None:
        return
    if work.list is not None:
        with desk.store.writing() as session:
            claim_after(desk, session, work)
    if work.focus is None:
        make_list(desk, work)


def make_list(desk: Desk, work: Work) -> None:
    """List anew what waits, and turn to the first that nobody else has on screen."""
    with desk.store.reading() as session:
        made = review.list_waiting(session, desk.scorer, moderator=desk.moderator, now=now(),
                                   order=work.order, filters=work.filters)  # fmt: skip
        severe = _find_severe(desk, session, made.keys)
    if desk.member is not None:
        keys = review.spread_severe(made.keys, severe, in_a_row=desk.member.care.severe_in_a_row)
        made = WorkList(tuple(keys), made.waiting, made.made_at)
    work.list, work.place, work.focus = made, 0, None
    work.arrived, work.counted_at = 0, made.made_at
    if made.keys:
        with desk.store.writing() as session:
            _claim(desk, session, work, made.keys)


def claim_after(desk: Desk, session: Session, work: Work) -> None:
    """Turn to the next of the list that is free, after its end to what was passed over."""
    assert work.list is not None
    keys = work.list.keys
    _claim(desk, session, work, (*keys[work.place + 1 :], *keys[: work.place + 1]))


def claim_before(desk: Desk, session: Session, work: Work) -> None:
    """Turn back to the one before that still waits and is free."""
    if work.list is None:
        return
    before = work.list.keys[: work.place][::-1]
    _claim(desk, session, work, (*before, *((work.focus,) if work.focus else ())))


def claim_one(desk: Desk, session: Session, work: Work, key: str) -> None:
    """Turn to one comment, wherever it stands."""
    review.claim_next(
        session, [key], moderator=desk.moderator, now=now(), claimed_for=desk.house.claimed_for
    )
    work.turn_to(key)


def count_arrived(desk: Desk, session: Session, work: Work) -> int:
    """Return how many comments wait that did not when the list was made, as of a moment ago."""
    moment = now()
    if work.list is None or work.counted_at is None:
        return 0
    if moment - work.counted_at > COUNTED_AGAIN_AFTER:
        work.arrived = review.count_arrived(
            session, desk.scorer, moderator=desk.moderator, since=work.list.made_at,
            filters=work.filters, but=work.list.keys,
        )  # fmt: skip
        work.counted_at = moment
    return work.arrived


def _claim(desk: Desk, session: Session, work: Work, keys: Sequence[str]) -> None:
    """Turn to the first of the keys that is free; without a moderator nothing is claimed."""
    if not desk.decides:
        found = [waiting.key for waiting in review.get_many(session, desk.scorer, keys[:25])]
        work.turn_to(found[0] if found else None)
        return
    work.turn_to(
        review.claim_next(
            session, keys, moderator=desk.moderator, now=now(), claimed_for=desk.house.claimed_for
        )
    )


def _find_severe(desk: Desk, session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of a list that would be blurred: what is hard to read."""
    if desk.member is None or not desk.member.care.severe_in_a_row:
        return set()
    return review.find_severe(session, desk.scorer, keys, least=desk.member.care.blur_from)
