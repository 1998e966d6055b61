"""`simulate`: replays past comments through a policy, and says what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.desk import HOUR, Desk, replay
from moderation.past import PastComments
from moderation.policy import LIKELY_TO_REJECT
from moderation.shares import Share, measure_shares
from moderation.verdicts import ACTIONS, CAUSES, Verdicts

HOURS_A_DAY: Final = 24
LIKELIEST: Final = 0.01
"""The share of comments that stands for those that deserve removal where no labels tell."""
QUANTILES: Final = 101
_HELD, _APPROVED, _REMOVED = range(3)

Bytes = NDArray[np.int8]
Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Fate:
    """What becomes of a group of comments; `name` is its section or hour, None where unknown."""

    name: str | None
    comments: int
    held: int
    """Decided by a person, whatever was proposed."""
    approved: int
    """Unseen."""
    removed: int
    """Unseen."""
    got_through: Share | None
    """Of the approved ones whose label is known, those that were to be removed."""
    wrongly_removed: Share | None
    """Of the removed ones whose label is known, those that were to be kept."""


@dataclass(frozen=True)
class Reason:
    """The comments of which one rule, or one cause, decided what becomes of them."""

    cause: str
    rule: str
    """What the rule says of itself; empty where none decided."""
    action: str
    automatic: bool
    comments: int
    deserved: Share | None
    """Of those whose label is known, the ones that were to be removed."""


@dataclass(frozen=True)
class Delays:
    """How long comments wait for the decision on them, in seconds."""

    comments: int
    median: float
    nine_in_ten: float
    worst: float
    quantiles: tuple[float, ...]
    """From the shortest to the longest, at each percent."""


@dataclass(frozen=True)
class Simulation:
    """What a policy would have done to past comments, and to the people who moderate them."""

    policy: str
    """Its version."""
    desk: Desk
    total: Fate
    missed: Share | None
    """Of the comments labelled as to be removed, those approved unseen."""
    unlabelled: int
    unlabelled_approved: int
    is_weighted: bool
    reasons: tuple[Reason, ...]
    sections: tuple[Fate, ...]
    """Those with most comments first."""
    hours: tuple[Fate, ...]
    """By the hour of the day (UTC) in which comments came."""
    audited: float
    """Expected number of comments that a person sees though they are acted on unseen."""
    work: float
    """Hours of moderators' time, over held and audited comments."""
    days: float | None
    """From the first comment to the last."""
    untimed: int
    """Held comments without a time, which are in no delay."""
    unfinished: int | None
    """Comments still held when the last one came; None where no times are known."""
    delays: Delays | None
    """Of all held ones."""
    deserving_delays: Delays | None
    """Of held ones labelled as to be removed."""
    likeliest_delays: Delays | None
    """Of held ones without a label whose score is among the highest hundredth of such."""


def simulate(past: PastComments, verdicts: Verdicts, *, desk: Desk) -> Simulation:
    """
    Return what becomes of past comments by the verdicts on them.

    What is not done without a person is held: a moderator decides on it. Labels are what the
    comments deserved; those not known are counted and count for nothing else. Shares of weighted
    comments are weighted; numbers of comments and hours are not.
    """
    fates = np.full(len(past), _HELD, dtype=np.intp)
    fates[verdicts.approved_unseen] = _APPROVED
    fates[verdicts.removed_unseen] = _REMOVED
    approved, known = fates == _APPROVED, past.labels >= 0
    held = np.flatnonzero(fates == _HELD)
    waits = _wait(past, held, desk)
    one = np.zeros(len(past), dtype=np.intp)
    return Simulation(
        policy=verdicts.policy,
        desk=desk,
        total=_fates(past, fates, one, [None])[0],
        missed=measure_missed(past, verdicts),
        unlabelled=int((~known).sum()),
        unlabelled_approved=int((approved & ~known).sum()),
        is_weighted=_is_weighted(past.weights[known]),
        reasons=_reasons(past, verdicts),
        sections=_by_section(past, fates),
        hours=_by_hour(past, fates),
        audited=count_audited(verdicts),
        work=count_hours(verdicts, desk),
        days=_days(past),
        untimed=len(held) - len(waits.rows),
        unfinished=waits.unfinished,
        delays=waits.of(np.ones(len(past), dtype=np.bool_)),
        deserving_delays=waits.of(past.labels == 1),
        likeliest_delays=waits.of(_find_likeliest(past)),
    )


def measure_missed(past: PastComments, verdicts: Verdicts) -> Share | None:
    """Return the share of the comments labelled as to be removed that is approved unseen."""
    one = np.zeros(len(past), dtype=np.intp)
    return measure_shares(one, 1, past.labels == 1, verdicts.approved_unseen, past.weights)[0]


def count_hours(verdicts: Verdicts, desk: Desk) -> float:
    """Return the hours of moderators' time: over what is held, and what is audited."""
    held = len(verdicts) - int((verdicts.approved_unseen | verdicts.removed_unseen).sum())
    return (held + count_audited(verdicts)) * desk.pace.seconds / HOUR


def count_audited(verdicts: Verdicts) -> float:
    """Return how many of the automatic actions a person is expected to see all the same."""
    audits = np.array([*(rule.audit for rule in verdicts.rules), 0.0])
    fired = verdicts.fired[verdicts.automatic].astype(np.intp) % len(audits)  # none, -1, is last
    return float(np.bincount(fired, minlength=len(audits)) @ audits)


def _is_weighted(weights: Floats) -> bool:
    return bool(len(weights)) and bool((weights != weights[0]).any())


def _fates(
    past: PastComments, fates: Integers, group: Integers, names: Sequence[str | None]
) -> list[Fate]:
    """Return what becomes of each group; `group` is the number of each comment's, or its own."""
    number = len(names)
    counts = np.bincount(group * 3 + fates, minlength=number * 3).reshape(number, 3)
    known = past.labels >= 0
    got_through, wrongly_removed = (
        measure_shares(group, number, (fates == fate) & known, past.labels == wrong, past.weights)
        for fate, wrong in ((_APPROVED, 1), (_REMOVED, 0))
    )
    return [
        Fate(
            name=name,
            comments=int(counts[place].sum()),
            held=int(counts[place, _HELD]),
            approved=int(counts[place, _APPROVED]),
            removed=int(counts[place, _REMOVED]),
            got_through=got_through[place],
            wrongly_removed=wrongly_removed[place],
        )
        for place, name in enumerate(names)
    ]


def _by_section(past: PastComments, fates: Integers) -> tuple[Fate, ...]:
    if past.sections is None:
        return ()
    names = [*past.sections.names, None]
    group = past.sections.codes.astype(np.intp) % len(names)  # none, -1, is the last
    found = _fates(past, fates, group, names)
    return tuple(sorted((f for f in found if f.comments), key=lambda f: -f.comments))


def _by_hour(past: PastComments, fates: Integers) -> tuple[Fate, ...]:
    if past.created_at is None:
        return ()
    timed = np.flatnonzero(_timed(past))
    hours = past.created_at[timed].astype("datetime64[h]").astype(np.int64) % HOURS_A_DAY
    names = [f"{hour:02d}" for hour in range(HOURS_A_DAY)]
    return tuple(_fates(past.take(timed), fates[timed], hours, names))


def _reasons(past: PastComments, verdicts: Verdicts) -> tuple[Reason, ...]:
    """Return what decided, and what of it was right; what decided most often comes first."""
    rules, causes = len(verdicts.rules) + 1, len(CAUSES)
    key = verdicts.fired.astype(np.intp) % rules * causes + verdicts.causes
    key = key * len(ACTIONS) + verdicts.actions
    number = rules * causes * len(ACTIONS)
    counts = np.bincount(key, minlength=number)
    known = past.labels >= 0
    deserved = measure_shares(key, number, known, past.labels == 1, past.weights)
    automatic = np.bincount(key, verdicts.automatic, number)
    found = []
    for place in np.flatnonzero(counts).tolist():
        fired, cause, action = np.unravel_index(place, (rules, causes, len(ACTIONS)))
        rule = "" if fired == rules - 1 else str(verdicts.rules[fired])
        found.append(
            Reason(
                cause=str(CAUSES[cause]),
                rule=rule,
                action=str(ACTIONS[action]),
                automatic=bool(automatic[place]),
                comments=int(counts[place]),
                deserved=deserved[place],
            )
        )
    return tuple(sorted(found, key=lambda reason: -reason.comments))


@dataclass(frozen=True)
class _Waits:
    """Held comments with a time: which rows, and how long each waits."""

    rows: Integers
    seconds: Floats
    unfinished: int | None

    def of(self, chosen: Mask) -> Delays | None:
        seconds = self.seconds[chosen[self.rows]]
        if not len(seconds):
            return None
        quantiles = np.quantile(seconds, np.linspace(0, 1, QUANTILES)).tolist()
        return Delays(len(seconds), quantiles[50], quantiles[90], quantiles[-1], tuple(quantiles))


def _wait(past: PastComments, held: Integers, desk: Desk) -> _Waits:
    timed = _timed(past)
    if past.created_at is None or not timed.any():
        return _Waits(held[:0], np.empty(0), None)
    rows = held[timed[held]]
    created = _seconds(past.created_at[rows])
    decided = replay(created, _likelihood(past)[rows], desk)
    last = _seconds(past.created_at[timed]).max()
    return _Waits(rows, decided - created, int((decided > last).sum()))


def _likelihood(past: PastComments) -> Floats:
    """Return what the desk orders by: the own attribute's score, else the highest of a comment."""
    if LIKELY_TO_REJECT in past.scores:
        return past.scores[LIKELY_TO_REJECT]
    found = np.full(len(past), np.nan)
    for scores in past.scores.values():
        found = np.fmax(found, scores)
    return found


def _find_likeliest(past: PastComments) -> Mask:
    scores = np.where(past.labels < 0, _likelihood(past), np.nan)
    known = scores[~np.isnan(scores)]
    if not len(known):
        return np.zeros(len(past), dtype=np.bool_)
    return np.asarray(scores >= np.quantile(known, 1 - LIKELIEST))


def _timed(past: PastComments) -> Mask:
    if past.created_at is None:
        return np.zeros(len(past), dtype=np.bool_)
    return np.asarray(~np.isnat(past.created_at))


def _days(past: PastComments) -> float | None:
    if past.created_at is None or not (timed := _timed(past)).any():
        return None
    moments = past.created_at[timed]
    return float((moments.max() - moments.min()) / np.timedelta64(1, "D"))


def _seconds(moments: NDArray[np.datetime64]) -> Floats:
    return np.asarray(moments.astype("datetime64[us]").astype(np.int64) / 1e6)
