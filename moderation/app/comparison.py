"""The new model beside the one in use, in words, in a small table, and in comments to read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from moderation.app import markup
from moderation.app.state import Desk
from moderation.artifacts import load_model, read_manifest
from moderation.comments import Comment
from moderation.comparing import (
    LAST,
    Contender,
    ModelComparison,
    Moved,
    Unlearnt,
    choose_unlearnt,
    compare,
)
from moderation.errors import ModelError
from moderation.releases import Release
from moderation.review.latest import last_decided
from moderation.scorer import Scorer

FEW: Final = 30
"""With fewer removed or approved comments, intervals are too narrow to be believed."""


def show(desk: Desk, candidate: Release) -> bool:
    """Draw what would change with a new model, and tell whether it can be used at all."""
    try:
        new = _load(str(candidate.path), candidate.version)
    except ModelError as error:
        st.html(markup.notice(str(error), tone="error"))
        return False
    if desk.scorer is None:
        st.html(markup.quiet("No model is in use that it could be compared with: read its card."))
        return True
    if new.version == desk.scorer.version:
        st.html(markup.quiet("It is the same as the one in use: nothing has changed since."))
        return False
    with desk.store.reading() as session:
        decided = last_decided(session, limit=LAST)
    found = choose_unlearnt(
        decided, present=read_manifest(desk.settings.model), new=read_manifest(candidate.path)
    )
    comments = [decided[row] for row in found.rows]
    st.html(markup.quiet(_say_which(len(decided), found)))
    if comments:
        sides = (
            Contender(desk.scorer, desk.policy),
            Contender(new, replace(desk, scorer=new).policy),
        )
        _draw(_compare(*sides, comments, _key(sides, comments)), comments)
    return True


def advise(found: ModelComparison) -> tuple[bool, str]:
    """Tell whether the new model is worse, as far as these decisions tell, and say so."""
    against = [] if found.advice.promote else list(found.advice.reasons)
    more = found.rankings and found.rankings.roc_auc.more
    if more and more.high < 0:
        against.append("it puts comments in a worse order than the one in use")
    if against:
        return True, f"These decisions speak against the new model: {'; '.join(against)}."
    said = "Nothing in these decisions speaks against the new model."
    if found.new.missed > found.present.missed:
        said += " That more passes unseen which moderators removed may be chance."
    if more and more.low > 0:
        return False, f"{said} It puts comments in a better order than the one in use."
    return False, f"{said} Which one puts comments in a better order they do not tell."


def _say_which(decided: int, found: Unlearnt) -> str:
    if not decided:
        return "There are no decisions yet that it could be compared on: read its card."
    kept = len(found.rows)
    words = f"Compared on {kept:,} of the last {decided:,} decisions"
    if not found.left_out:
        return f"{words}: neither model has learnt from them."
    if not kept:
        words = f"Of the last {decided:,} decisions none is new to both models"
    causes = "; ".join(f"{number:,} {cause}" for cause, number in found.left_out.items())
    said = f"{words}. Left out, since a model does well on what it knows: {causes}."
    return said if kept else f"{said} Decide on more comments, and they can be compared on these."


def _draw(found: ModelComparison, comments: Sequence[Comment]) -> None:
    st.html(markup.table(["", "In use", "New", "Difference"], _rows(found)))
    approved = found.comments - found.removed
    if min(found.removed, approved) < FEW:
        few = f"{found.removed:,} were removed and {approved:,} approved: a hint, no measurement."
        st.html(markup.quiet(few))
    worse, said = advise(found)
    st.html(markup.notice(said, tone="warning" if worse else "done"))
    st.html(
        markup.quiet(
            "These are comments that moderators decided on; of those that nobody looked at they "
            "say nothing."
        )
    )
    _read("would newly wait for a person", found.newly_held, found, comments)
    _read("would newly pass unseen", found.newly_passed, found, comments)


def _rows(found: ModelComparison) -> Iterator[tuple[str, str, str, str]]:
    """Yield the table; square brackets hold 95% intervals."""
    approved = found.comments - found.removed
    for what, of, number, then in (
        ("Wait for a person", found.comments, found.present.held, found.new.held),
        ("Approved by moderators, and yet wait for one", approved,
         found.present.needless, found.new.needless),
        ("Removed by moderators, and yet pass unseen", found.removed,
         found.present.missed, found.new.missed),
    ):  # fmt: skip
        yield what, _share(number, of), _share(then, of), _signed(then - number)
    if found.rankings is None:
        return
    for what, measured in (
        ("A removed comment scores above an approved one (ROC-AUC)", found.rankings.roc_auc),
        ("Precision from the top of the list (average precision)",
         found.rankings.average_precision),
    ):  # fmt: skip
        more = measured.more
        ends = f"[{_signed(more.low)}, {_signed(more.high)}]"
        yield what, str(measured.present), str(measured.new), f"{_signed(more.value)} {ends}"


def _share(number: int, of: int) -> str:
    return f"{number:,} of {of:,} ({number / of:.1%})" if of else "none to count"


def _signed(number: float) -> str:
    told = f"{number:+,}" if isinstance(number, int) else f"{number:+.3f}"
    return told.replace("-", "−") if number else "0"


def _read(what: str, moved: Moved, found: ModelComparison, comments: Sequence[Comment]) -> None:
    """Draw those that move one way, some of them to be read."""
    number = len(moved.rows)
    told = f"{number:,} {what}: moderators removed {moved.removed:,}, approved {moved.approved:,}"
    if not number:
        st.html(markup.quiet(f"None {what}."))
        return
    shown = len(moved.to_read)
    with st.expander(told):
        if shown < number:
            st.html(markup.quiet(f"{shown} of them, chosen by chance:"))
        for row in moved.to_read.tolist():
            before, after = (scores[row] for scores in found.scores)
            decided = "removed" if comments[row].label else "approved"
            st.html(
                markup.quiet(f"{before:.0%} in use, {after:.0%} new; moderators {decided} it")
                + markup.comment_card(comments[row], role="alone")
            )


def _key(sides: Sequence[Contender], comments: Sequence[Comment]) -> str:
    """Return what a comparison depends on."""
    digest = hashlib.sha256()
    for side in sides:
        digest.update(f"{side.scorer.version} {side.policy.version}\n".encode())
    for comment in comments:
        words = f"{comment.article_id}\n{comment.id}\n{comment.label}\n{comment.text}\n"
        digest.update(words.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@st.cache_resource(show_spinner="Comparing the models…", max_entries=1)
def _compare(
    _present: Contender, _new: Contender, _comments: Sequence[Comment], key: str
) -> ModelComparison:
    return compare(_present, _new, _comments)


@st.cache_resource(show_spinner="Loading the new model…", max_entries=1)
def _load(path: str, version: str) -> Scorer:
    return load_model(Path(path))
