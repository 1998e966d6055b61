"""The review page: one comment, its thread, its score and why, and what to do with it."""

from collections.abc import Iterator, Sequence

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.state import Desk, click, now, page, show_message
from moderation.comments import Comment, Thread
from moderation.explanations import Explanation
from moderation.policy import HOUSE_RULES, Action, Verdict, decide
from moderation.review import Evidence, Waiting
from moderation.tables import Decision

RECENT = 8
ABOVE, BELOW, OTHERS = 2, 20, 100
"""How many comments are drawn of what one answers, of the answers to it, and of the others."""
_FOCUS, _TURN, _SKIPPED = "focus", "turn", "skipped"
_PAST = {Action.APPROVE: "approved", Action.REMOVE: "removed", Action.HOLD: "put back"}


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    with desk.sessions() as session:
        _sidebar(desk, session)
        waiting = _current(desk, session)
        if waiting is None:
            _messages(desk)
            _nothing_waits(desk, session)
        else:
            _review(desk, session, waiting)


def _messages(desk: Desk) -> None:
    if desk.why_no_model:
        st.html(markup.notice(f"No scores: {desk.why_no_model}", tone="warning"))
    show_message()


def _current(desk: Desk, session: Session) -> Waiting | None:
    """Return the comment on screen: the one in focus, or the next of the queue."""
    focus = st.session_state.get(_FOCUS)
    found = review.get_waiting(session, desk.scorer, focus) if focus else None
    if found is None:
        skipped = st.session_state.get(_SKIPPED, [])
        found = review.next_waiting(session, desk.scorer, skipped=skipped)
    st.session_state[_FOCUS] = found.key if found else None
    return found


def _nothing_waits(desk: Desk, session: Session) -> None:
    if review.count_comments(session):
        st.html(markup.title_line("Nothing waits for you"))
        st.write("All comments here are decided.")
        _undo_button(desk, session)
    else:
        st.html(markup.title_line("No comments yet"))
    st.write(
        f"Put saved pages or exports into the folder `{desk.settings.data}` and reload this page, "
        "or add them on the page **Add comments**."
    )


def _review(desk: Desk, session: Session, waiting: Waiting) -> None:
    explanation = desk.scorer.explain(waiting.comment.text or "") if desk.scorer else None
    scores = None
    if desk.scorer is not None and waiting.score is not None:
        scores = {desk.scorer.attribute: waiting.score}
    verdict = decide(scores, desk.policy)
    with st.container(key="desk"):
        reading, deciding = st.columns([0.64, 0.36], gap="large")
    with reading:
        _messages(desk)
        _thread(session, waiting.comment, explanation)
    with deciding:
        version = desk.scorer.version if desk.scorer else None
        with st.container(key="actions"):
            _buttons(desk, session, waiting, Evidence(waiting.score, version, verdict))
        _why(waiting, verdict, explanation)
        _history(session, waiting.key)


def _thread(session: Session, comment: Comment, explanation: Explanation | None) -> None:
    contributions = explanation.contributions if explanation else ()
    above, below, others = _around(review.thread_of(session, comment), comment)
    st.html(
        "".join(
            [
                markup.article_line(comment),
                *_cards(above),
                markup.comment_card(comment, role="focus", contributions=contributions),
                *_cards(below),
            ]
        )
    )
    if others:
        with st.expander(f"{len(others)} more in this thread"):
            st.html("".join(_cards(others[:OTHERS])))
            if len(others) > OTHERS:
                st.html(markup.quiet(f"The first {OTHERS} of {len(others)}."))


def _cards(comments: Sequence[Comment]) -> Iterator[str]:
    return (markup.comment_card(comment, role="around") for comment in comments)


def _around(thread: Thread, comment: Comment) -> tuple[list[Comment], list[Comment], list[Comment]]:
    """Return what the comment answers, the answers to it, and the rest of its thread."""
    everyone = {other.id: other for _, other in thread.walk()}
    above: list[Comment] = []
    parent = comment.parent_id
    while parent in everyone and len(above) < ABOVE:
        above.insert(0, everyone[parent])
        parent = above[0].parent_id
    below = [other for other in everyone.values() if other.parent_id == comment.id][:BELOW]
    shown = {other.id for other in (*above, *below, comment)}
    return above, below, [other for other in everyone.values() if other.id not in shown]


def _buttons(desk: Desk, session: Session, waiting: Waiting, evidence: Evidence) -> None:
    """Draw the actions; their keys carry the comment's, so that a late click is known as one."""
    key, turn, nameless = waiting.key, _turn(), not desk.moderator
    if nameless:
        st.html(markup.notice("Type your name on the left to decide.", tone="warning"))
    with st.container(horizontal=True):
        st.button("Approve", key=f"approve-{turn}-{key}", shortcut="f", type="primary",
                  disabled=nameless, on_click=_decide,
                  args=(desk, key, turn, Action.APPROVE, None, evidence))  # fmt: skip
        st.button("Skip", key=f"skip-{turn}-{key}", shortcut="j", on_click=_skip, args=(key, turn))
        _undo_button(desk, session)
    st.html(markup.quiet("Remove, because of"))
    with st.container(horizontal=True, gap="xsmall"):
        for digit, rule in enumerate(HOUSE_RULES, 1):
            removal = (desk, key, turn, Action.REMOVE, rule, evidence)
            st.button(rule, key=f"remove-{digit}-{turn}-{key}", shortcut=str(digit),
                      disabled=nameless, on_click=_decide, args=removal)  # fmt: skip


def _undo_button(desk: Desk, session: Session) -> None:
    last = review.last_undoable(session, decided_by=desk.moderator)
    st.button("Undo", key="undo", shortcut="u", disabled=last is None, on_click=_undo, args=(desk,))


def _why(waiting: Waiting, verdict: Verdict, explanation: Explanation | None) -> None:
    if waiting.score is None or explanation is None:
        st.html(markup.quiet("This comment has no score."))
        return
    st.metric("Likely to be removed", f"{waiting.score:.0%}")
    if verdict.rule is None:
        st.html(markup.quiet("No rule fires: the policy would approve it."))
    else:
        st.html(
            markup.quiet(
                f"Rule “{verdict.rule.name}” fires at {verdict.rule.threshold:.0%} and above: "
                f"the policy proposes to {verdict.action}."
            )
        )
    raised = explanation.strongest(5)
    if raised and waiting.comment.text is not None:
        st.html(markup.quiet("Raised by"))
        text = waiting.comment.text
        st.html(markup.bullets(f"{text[w.begin : w.end][:40]}  {w.value:+.2f}" for w in raised))


def _history(session: Session, key: str) -> None:
    decisions = review.history(session, key)
    if not decisions:
        return
    st.html(markup.quiet("Decisions on this comment"))
    if decisions[-1].action is not Action.HOLD:
        st.html(markup.quiet("Its words have changed since the last one."))
    st.html(markup.bullets(_in_words(decision) for decision in reversed(decisions)))


def _sidebar(desk: Desk, session: Session) -> None:
    with st.sidebar:
        st.metric("Waiting", review.count_waiting(session))
        recent = review.recent_decisions(session, limit=RECENT)
        st.html(markup.quiet("Latest decisions" if recent else "No decisions yet"))
        st.html(markup.bullets(_in_short(comment, decision) for decision, comment in recent))
        if desk.unread:
            with st.expander(f"Files not read: {len(desk.unread)}"):
                st.html(markup.bullets(desk.unread))


def _in_short(comment: Comment, decision: Decision) -> str:
    number = comment.id if comment.number is None else comment.number
    words = markup.shorten(comment.text or "", length=40)
    return f"#{number} “{words}”\n{_in_words(decision)}"


def _in_words(decision: Decision) -> str:
    what = _PAST[decision.action]
    if decision.undoes_id is not None:
        what = f"undone, now {'waiting' if decision.action is Action.HOLD else what}"
    elif decision.house_rule:
        what = f"{what}: {decision.house_rule}"
    return f"{what} · {decision.decided_by} · {markup.show_time(decision.decided_at)}"


def _decide(
    desk: Desk, key: str, turn: int, action: Action, rule: str | None, evidence: Evidence
) -> None:
    if not _on_screen(key, turn):
        return
    with click(desk) as session:
        review.record_decision(session, key, action, decided_by=desk.moderator, decided_at=now(),
                               house_rule=rule, evidence=evidence)  # fmt: skip
        _turn_to(None)


def _skip(key: str, turn: int) -> None:
    if not _on_screen(key, turn):
        return
    skipped = st.session_state.setdefault(_SKIPPED, [])
    st.session_state[_SKIPPED] = [*(other for other in skipped if other != key), key]
    _turn_to(None)


def _on_screen(key: str, turn: int) -> bool:
    """
    Tell whether a button's comment is the one shown last, and the button of that showing.

    The next comment is drawn before its buttons are: a quick key still presses those of the one
    before, and must act on neither; also where undoing has brought that very comment back.
    """
    return st.session_state.get(_FOCUS) == key and _turn() == turn


def _turn() -> int:
    """Return how often another comment has been turned to."""
    return int(st.session_state.get(_TURN, 0))


def _turn_to(key: str | None) -> None:
    """Show a comment next, or the next of the queue."""
    st.session_state[_FOCUS] = key
    st.session_state[_TURN] = _turn() + 1


def _undo(desk: Desk) -> None:
    """Take the last decision back and show its comment again."""
    with click(desk) as session:
        restored = review.undo(session, decided_by=desk.moderator, decided_at=now())
        if restored is not None:
            _turn_to(restored.comment_key)
