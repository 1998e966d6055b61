"""The review page: one comment, its thread, its score and why, and what to do with it."""

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.state import Desk, now, open_desk
from moderation.comments import Comment, Thread
from moderation.errors import ReviewError
from moderation.explanations import Explanation
from moderation.policy import HOUSE_RULES, Action, Verdict, decide
from moderation.review import Evidence, Waiting
from moderation.tables import Decision

RECENT = 8
_FOCUS, _SKIPPED, _MOVED, _FAILED = "focus", "skipped", "moved", "failed"
_PAST = {Action.APPROVE: "approved", Action.REMOVE: "removed", Action.HOLD: "put back"}


def show() -> None:
    """Draw the page."""
    desk = open_desk()
    st.html(markup.STYLE)
    with desk.sessions() as session:
        _sidebar(desk, session)
        if desk.why_no_model:
            st.warning(markup.escape_markdown(f"No scores: {desk.why_no_model}"))
        if message := st.session_state.pop(_FAILED, None):
            st.error(markup.escape_markdown(message))
        waiting = _current(desk, session)
        if waiting is None:
            _nothing_waits(desk, session)
        else:
            _review(desk, session, waiting)


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
    st.html(markup.title_line(Comment("", "", "", article_title="Nothing waits for you")))
    st.write(
        "All comments here are decided. Put pages or exports into the data folder and restart, or "
        "add them on the page **Add comments**."
    )
    _undo_button(desk, session)


def _review(desk: Desk, session: Session, waiting: Waiting) -> None:
    explanation = desk.scorer.explain(waiting.comment.text or "") if desk.scorer else None
    scores = None
    if desk.scorer is not None and waiting.score is not None:
        scores = {desk.scorer.attribute: waiting.score}
    verdict = decide(scores, desk.policy)
    with st.container(key="desk"):
        reading, deciding = st.columns([0.64, 0.36], gap="large")
    with reading:
        _thread(session, waiting.comment, explanation)
    with deciding:
        version = desk.scorer.version if desk.scorer else None
        _buttons(desk, session, waiting, Evidence(waiting.score, version, verdict))
        _why(waiting, verdict, explanation)
        _history(session, waiting.key)


def _thread(session: Session, comment: Comment, explanation: Explanation | None) -> None:
    st.html(markup.title_line(comment))
    thread = review.thread_of(session, comment)
    above, below, others = _around(thread, comment)
    for other in above:
        st.html(markup.comment_card(other, role="around"))
    contributions = explanation.contributions if explanation else ()
    st.html(markup.comment_card(comment, role="focus", contributions=contributions))
    for other in below:
        st.html(markup.comment_card(other, role="around"))
    if others:
        with st.expander(f"{len(others)} more in this thread"):
            for other in others:
                st.html(markup.comment_card(other, role="around"))


def _around(thread: Thread, comment: Comment) -> tuple[list[Comment], list[Comment], list[Comment]]:
    """Return what the comment answers, the answers to it, and the rest of its thread."""
    everyone = [other for _, other in thread.walk()]
    by_id = {other.id: other for other in everyone}
    above: list[Comment] = []
    parent = comment.parent_id
    while parent in by_id and by_id[parent] not in above:
        above.insert(0, by_id[parent])
        parent = above[0].parent_id
    below = [other for other in everyone if other.parent_id == comment.id]
    shown = {other.id for other in (*above, *below, comment)}
    return above, below, [other for other in everyone if other.id not in shown]


def _buttons(desk: Desk, session: Session, waiting: Waiting, evidence: Evidence) -> None:
    """Draw the actions; their keys carry the comment's, so a late click cannot hit another."""
    key = waiting.key
    with st.container(horizontal=True):
        st.button("Approve", key=f"approve-{key}", shortcut="f", type="primary",
                  on_click=_decide, args=(desk, key, Action.APPROVE, None, evidence))  # fmt: skip
        st.button("Skip", key=f"skip-{key}", shortcut="j", on_click=_skip, args=(key,))
        _undo_button(desk, session)
    st.html(markup.quiet("Remove, because of"))
    with st.container(horizontal=True, gap="xsmall"):
        for digit, rule in enumerate(HOUSE_RULES, 1):
            removal = (desk, key, Action.REMOVE, rule, evidence)
            name = f"remove-{digit}-{key}"
            st.button(rule, key=name, shortcut=str(digit), on_click=_decide, args=removal)


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
    if decisions:
        st.html(markup.quiet("Decisions on this comment"))
        st.html(markup.bullets(_in_words(decision) for decision in reversed(decisions)))


def _sidebar(desk: Desk, session: Session) -> None:
    with st.sidebar:
        st.session_state.setdefault("moderator", desk.settings.moderator or "moderator")
        st.text_input("Your name", key="moderator", help="Each decision is recorded under it.")
        st.metric("Waiting", review.count_waiting(session))
        recent = review.recent_decisions(session, limit=RECENT)
        st.html(markup.quiet("Latest decisions" if recent else "No decisions yet"))
        st.html(
            markup.bullets(
                f"#{comment.id if comment.number is None else comment.number} {_in_words(decision)}"
                for decision, comment in recent
            )
        )


def _in_words(decision: Decision) -> str:
    what = _PAST[decision.action]
    if decision.undoes_id is not None:
        what = f"undone, now {'waiting' if decision.action is Action.HOLD else what}"
    elif decision.house_rule:
        what = f"{what}: {decision.house_rule}"
    return f"{what} · {decision.decided_by} · {decision.decided_at:%d %b %H:%M}"


def _decide(desk: Desk, key: str, action: Action, rule: str | None, evidence: Evidence) -> None:
    try:
        with desk.sessions.begin() as session:
            review.record_decision(
                session,
                key,
                action,
                decided_by=desk.moderator,
                decided_at=now(),
                house_rule=rule,
                evidence=evidence,
            )
    except ReviewError as error:
        st.session_state[_FAILED] = str(error)
        return
    st.session_state[_FOCUS] = None


def _skip(key: str) -> None:
    skipped = st.session_state.setdefault(_SKIPPED, [])
    st.session_state[_SKIPPED] = [*(other for other in skipped if other != key), key]
    st.session_state[_FOCUS] = None


def _undo(desk: Desk) -> None:
    """Take the last decision back and show its comment again."""
    with desk.sessions.begin() as session:
        restored = review.undo(session, decided_by=desk.moderator, decided_at=now())
        if restored is not None:
            st.session_state[_FOCUS] = restored.comment_key
