"""What a moderator reads of a comment before deciding: its thread, its scores and why, its past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.app import markup
from moderation.app.state import Desk, now
from moderation.comments import Comment, Thread
from moderation.explanations import Contribution, Explanation, find_enough
from moderation.policy import Action, Cause, Verdict, even_score
from moderation.review import Waiting, alike
from moderation.tables import Decision, Kind, StoredLabel
from moderation.text import Span

ABOVE: Final = 2
BELOW: Final = 20
OTHERS: Final = 100
COPIES: Final = 200
"""
How many comments are drawn of what one answers, of the answers to it, and of the others of its
thread; and how many near-duplicates are offered at once.
"""
LABELS: Final = 10
"""How many of the labels that other systems sent are drawn, the latest ones."""
PREPARED_FOR: Final = timedelta(minutes=1)
"""How old what was prepared may be: replies may have come to the thread since."""
_PREPARED: Final = "prepared"
_PAST: Final = {Action.APPROVE: "approved", Action.REMOVE: "removed", Action.HOLD: "put back"}


@dataclass(frozen=True)
class Opinion:
    """What the model and the policy say of a comment."""

    score: float | None
    verdict: Verdict | None = None
    explanation: Explanation | None = None
    even: float | None = None
    """The score on the 50/50 scale; None where the model's base rate is not known."""
    enough: tuple[Contribution, ...] = ()
    """The words without which the policy would approve it."""


@dataclass(frozen=True)
class Read:
    """A comment with all that is worked out before it is drawn."""

    waiting: Waiting
    opinion: Opinion
    thread: Thread
    judged_by: str
    read_at: datetime


def read(desk: Desk, session: Session, waiting: Waiting) -> Read:
    """Return a comment as it was prepared while the one before was read, or read it now."""
    prepared: Read | None = st.session_state.pop(_PREPARED, None)
    if (
        prepared is not None
        and prepared.waiting == waiting
        and prepared.judged_by == _judge(desk)
        and now() - prepared.read_at < PREPARED_FOR
    ):
        return prepared
    return _read(desk, session, waiting)


def prepare(desk: Desk, session: Session, key: str) -> None:
    """Read the comment that probably comes next, while somebody reads the one on screen."""
    waiting = review.get_waiting(session, desk.scorer, key)
    if waiting is not None:
        st.session_state[_PREPARED] = _read(desk, session, waiting)


def _read(desk: Desk, session: Session, waiting: Waiting) -> Read:
    opinion = form_opinion(desk, waiting)
    thread = review.thread_of(session, waiting.comment)
    return Read(waiting, opinion, thread, _judge(desk), now())


def _judge(desk: Desk) -> str:
    return review.name_judge(desk.scorer, desk.policy) if desk.scorer else ""


def form_opinion(desk: Desk, waiting: Waiting) -> Opinion:
    """Ask the model and the policy about the comment on screen."""
    scorer, text, score = desk.scorer, waiting.comment.text or "", waiting.score
    if scorer is None or score is None:
        return Opinion(None)
    [verdict] = review.propose([text], [score], scorer=scorer, policy=desk.policy,
                               detect=desk.detect)  # fmt: skip
    explanation = scorer.explain(text)
    enough = None
    if verdict.action is not Action.APPROVE:
        enough = find_enough(text, explanation, lambda rests: _pass(desk, rests))
    even = None
    if scorer.base_rate is not None:
        even = even_score(score, scorer.base_rate)
    return Opinion(score, verdict, explanation, even, tuple(enough or ()))


def draw_thread(desk: Desk, read: Read, *, revealed: bool) -> None:
    """Draw the comment in its thread, spared as the moderator wishes."""
    comment, opinion = read.waiting.comment, read.opinion
    above, below, others = _around(read.thread, comment)
    contributions = opinion.explanation.contributions if opinion.explanation else ()
    blurred = is_blurred(desk, opinion) and not revealed
    grey = desk.member is not None and desk.member.care.grey and not revealed
    st.html(
        "".join(
            [
                markup.article_line(comment),
                *_cards(above),
                markup.comment_card(
                    comment,
                    role="focus",
                    contributions=contributions,
                    abusive=[] if revealed else _find_abusive(desk, comment.text or ""),
                    blurred=blurred,
                    grey=grey,
                ),
                markup.quiet("It scores high, and is blurred: s shows it.") if blurred else "",
                *_cards(below),
            ]
        )
    )
    if others:
        with st.expander(f"{len(others)} more in this thread"):
            st.html("".join(_cards(others[:OTHERS])))
            if len(others) > OTHERS:
                st.html(markup.quiet(f"The first {OTHERS} of {len(others)}."))


def is_blurred(desk: Desk, opinion: Opinion) -> bool:
    """Tell whether a comment is blurred until asked for."""
    care = desk.member.care if desk.member else None
    return bool(care and care.blur and opinion.score is not None
                and opinion.score >= care.blur_from)  # fmt: skip


def draw_reasons(desk: Desk, waiting: Waiting, opinion: Opinion, *, revealed: bool) -> None:
    """Draw the score on both scales, the rule that fired, and what it would pass without."""
    if waiting.escalation is not None:
        by = waiting.escalation.decided_by
        note = f"Handed on by {by}: {waiting.escalation.note or 'its note was erased'}"
        st.html(markup.notice(note, tone="warning"))
    if opinion.score is None or opinion.verdict is None:
        st.html(markup.quiet("This comment has no score."))
        return
    text = waiting.comment.text or ""
    reasons = markup.scores(opinion.score, opinion.even) + markup.verdict_line(opinion.verdict)
    if revealed or not is_blurred(desk, opinion):
        abusive = [] if revealed else _find_abusive(desk, text)
        reasons += markup.would_pass(text, opinion.enough, abusive=abusive)
    st.html(reasons)


def find_copies(desk: Desk, session: Session, waiting: Waiting) -> list[str]:
    """
    Return the near-duplicates that wait, for somebody who may decide them alike.

    None for what was handed on or is judged a second time: that is decided by itself.
    """
    if not desk.leads or waiting.escalation is not None or waiting.is_opinion:
        return []
    found = alike.find_waiting(session, waiting.key, waiting.comment.text, limit=COPIES)
    return [copy.key for copy in found]


def draw_precedents(desk: Desk, session: Session, waiting: Waiting) -> None:
    """Draw how comments in like words were decided, by whom and why."""
    found = alike.find_decided(session, waiting.key, waiting.comment.text)
    if not found:
        return
    lines = (
        f"{_beginning(desk, one.comment, length=90)}\n"
        f"{one.similarity:.0%} alike · {in_words(one.decision)}"
        for one in found
    )
    st.html(markup.part("Decided before, in like words") + markup.bullets(lines))


def draw_past(desk: Desk, session: Session, waiting: Waiting) -> None:
    """
    Draw the author's record, the labels that were sent and the comment's history.

    Of a blind second opinion only the record: labels tell what was decided, as the history does.
    """
    pieces = [_record(session, waiting)]
    if not waiting.is_opinion:
        pieces.append(_labels(session, waiting.key))
    decisions = [] if waiting.is_opinion else review.history(session, waiting.key)
    if decisions:
        pieces.append(markup.part("Decisions on this comment"))
        if decisions[-1].kind is Kind.DECISION:
            pieces.append(markup.quiet("Its words have changed since the last one."))
        pieces.append(markup.bullets(in_words(decision) for decision in reversed(decisions)))
    if told := "".join(pieces):
        st.html(told)


def in_words(decision: Decision) -> str:
    """Return who decided what and when."""
    what = _PAST[decision.action]
    if decision.kind is Kind.UNDO:
        what = f"undone, now {'waiting' if decision.action is Action.HOLD else what}"
    elif decision.kind is Kind.ESCALATION:
        what = f"handed on: {decision.note or 'its note was erased'}"
    elif decision.kind is Kind.REOPENING:
        what = "put up for review again"
    elif decision.house_rule:
        what = f"{what}: {decision.house_rule}"
    return f"{what} · {decision.decided_by} · {markup.show_time(decision.decided_at)}"


def in_short(desk: Desk, comment: Comment, decision: Decision) -> str:
    """Return a decision with the comment it is on, in two lines."""
    number = comment.id if comment.number is None else comment.number
    words = _beginning(desk, comment, length=40)
    return f"#{number} “{words}”\n{in_words(decision)}"


def _record(session: Session, waiting: Waiting) -> str:
    author = waiting.comment.author
    if author is None:
        return ""
    record = review.find_record(session, author, but=waiting.key)
    counts = f"{record.approved} approved, {record.removed} removed, {record.waiting} waiting"
    among = "" if record.complete else f" among the author's {review.LOOKED_AT}"
    return markup.part("Other comments of this author") + markup.quiet(counts + among)


def _labels(session: Session, key: str) -> str:
    labels = review.labels_of(session, key)
    if not labels:
        return ""
    lines = markup.bullets(_name_label(label) for label in reversed(labels[-LABELS:]))
    older = len(labels) - LABELS
    more = markup.quiet(f"And {older} before these.") if older > 0 else ""
    return markup.part("Sent by other systems") + lines + more


def _name_label(label: StoredLabel) -> str:
    """Return what was said of a comment, by whom and when."""
    where = ", ".join(part for part in (label.community, label.token) if part)
    sent_by = f"{label.sent_by} ({where})" if where else label.sent_by
    when = markup.show_time(label.received_at)
    return f"{label.attribute} {label.value:g}, from {sent_by} · {when}"


def _beginning(desk: Desk, comment: Comment, *, length: int) -> str:
    words = markup.shorten(comment.text or "", length=length)
    return markup.mask(words, _find_abusive(desk, words))


def _find_abusive(desk: Desk, text: str) -> list[Span]:
    """Return the words of which somebody who wishes it sees the first letters only."""
    if desk.scorer is None or desk.member is None or not desk.member.care.mask:
        return []
    return review.find_abusive_words(desk.scorer, text)


def _pass(desk: Desk, texts: Sequence[str]) -> list[bool]:
    assert desk.scorer is not None
    scores = [float(score) for score in desk.scorer.score(list(texts))]
    verdicts = review.propose(texts, scores, scorer=desk.scorer, policy=desk.policy,
                              detect=desk.detect)  # fmt: skip
    passing = (Cause.RULE, Cause.NO_RULE)
    return [v.action is Action.APPROVE and v.cause in passing for v in verdicts]


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
