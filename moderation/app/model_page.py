"""The model page: train a new model, compare it, use it or go back; the card of the present one."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from moderation import releases
from moderation.app import comparison, markup
from moderation.app.state import Desk, now, page, show_message, tell
from moderation.comparing import LAST
from moderation.errors import ModelError, ModerationError
from moderation.releases import Change, Kind, Release
from moderation.retraining import Run, State, cancel, read_run, start

EVERY = 1.0
"""Seconds between two looks at how far training is."""
_PICTURE = re.compile(r"^!\[(?P<title>[^\]]*)\]\((?P<path>[\w./-]+)\)$", re.M)
_HEADING = re.compile(r"^(#+ )", re.M)
"""Of a card, which are smaller here: the page has a title of its own."""
_TONES = {State.FAILED: "error", State.LOST: "error", State.CANCELLED: "warning"}


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    st.html(markup.title_line("No model" if desk.why_no_model else "Model"))
    if desk.why_no_model:
        st.html(markup.notice(desk.why_no_model, tone="warning"))
        st.code("python -m moderation.train", language="bash")
    if desk.member is None:
        st.html(markup.notice("Type your name on the left to change models.", tone="warning"))
    if desk.leads:
        _train(desk)
    show_message()  # between the buttons that it answers: both ends of a long page are out of sight
    if desk.leads:
        _show_candidate(desk)
    _show_history(desk)
    if not desk.why_no_model:
        _show_card(desk.settings.model)


# Training


def _train(desk: Desk) -> None:
    with st.container(border=True, key="training"):
        st.html(markup.heading("Train a new model"))
        run = read_run(desk.settings.model)
        if run is not None and run.state is State.RUNNING:
            _watch(desk)
            return
        st.html(
            markup.quiet(
                f"It learns from the files in {desk.settings.data}/ and from the moderators' "
                f"decisions, the last fifth excepted (at most {LAST:,}): on these it is compared "
                "with the model in use, which stays in use until you say otherwise."
            )
        )
        if run is not None:
            _say_how_it_ended(run)
        st.button("Train a new model", key="train",
                  on_click=_start, args=(desk,))  # fmt: skip


@st.fragment(run_every=EVERY)
def _watch(desk: Desk) -> None:
    """Draw how far training is, again and again; the rest of the page waits for its end."""
    run = read_run(desk.settings.model)
    if run is None or run.state is not State.RUNNING:
        st.rerun()
    st.progress(run.share, text=f"{run.doing} …")
    st.html(
        markup.quiet(
            f"Begun by {run.by} at {markup.show_time(run.started_at)}. It goes on when this page "
            "is closed; the desk stays as it is meanwhile."
        )
    )
    st.button("Cancel", key="cancel", disabled=run.pid is None, on_click=_cancel, args=(desk,))


def _say_how_it_ended(run: Run) -> None:
    when = f"{run.by}, {markup.show_time(run.started_at)}"
    if run.state is State.DONE:
        st.html(markup.quiet(f"Last training ({when}): {run.outcome}."))
    else:
        told = f"The last training ({when}) gave no model: {run.outcome}"
        st.html(markup.notice(told, tone=_TONES[run.state]))


def _start(desk: Desk) -> None:
    _do(desk, partial(start, desk.settings, by=desk.moderator, at=now()))


def _cancel(desk: Desk) -> None:
    _do(desk, partial(cancel, desk.settings.model))


# The new model, and those before


def _show_candidate(desk: Desk) -> None:
    candidate = releases.find_candidate(desk.settings.model)
    if candidate is None:
        return
    with st.container(border=True, key="candidate"):
        st.html(markup.heading("The new model"))
        st.html(markup.quiet(_describe(candidate)))
        usable = comparison.show(desk, candidate)
        with st.container(horizontal=True):
            st.button("Use the new model", key=f"use-{candidate.version}", type="primary",
                      disabled=not usable,
                      on_click=_use, args=(desk, candidate))  # fmt: skip
            st.button("Discard", key=f"discard-{candidate.version}",
                      on_click=_discard, args=(desk, candidate))  # fmt: skip
        with st.expander("Its card"):
            _show_card(candidate.path)


def _show_history(desk: Desk) -> None:
    in_use = desk.settings.model
    journal, kept = releases.read_journal(in_use), releases.list_releases(in_use)
    if not journal.changes and not journal.unreadable:
        return
    before = releases.previous(in_use)
    with st.container(border=True, key="history"):
        lines = markup.bullets(_describe(release) for release in kept)
        st.html(markup.heading("Models until now") + lines)
        if desk.leads and before is not None:
            st.button(
                f"Go back to model {before.version}",
                key=f"back-{before.version}",
                on_click=_go_back,
                args=(desk, before),
            )
        others = [one for one in kept if not one.in_use and one != before]
        if desk.leads and others:
            with st.expander("Use another one again"):
                for release in others:
                    st.button(f"Use model {release.version}", key=f"again-{release.version}",
                                            on_click=_use, args=(desk, release))  # fmt: skip
        lines = markup.bullets(_tell(change) for change in reversed(journal.changes))
        st.html(markup.quiet("What was put in use, the latest first") + lines)
        if journal.unreadable:
            st.html(markup.quiet(f"{journal.unreadable} more that cannot be read any more."))


def _describe(release: Release) -> str:
    facts = [f"model {release.version}", f"trained {markup.show_time(release.saved_at)}"]
    if release.comments is not None:
        removed = "" if release.removed is None else f", {release.removed:,} of them removed"
        facts.append(f"on {release.comments:,} comments{removed}")
    if release.in_use:
        facts.append("in use")
    return " · ".join(facts)


def _tell(change: Change) -> str:
    what = f"{change.after} put in use"
    if change.kind is Kind.WENT_BACK:
        what = f"gone back to {change.after}"
    instead = f" instead of {change.before}" if change.before else ""
    return f"{what}{instead} · {change.by} · {markup.show_time(change.at)}"


def _use(desk: Desk, release: Release) -> None:
    promote = partial(releases.promote, release.path, desk.settings.model, version=release.version)
    _do(
        desk,
        partial(promote, by=desk.moderator, at=now()),
        f"Model {release.version} is in use now.",
    )


def _go_back(desk: Desk, release: Release) -> None:
    roll_back = partial(releases.roll_back, desk.settings.model, version=release.version)
    _do(
        desk,
        partial(roll_back, by=desk.moderator, at=now()),
        f"Model {release.version} is in use again.",
    )


def _discard(desk: Desk, release: Release) -> None:
    discard = partial(releases.discard, desk.settings.model, version=release.version)
    _do(desk, discard, f"The new model {release.version} is deleted.")


def _do(desk: Desk, change: Callable[[], object], done: str = "") -> None:
    """Do what a lead's click asks for, and say what came of it."""
    try:
        if not desk.leads:
            raise ModelError("only a lead trains models and puts them in use")
        change()
    except ModerationError as error:
        tell(str(error), tone="error")
        return
    if done:
        tell(done, tone="done")


# The card


def _show_card(model: Path) -> None:
    path = model.with_suffix(".md")
    if not path.exists():
        missing = f"The model has no card: {path} is missing. Train again."
        st.html(markup.notice(missing, tone="warning"))
        return
    card, at = _HEADING.sub(r"##\1", path.read_text(encoding="utf-8")), 0
    for picture in _PICTURE.finditer(card):
        if words := card[at : picture.start()].strip():
            st.markdown(words)
        plot = path.parent / picture["path"]
        if plot.is_file():
            st.image(str(plot), caption=picture["title"], width=720, alt=picture["title"])
        at = picture.end()
    st.markdown(card[at:])
