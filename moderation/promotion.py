"""`compare(present, new)`: a new policy or model against the present one, on past decisions."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from moderation.guarantees import fewest
from moderation.metrics import clopper_pearson
from moderation.past import PastComments
from moderation.policy import SEVERITY, Action, ErrorLimit, MissLimit, Policy, Promise, Rule
from moderation.policy.doubts import find_foreign
from moderation.verdicts import Verdicts, find_places

CONFIDENCE: Final = 0.95
"""Where no promise says another one."""
TO_READ: Final = 20
"""Comments of each kind of move that are put before a reader."""
_LABELS_SAY: Final = {Action.APPROVE: 1, Action.REMOVE: 0}
"""The label that tells an automatic action wrong."""

Counts = tuple[tuple[int, ...], ...]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Side:
    """A policy, the comments with the scores of its model, and what it says of each."""

    policy: Policy
    past: PastComments
    verdicts: Verdicts


class Outcome(StrEnum):
    """What past decisions say of a promise."""

    SHOWN = "kept, and these decisions alone would show it"
    POSSIBLE = "not contradicted"
    BROKEN = "contradicted"
    TOO_FEW = "too few decisions to tell"
    NO_SAMPLE = "labels that are no random sample cannot tell"
    IDLE = "acts through a person only"


@dataclass(frozen=True)
class Recheck:
    """A promise, found again on past decisions."""

    rule: str
    promise: Promise
    acted: int
    """Comments it acts on without a person."""
    labelled: int
    """What the promise is a share of, as far as labels are known and count."""
    errors: int
    low: float
    high: float
    """Where the share of errors lies, each end with the confidence (Clopper and Pearson 1934)."""
    outcome: Outcome
    more: int | None = None
    """About how many more decisions it takes to tell; None where that is not known."""

    @property
    def share(self) -> float | None:
        return self.errors / self.labelled if self.labelled else None


@dataclass(frozen=True)
class Paired:
    """Labelled comments on which a policy errs, for two policies on the same ones."""

    comments: int
    present: int
    new: int
    only_present: int
    only_new: int
    newly: int
    """Comments, labelled or not, on which the new one acts and the present one does not."""
    more: float
    fewer: float
    """
    How likely so many or more, or so few or fewer, of those that one alone errs on are the new
    one's, were both alike (McNemar 1947, exact).
    """


@dataclass(frozen=True)
class Decision:
    """Whether the new one is to take the place of the present one, and why (not)."""

    promote: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What changes with a new policy, on the same past decisions."""

    comments: int
    labelled: int
    counted: int
    """Labelled comments on which errors are counted: fewer where weights are uneven."""
    moves: Counts
    """Comments by action, mildest first: a row for each present one, a column for each new one."""
    to_wait: Rows
    to_pass: Rows
    """Which pass unseen now and would wait for a person, and the other way round."""
    rechecks: tuple[Recheck, ...]
    present_rechecks: tuple[Recheck, ...]
    through: Paired
    """Approved unseen though they were to be removed."""
    wrongly_removed: Paired
    decision: Decision


def compare(
    present: Side,
    new: Side,
    *,
    tolerated: float = 0.0,
    plain_sample: bool = False,
    rng: np.random.Generator,
) -> Comparison:
    """
    Compare two policies on the same comments, in the same order.

    Errors are counted on labelled comments. Where their weights are uneven, each is kept with a
    probability in proportion to its weight, which leaves a plain random sample; without weights
    they are one only if `plain_sample` says so or no label is missing. `tolerated` is how much
    more of all comments may get through, or be removed wrongly, than now.

    Raises:
        ValueError: the comments of the two are not as many.

    """
    past = present.past
    if len(past) != len(new.past):
        raise ValueError(f"{len(past)} comments beside {len(new.past)}: expected the same ones")
    counted, even = _choose_counted(past, rng)
    is_sample = plain_sample or not even or bool((past.labels >= 0).all())
    passes, would_pass = present.verdicts.approved_unseen, new.verdicts.approved_unseen
    waits, would_wait = ~present.verdicts.automatic, ~new.verdicts.automatic
    rechecks = tuple(_recheck(new, past.labels, counted, is_sample=is_sample))
    through = _pair(passes, would_pass, past.labels == 1, counted)
    wrongly_removed = _pair(
        present.verdicts.removed_unseen, new.verdicts.removed_unseen, past.labels == 0, counted
    )
    unseen = _count_unlabelled(past, would_pass & ~passes) if not is_sample else 0
    return Comparison(
        comments=len(past),
        labelled=int((past.labels >= 0).sum()),
        counted=int(counted.sum()),
        moves=_count_moves(present.verdicts, new.verdicts),
        to_wait=np.flatnonzero(passes & would_wait),
        to_pass=np.flatnonzero(waits & would_pass),
        rechecks=rechecks,
        present_rechecks=tuple(_recheck(present, past.labels, counted, is_sample=is_sample)),
        through=through,
        wrongly_removed=wrongly_removed,
        decision=_judge(
            new, rechecks, through, wrongly_removed, tolerated=tolerated, unseen=unseen
        ),
    )


def choose_last(past: PastComments, last: int | None) -> Rows:
    """
    Return the rows of the last decisions, in the order of the table.

    By the time of the decision where the table has any, and then only what has one was decided;
    else by the time of the comment, else by the order of the table. Of equal times the later row
    is the later one; a comment without a time is earlier than all others.
    """
    rows = np.arange(len(past))
    moments = past.created_at
    if past.decided_at is not None:
        rows, moments = np.flatnonzero(~np.isnat(past.decided_at)), past.decided_at
    if last is None or last >= len(rows):
        return rows
    if moments is not None:
        times = moments[rows].astype("datetime64[us]").astype(np.int64)  # none is the smallest
        rows = rows[np.argsort(times, kind="stable")]
    return np.sort(rows[len(rows) - last :])


def join_rows(present: Sequence[object], new: Sequence[object]) -> tuple[Rows, Rows]:
    """
    Return the rows of two tables that have the same key, in the order of the first.

    A key that a table has more than once names no one comment: it is left out.
    """
    found = _places(new)
    pairs = [(row, found[key]) for key, row in _places(present).items() if key in found]
    rows = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def choose_to_read(rows: Rows, rng: np.random.Generator, *, most: int = TO_READ) -> Rows:
    """Return some of the rows, each as likely, in their order."""
    chosen = rng.choice(rows, size=min(most, len(rows)), replace=False)
    return np.sort(chosen)


def _places(keys: Sequence[object]) -> dict[object, int]:
    places: dict[object, int] = {}
    repeated = set()
    for row, key in enumerate(keys):
        if key in places:
            repeated.add(key)
        places[key] = row
    return {key: row for key, row in places.items() if key not in repeated}


def _choose_counted(past: PastComments, rng: np.random.Generator) -> tuple[Mask, bool]:
    """
    Return which labelled comments are counted, and whether all weigh the same.

    The heaviest is that of any comment: of a rare kind that has no label here, the others must not
    pass for all there are.
    """
    labelled: Mask = past.labels >= 0
    weights, heaviest = past.weights[labelled], float(np.nanmax(past.weights, initial=0.0))
    if not len(weights) or (heaviest > 0 and (weights == heaviest).all()):
        return labelled, True
    counted = labelled.copy()
    counted[labelled] = rng.random(len(weights)) * heaviest < weights
    return counted, False


def _count_moves(present: Verdicts, new: Verdicts) -> Counts:
    number = len(SEVERITY)
    pairs = present.actions.astype(np.intp) * number + new.actions
    counts = np.bincount(pairs, minlength=number**2).reshape(number, number)
    return tuple(tuple(row) for row in counts.tolist())


def _count_unlabelled(past: PastComments, chosen: Mask) -> int:
    return int((chosen & (past.labels < 0)).sum())


def _recheck(
    side: Side, labels: NDArray[np.int8], counted: Mask, *, is_sample: bool
) -> Iterator[Recheck]:
    """Yield each promise of a policy as these decisions have it."""
    for rule in _promising(side.policy):
        yield _recheck_rule(rule, side, labels, counted, is_sample=is_sample)


def _promising(policy: Policy) -> Iterator[Rule]:
    """Yield the rules with a promise, of whatever place."""
    yield from dict.fromkeys(rule for _, rule in policy.everywhere() if rule.is_promise)


def _recheck_rule(
    rule: Rule, side: Side, labels: NDArray[np.int8], counted: Mask, *, is_sample: bool
) -> Recheck:
    verdicts, promise = side.verdicts, rule.goal
    assert isinstance(promise, ErrorLimit | MissLimit)
    number = verdicts.rules.index(rule) if rule in verdicts.rules else len(verdicts.rules)
    acted: Mask = verdicts.automatic & (verdicts.fired == number)
    if isinstance(promise, ErrorLimit):
        limit, about, wrong = promise.error, acted, labels == _LABELS_SAY[rule.action]
        of = about & counted
    else:
        limit, about, wrong = promise.missed, _stands_in(rule, side), acted
        of = about & counted & (labels == 1)
    confidence = promise.confidence or CONFIDENCE
    errors, labelled = int((of & wrong).sum()), int(of.sum())
    low, high = clopper_pearson(errors, labelled, doubt=1 - confidence)
    outcome, more = Outcome.POSSIBLE, None
    missing = fewest(limit, 1 - confidence) - labelled
    if not rule.acts_on(side.past.model):
        outcome = Outcome.IDLE
    elif not is_sample and (about & (labels < 0)).any():
        outcome = Outcome.NO_SAMPLE
    elif low > limit:
        outcome = Outcome.BROKEN
    elif missing > 0:
        outcome = Outcome.TOO_FEW
        more = math.ceil(missing * len(labels) / labelled) if labelled else None
    elif high <= limit:
        outcome = Outcome.SHOWN
    return Recheck(rule.name, promise, int(acted.sum()), labelled, errors, low, high, outcome, more)


def _stands_in(rule: Rule, side: Side) -> Mask:
    """Return which comments are in a place that has the rule."""
    found = np.zeros(len(side.past), dtype=np.bool_)
    for place, rows in find_places(side.past, side.policy):
        found[rows] = rule in place.rules
    return found


def _pair(present: Mask, new: Mask, wrong: Mask, counted: Mask) -> Paired:
    """Count the errors of two policies among the comments that are counted."""
    before, after = present & wrong & counted, new & wrong & counted
    only_present, only_new = int((before & ~after).sum()), int((after & ~before).sum())
    apart = only_present + only_new
    return Paired(
        comments=int(counted.sum()),
        present=int(before.sum()),
        new=int(after.sum()),
        only_present=only_present,
        only_new=only_new,
        newly=int((new & ~present).sum()),
        more=float(stats.binom.sf(only_new - 1, apart, 0.5)),
        fewer=float(stats.binom.cdf(only_new, apart, 0.5)),
    )


def _is_more(through: Paired, tolerated: float) -> bool:
    """
    Tell whether more gets through than is tolerated, with confidence.

    Where nothing is, by the exact sign test. Else unless the upper bound of what the new one alone
    lets through is no further than that above the lower bound of what the present one alone does;
    each with half of the doubt, so that both hold (Bonferroni): what is tolerated is to be shown.
    """
    if not through.newly:
        return False
    if not tolerated:
        return through.only_new > through.only_present and through.more <= 1 - CONFIDENCE
    return _at_most_more(through) > tolerated


def _at_most_more(paired: Paired) -> float:
    """Return how much more of all comments the new one errs on than the present one, at most."""
    if not paired.newly:
        return 0.0
    doubt = (1 - CONFIDENCE) / 2
    _, high = clopper_pearson(paired.only_new, paired.comments, doubt=doubt)
    low, _ = clopper_pearson(paired.only_present, paired.comments, doubt=doubt)
    return max(high - low, 0.0)


def _judge(
    new: Side,
    rechecks: Sequence[Recheck],
    through: Paired,
    wrongly_removed: Paired,
    *,
    tolerated: float,
    unseen: int,
) -> Decision:
    """Return whether to promote; one reason not to is enough."""
    against = [*find_foreign(new.policy, new.past.model), *_doubt_promises(rechecks)]
    if unseen and not any(found.outcome is Outcome.NO_SAMPLE for found in rechecks):
        against.append(
            f"{unseen:,} comments that would newly pass unseen have no label, and {_NO_SAMPLE}"
        )
    if _is_more(through, tolerated):
        against.append(
            f"{_more('gets through', tolerated)}: of {through.comments:,} labelled comments "
            f"{through.new:,}, now {through.present:,}"
        )
    if _is_more(wrongly_removed, tolerated):
        against.append(
            f"{_more('is removed wrongly', tolerated)}: of {wrongly_removed.comments:,} labelled "
            f"comments {wrongly_removed.new:,}, now {wrongly_removed.present:,}"
        )
    if not through.comments:
        against.append("too few decisions to tell: none has a label")
    if against:
        return Decision(False, tuple(against))
    most = _at_most_more(through)
    return Decision(
        True,
        (
            f"at most {most:.3%} more of all comments gets through, with {CONFIDENCE:.0%} "
            "confidence",
            "no promise is contradicted, and no more gets through or is removed wrongly than "
            + ("is tolerated" if tolerated else "now, as far as these decisions tell"),
        ),
    )


def _more(what: str, tolerated: float) -> str:
    if tolerated:
        return f"nothing shows that no more {what} than is tolerated"
    return f"more {what} than now"


_NO_SAMPLE: Final = (
    "nothing says that those with one were chosen by chance: add weights, as the audit gives them"
)


def _doubt_promises(rechecks: Sequence[Recheck]) -> Iterator[str]:
    for found in rechecks:
        if found.outcome is Outcome.BROKEN:
            yield (
                f"{found.rule!r} breaks its promise ({found.promise}): {found.errors:,} of "
                f"{found.labelled:,}, so at least {found.low:.3%}"
            )
        elif found.outcome is Outcome.NO_SAMPLE:
            yield (f"{found.rule!r}: comments that it is about have no label, and {_NO_SAMPLE}")
        elif found.outcome is Outcome.TOO_FEW:
            more = f"about {found.more:,} more" if found.more else "more"
            yield (
                f"{found.rule!r}: too few decisions to tell: {found.labelled:,} labels count; "
                f"{more} decisions are needed"
            )
