"""The insight page: what decisions tell, as plots and as comments to look at again."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import streamlit as st
from sqlalchemy.orm import Session

from moderation import review
from moderation.agreement import Agreement, Kappa, SecondOpinion, compare
from moderation.app import figures, markup
from moderation.app.figures import Figure
from moderation.app.state import Desk, click, now, page, show_message, tell
from moderation.artifacts import read_manifest
from moderation.database import Store
from moderation.desk import ASSUMED
from moderation.errors import DataError, ModelError
from moderation.exporting import Chosen, write_export
from moderation.insight import queries
from moderation.insight.activity import (
    Period,
    Trend,
    count_decisions,
    follow_agreement,
    follow_kappa,
    follow_match_rate,
    follow_precision,
)
from moderation.insight.decided import Decided
from moderation.insight.doubtful import MOST_COMMENTS, Doubts, find_doubtful
from moderation.insight.hours import find_pace, save_hours
from moderation.insight.queries import History, OnComment
from moderation.insight.rules import measure_house_rules, measure_policy_rules
from moderation.policy import Action, Rule, ScoreScale
from moderation.releases import list_releases
from moderation.review.alike import LOOKED_THROUGH

SHOWN: Final = 20
"""Comments that are drawn at once."""
MOST_DOWNLOADED: Final = 50_000
"""More decisions than this are made into a file by the command: the browser would wait."""
MOST_ROWS: Final = 400
"""Rows of numbers beside a plot; an export has all."""
_TABS: Final = ("Volume", "Agreement", "Hours", "Rules", "Contradictions", "Doubtful labels")
_FORMATS: Final = (
    ("CSV", ".csv", "text/csv"),
    ("JSON Lines", ".jsonl", "application/jsonl"),
    ("Parquet", ".parquet", "application/vnd.apache.parquet"),
)
_DONE: Final = {Action.APPROVE: "approved", Action.REMOVE: "removed", Action.HOLD: "held"}


@page
def show(desk: Desk) -> None:
    """Draw the page."""
    st.html(markup.title_line("Insight"))
    show_message()
    with desk.store.reading() as session:
        decided = _history(desk.settings.database_url).read(session)
        if not len(decided):
            _say_nothing_decided()
            return
        drawing: Sequence[Callable[[Desk, Session, Decided], None]] = (
            _draw_volume, _draw_agreement, _draw_hours, _draw_rules, _draw_contradictions,
            _draw_doubtful,
        )  # fmt: skip
        # Only the tab that is open is worked out: each would make the others wait.
        for tab, draw in zip(
            st.tabs(_TABS, key="insight", on_change="rerun", bind="query-params"),
            drawing,
            strict=True,
        ):
            if tab.open:
                with tab:
                    draw(desk, session, decided)


@st.cache_resource(show_spinner="Reading the history… The first time takes longest.")
def _history(url: str) -> History:
    return History()


def _say_nothing_decided() -> None:
    st.write(
        "Nothing is decided yet, so there is nothing to see. Approve or remove some comments on "
        "the page **Review**, then come back."
    )


def _draw_volume(desk: Desk, session: Session, decided: Decided) -> None:
    people = ["everybody", *sorted(decided.decided_by.names)]
    with st.container(horizontal=True):
        period = _ask_period("volume")
        chosen = st.selectbox("Decided by", people, width=280)
    counts = count_decisions(
        decided, period=period, moderator=None if chosen == people[0] else chosen
    )
    if counts:
        _draw(figures.draw_volume(counts, period=period))
    else:
        _say("All of these decisions were taken back.")
    _draw_exports(desk, session)


def _draw_exports(desk: Desk, session: Session) -> None:
    """Draw a button for each format; the file is made when one is pressed."""
    if not desk.leads:
        return
    st.html(markup.part("Export of the decisions in force"))
    if queries.count_in_force(session) > MOST_DOWNLOADED:
        _say("There are too many for a download; write a file with:")
        st.code("python -m moderation.export -o decisions.parquet", language="bash")
        return
    with st.container(horizontal=True):
        for name, ending, kind in _FORMATS:
            st.download_button(
                name,
                functools.partial(_export, desk.store, ending),
                file_name=f"decisions{ending}",
                mime=kind,
                on_click="ignore",
                key=f"export{ending}",
            )
    _say(
        "In the CSV, words that a spreadsheet would take for a formula begin with an apostrophe; "
        "reading it here takes them off again."
    )


def _export(store: Store, ending: str) -> bytes:
    with TemporaryDirectory() as folder, store.reading() as session:
        path = Path(folder) / f"decisions{ending}"
        write_export(session, path, Chosen())
        return path.read_bytes()


def _draw_agreement(desk: Desk, session: Session, decided: Decided) -> None:
    period = _ask_period("agreement")
    people, thresholds = decided.of_people(), _thresholds(desk)
    st.html(markup.part("Moderators and the model"))
    if desk.scorer is not None and desk.scorer.version in thresholds:
        _say(
            f"Model {desk.scorer.version} matches from a score of "
            f"{thresholds[desk.scorer.version]:.1%} on, where the policy does more than to approve."
        )
    if thresholds:
        trends = {
            "decided as the model would": follow_agreement(people, thresholds, period=period),
            "removed, of what it matched": follow_precision(people, thresholds, period=period),
        }
        _draw_trends(trends, period, "share of decisions")
        st.html(markup.part("How much the model matches"))
        matched = {"matched by the model": follow_match_rate(people, thresholds, period=period)}
        _draw_trends(matched, period, "share of decided comments")
    else:
        _say("There is no model with a threshold here; train one on the page Model.")
    st.html(markup.part("Moderators among each other"))
    _draw_opinions(desk, session, queries.read_opinions(session), period)


def _draw_trends(trends: Mapping[str, Trend], period: Period, title: str) -> None:
    if any(trend.moments for trend in trends.values()):
        _draw(figures.draw_trends(trends, period=period, title=title))
    else:
        _say("None of the decisions was made with a score of the model that is in use.")


def _draw_opinions(
    desk: Desk, session: Session, opinions: Sequence[SecondOpinion], period: Period
) -> None:
    if not opinions:
        _say(
            "No second opinions yet. Someone who leads can send a share of decisions blind to a "
            "second moderator, on the page Settings."
        )
        return
    found = compare(opinions)
    st.html(markup.quiet(_describe_overall(found)))
    _draw(figures.draw_kappa(follow_kappa(opinions, period=period), period=period))
    by_pair = {f"{one} and {other}": kappa for (one, other), kappa in found.by_pair.items()}
    for title, kappas in (("house rule", found.by_rule), ("two moderators", by_pair)):
        if kappas:
            st.html(markup.part(f"By {title}"))
            _draw_kappas(kappas, title)
    st.html(markup.part(f"Where they differ: {len(found.differing):,}"))
    _draw_differing(session, found)


def _describe_overall(found: Agreement) -> str:
    kappa, alike, pairs = figures.describe_kappa(found.overall)
    return f"Overall: kappa {kappa}; decided alike: {alike} of {pairs}."


def _draw_kappas(kappas: Mapping[str, Kappa], title: str) -> None:
    if any(kappa.value is not None for kappa in kappas.values()):
        _draw(figures.draw_kappas(kappas, title=title))
    else:
        _say("Everybody always said the same; kappa needs some of both.")


def _draw_differing(session: Session, found: Agreement) -> None:
    shown = found.differing[:SHOWN]
    comments = queries.find_comments(session, [one.key for one in shown])
    for one in shown:
        if one.key in comments:
            said = (
                f"{_done(one.first, one.first_rule)} · {one.first_by}; "
                f"{_done(one.second, one.second_rule)} · {one.second_by}"
            )
            st.html(
                markup.quiet(said) + markup.comment_card(comments[one.key].comment, role="around")
            )
    if reopened := sum(one.key not in comments for one in shown):
        _say(f"Not shown, since they wait for review again: {reopened}.")
    if len(found.differing) > len(shown):
        _say(f"The latest {len(shown)} of {len(found.differing):,}.")


def _draw_hours(desk: Desk, session: Session, decided: Decided) -> None:
    model = _ask_model(desk, decided, "hours")
    of_model = decided.of_people().take(decided.of_people().in_force).of_model(model)
    points = {}
    if desk.scorer is not None and model == desk.scorer.version:
        points = {name: rule.settled_threshold for name, rule in _points(desk).items()}
    pace = find_pace(decided)
    if pace == ASSUMED:
        _say(f"The pace is assumed, {ASSUMED.seconds:g} seconds: too few decisions tell it.")
    if not of_model.removed.any():
        _say("None of the comments scored by this model was removed yet: nothing to weigh hours.")
        return
    _draw(figures.draw_savings(save_hours(of_model, points, pace=pace)))


def _draw_rules(desk: Desk, session: Session, decided: Decided) -> None:
    people = decided.of_people()
    people = people.take(people.in_force)
    st.html(markup.part("What the model catches, by house rule"))
    model = _ask_model(desk, decided, "rules")
    threshold = _thresholds(desk).get(model)
    caught = [] if threshold is None else measure_house_rules(people.of_model(model), threshold)
    if threshold is None:
        _say("The threshold of that model is not known here; choose the one in use.")
    elif caught:
        _draw(figures.draw_caught(caught, threshold=threshold))
    else:
        _say("None of the comments scored by this model was removed for a house rule yet.")
    st.html(markup.part("How often each rule of the policy was right"))
    right = measure_policy_rules(people)
    if right:
        _draw(figures.draw_right(right))
    else:
        _say("No rule of the policy has fired yet on what was decided.")


def _draw_contradictions(desk: Desk, session: Session, decided: Decided) -> None:
    found = review.find_contradictions(session, limit=SHOWN)
    looked_at = f"Looked at: the latest {LOOKED_THROUGH:,} decisions, against those before."
    if not found:
        _say(f"No near-duplicates were decided differently. {looked_at}")
        return
    _say(
        f"Nearly the same words, removed here and approved there; the newest {len(found)}. "
        f"{looked_at} A comment that is reopened waits for review again."
    )
    for number, one in enumerate(found):
        st.html(markup.part(f"{one.older.similarity:.0%} alike"))
        for column, side in zip(st.columns(2), (one.newer, one.older), strict=True):
            with column:
                shown = OnComment.of(side.key, side.comment, side.decision)
                _draw_decided(desk, shown, place=f"contradiction-{number}")


def _draw_doubtful(desk: Desk, session: Session, decided: Decided) -> None:
    _say(
        "Decisions that all the others speak against: a fresh model learns from the other "
        f"articles and scores each comment unseen. Of the latest {MOST_COMMENTS:,} decisions; "
        "with so many it takes up to a minute."
    )
    if st.button("Look for doubtful labels", key="doubt", type="primary"):
        latest = queries.read_latest(session, limit=MOST_COMMENTS)
        try:
            with st.spinner("Learning from the decisions…"):
                doubts = find_doubtful([one.comment for one in latest])
        except DataError as error:
            st.html(markup.notice(str(error), tone="warning"))
            return
        keys = [(latest[label.row].key, label.score) for label in doubts.labels[:SHOWN]]
        st.session_state["doubts"] = doubts, keys
    if "doubts" in st.session_state:
        _draw_doubts(desk, session, *st.session_state["doubts"])


def _draw_doubts(
    desk: Desk, session: Session, doubts: Doubts, keys: Sequence[tuple[str, float]]
) -> None:
    _say(
        f"{len(doubts.labels):,} of {doubts.comments:,} decisions are in doubt; the most doubtful "
        "first. A doubt may be the model's fault: read before you reopen."
    )
    comments = queries.find_comments(session, [key for key, _ in keys])
    for key, score in keys:
        if key in comments:
            _draw_decided(
                desk,
                comments[key],
                place="doubt",
                remark=f" · by the others: removed with {score:.0%}",
            )


def _draw_decided(desk: Desk, found: OnComment, *, place: str, remark: str = "") -> None:
    """Draw a comment with what was decided, and the button that puts it up for review again."""
    said = f"{_done(found.action, found.house_rule)} · {found.decided_by}{remark}"
    st.html(markup.quiet(said) + markup.comment_card(found.comment, role="around"))
    st.button("Reopen", key=f"reopen-{place}-{found.key}", disabled=not desk.decides,
              on_click=_reopen, args=(desk, found.key))  # fmt: skip


def _reopen(desk: Desk, key: str) -> None:
    with click(desk) as session:
        review.reopen(session, key, decided_by=desk.moderator, decided_at=now())
        tell("It waits for review again.", tone="done")


def _draw(figure: Figure) -> None:
    """Draw a figure, what is seen in it, and its numbers for whoever does not see it."""
    st.altair_chart(figure.chart, width="stretch", theme=None, alt=figure.sentence)
    st.html(markup.quiet(figure.sentence))
    with st.expander("The numbers"):
        st.html(markup.table(figure.columns, figure.rows[-MOST_ROWS:]))
        if len(figure.rows) > MOST_ROWS:
            st.html(markup.quiet(f"The last {MOST_ROWS} of {len(figure.rows):,} rows."))


def _ask_period(key: str) -> Period:
    chosen = st.segmented_control(
        "By", list(Period), default=Period.WEEK, key=f"period-{key}", required=True
    )
    return Period(chosen or Period.WEEK)


def _ask_model(desk: Desk, decided: Decided, key: str) -> str:
    """Return the version whose scores are looked at: those of two do not compare."""
    versions = list(decided.models.names[::-1])
    if desk.scorer is not None and desk.scorer.version not in versions:
        versions.append(desk.scorer.version)
    if not versions:
        return ""
    index = 0
    if desk.scorer is not None and desk.scorer.version in decided.models.names:
        index = versions.index(desk.scorer.version)
    chosen = st.selectbox("Scores of the model", versions, index=index, key=f"model-{key}",
                          width=280)  # fmt: skip
    return str(chosen)


def _points(desk: Desk) -> dict[str, Rule]:
    """Return the rules of the policy that compare the model's own score, by name."""
    if desk.scorer is None:
        return {}
    return {
        rule.name: rule
        for _, rule in desk.policy.everywhere()
        if rule.attribute == desk.scorer.attribute
        and rule.scale is ScoreScale.PROBABILITY
        and rule.threshold is not None
    }


def _thresholds(desk: Desk) -> dict[str, float]:
    """
    Return by version of the model the score from which on it was more than approved.

    For the one in use as the policy has it, for earlier ones as they were proposed in training.
    """
    found: dict[str, float] = {}
    for release in list_releases(desk.settings.model):
        with contextlib.suppress(ModelError):
            lowest = sorted(read_manifest(release.path).thresholds.values())[:1]
            found.update((release.version, threshold) for threshold in lowest)
    rules = _points(desk).values()
    matching = [r.settled_threshold for r in rules if r.action is not Action.APPROVE]
    approving = [r.settled_threshold for r in rules if r.action is Action.APPROVE]
    if desk.scorer is not None and (matching or approving):
        found[desk.scorer.version] = min(matching) if matching else max(approving)
    return found


def _done(action: Action, house_rule: str | None) -> str:
    return f"{_DONE[action]}: {house_rule}" if house_rule else _DONE[action]


def _say(sentence: str) -> None:
    st.html(markup.quiet(sentence))
