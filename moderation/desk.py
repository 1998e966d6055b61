"""When each held comment is decided: moderators at a pace, at their hours, likeliest first."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.past import PastComments

BREAK: Final = 300.0
"""A moderator who decides nothing for longer than these seconds is not at work on a comment."""
LEAST_GAPS: Final = 20
"""Fewer gaps between decisions tell no pace."""
AUTOMATIC: Final = "policy:"
"""How the name of who decided begins where nobody did."""

SITE: Final = "site:"
"""How it begins where another system sent what was decided there: its times tell no pace here."""

DAY, HOUR = 86_400.0, 3_600.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pace:
    """Seconds that a decision takes, and where that is known from."""

    seconds: float
    origin: str = "as given"

    def __post_init__(self) -> None:
        if not 0 < self.seconds < DAY:
            raise ValueError(
                f"the pace is {self.seconds} seconds; expected more than 0, under a day"
            )


ASSUMED: Final = Pace(
    30.0, "an assumption; add columns 'decided_by' and 'decided_at', or say --pace"
)
"""Where nobody measured: what reading a comment and its context may take."""


@dataclass(frozen=True)
class Desk:
    """How many moderators decide at once, at which pace, from which hour to which (UTC)."""

    pace: Pace
    moderators: int = 1
    begins: int = 0
    ends: int = 24
    """Where it is not after `begins`, it is on the next day."""

    def __post_init__(self) -> None:
        if self.moderators < 1:
            raise ValueError(f"{self.moderators} moderators; expected at least one")
        if not (0 <= self.begins < 24 and 0 < self.ends <= 24):
            raise ValueError(f"hours from {self.begins} to {self.ends}; expected 0 to 24")

    @property
    def daily(self) -> float:
        """Seconds of work a day."""
        return ((self.ends - self.begins - 1) % 24 + 1) * HOUR

    def worked_until(self, moments: Floats) -> Floats:
        """Return the seconds of work that pass until moments, in seconds since 1970 (UTC)."""
        days, since = np.divmod(moments - self.begins * HOUR, DAY)
        return np.asarray(days * self.daily + np.minimum(since, self.daily))

    def moment_after(self, worked: Floats) -> Floats:
        """Return the earliest moment until which so many seconds of work pass."""
        days = np.ceil(worked / self.daily) - 1
        return np.asarray(days * DAY + self.begins * HOUR + (worked - days * self.daily))


def measure_pace(past: PastComments) -> Pace | None:
    """
    Return the median gap between consecutive decisions of the same moderator.

    Longer gaps than `BREAK` are breaks, and decisions of one moment one decision; what a policy
    or another system decided is left out. None where nobody's decisions are known, or fewer than
    `LEAST_GAPS` gaps are left.
    """
    if past.decided_by is None or past.decided_at is None:
        return None
    names = past.decided_by.names
    elsewhere = np.array([*(name.startswith((AUTOMATIC, SITE)) for name in names), True])
    known = ~np.isnat(past.decided_at) & ~elsewhere[past.decided_by.codes]
    moderators, moments = past.decided_by.codes[known], past.decided_at[known]
    order = np.lexsort((moments, moderators))
    gaps = np.diff(moments[order]) / np.timedelta64(1, "s")
    same = np.diff(moderators[order]) == 0
    gaps = gaps[same & (gaps > 0) & (gaps <= BREAK)]
    if len(gaps) < LEAST_GAPS:
        return None
    origin = f"the median of {len(gaps):,} gaps between a moderator's decisions"
    return Pace(float(np.median(gaps)), origin)


def replay(created: Floats, likelihood: Floats, desk: Desk) -> Floats:
    """
    Return the moment when each comment is decided, in seconds since 1970 as it was `created`.

    Whenever a moderator is free, the likeliest of the comments that wait is taken, as the review
    desk does: those without a score (NaN) first; of equals, the oldest.
    """
    likeliest_first = np.lexsort((created, np.where(np.isnan(likelihood), -np.inf, -likelihood)))
    ranks = np.empty(len(created), dtype=np.int64)
    ranks[likeliest_first] = np.arange(len(created))
    by_arrival = np.argsort(created, kind="stable")
    arrived = desk.worked_until(created[by_arrival])
    begun = _begin(arrived.tolist(), ranks[by_arrival].tolist(), desk)
    return desk.moment_after(np.array(begun)[ranks] + desk.pace.seconds)


def _begin(arrived: list[float], ranks: list[int], desk: Desk) -> list[float]:
    """
    Return when each comment is taken, by rank, in seconds of work; arrivals are in order.

    All decisions take equally long, so they end in the order in which they began: who is free next
    is who began `moderators` decisions ago.
    """
    begun, by_rank = [0.0] * len(ranks), [0.0] * len(ranks)
    pace, moderators = desk.pace.seconds, desk.moderators
    waiting: list[int] = []
    push, pop = heapq.heappush, heapq.heappop
    came, comments, now = 0, len(ranks), float("-inf")
    for turn in range(comments):
        if turn >= moderators and now < (free := begun[turn - moderators] + pace):
            now = free
        if not waiting and now < arrived[came]:
            now = arrived[came]
        while came < comments and arrived[came] <= now:
            push(waiting, ranks[came])
            came += 1
        begun[turn] = by_rank[pop(waiting)] = now
    return by_rank
