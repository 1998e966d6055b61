"""Finds the thresholds that a policy asks for in words, on labelled comments."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from moderation.errors import DataError
from moderation.guarantees import ErrorCurve, Kept, Refused, draw_by_weight, find_threshold
from moderation.past import PastComments
from moderation.policy import Action, Cause, ErrorLimit, Evidence, Goal, MissLimit, Policy, Rule
from moderation.policy.files import RuleAt, Value
from moderation.thresholds import Answer, find_point
from moderation.verdicts import CAUSES, decide_all, find_places, match, read_scores

Mask = NDArray[np.bool_]
Moment = np.datetime64

TENTHS = 10
UNLIKELY = 0.001
"""How unlikely a plain sample may look before it is refused as one."""

_FORBIDDEN = [CAUSES.index(cause) for cause in (Cause.NO_SCORE, Cause.TOO_SHORT, Cause.LANGUAGE)]


@dataclass(frozen=True)
class Settled:
    """A rule with the threshold that was found for it."""

    at: RuleAt
    rule: Rule
    found: Answer | Kept
    curve: ErrorCurve | None = None
    """Of a promise about errors, what it was settled on."""

    @property
    def changes(self) -> dict[str, Value]:
        """What is to be written into the rule's file; one that was suspended acts again."""
        evidence = self.rule.evidence
        return {
            "threshold": self.rule.threshold,
            "evidence": None if evidence is None else vars(evidence),
            "suspended": None,
        }


@dataclass(frozen=True)
class Unsettled:
    """A rule for which there is no threshold, and why."""

    at: RuleAt
    rule: Rule
    reason: str
    curve: ErrorCurve | None = None


def settle(
    policy: Policy,
    past: PastComments,
    *,
    base_rate: float | None = None,
    site_base_rate: float | None = None,
    seed: int = 0,
) -> list[Settled | Unsettled]:
    """
    Return what is found for each rule that says in words what its threshold is to achieve.

    On the labelled comments for which the rule is in force, of those that are decided by score. A
    promise is settled on what its rule would act on: comments that another rule sends to a person
    are not among them, as far as that one has a threshold already. `base_rate` is the one at which
    the scores are probabilities; `site_base_rate` that at which operating points are to be reached,
    without it that of the labels; `seed` that of drawing by weights.
    """
    labelled = past.take((past.labels >= 0) & (past.weights > 0))
    by_score = _decided_by_score(policy, labelled)
    found: list[Settled | Unsettled] = []
    for override, rule in policy.everywhere():
        if rule.goal is not None:
            rows = by_score & ~np.isnan(labelled.scores[rule.attribute])
            rows &= _not_taken(rule, policy, labelled, base_rate)
            comments = labelled.take(rows)
            at = RuleAt(override, rule.name)
            if isinstance(rule.goal, Goal):
                found.append(_settle_point(at, rule, comments, base_rate, site_base_rate))
            else:
                found.append(_settle_promise(at, rule, rule.goal, comments, base_rate, seed))
    return found


def check_plain(past: PastComments) -> None:
    """
    Refuse labels as a plain sample where whether a comment has one depends on a score of it.

    Raises:
        DataError: of some tenths of the scores more comments have a label than of others, which is
            what an earlier policy leaves behind: what it approved unseen has none.

    """
    for scores in past.scores.values():
        _check_plain(scores, past.labels >= 0)


def _check_plain(scores: NDArray[np.float64], known: Mask) -> None:
    known, scores = known[~np.isnan(scores)], scores[~np.isnan(scores)]
    tenth = np.searchsorted(np.quantile(scores, np.arange(1, TENTHS) / TENTHS), scores)
    table = np.array([np.bincount(tenth[known == label], minlength=TENTHS) for label in (0, 1)])
    table = table[:, table.sum(axis=0) > 0]
    if not table.sum(axis=1).all() or table.shape[1] < 2:
        return
    if chi2_contingency(table).pvalue < UNLIKELY:
        low, high = (table[1] / table.sum(axis=0))[[0, -1]]
        raise DataError(
            f"{table[0].sum()} comments have no label, and which ones depends on the score: "
            f"{low:.0%} of the lowest tenth have one, {high:.0%} of the highest. They are no plain "
            "sample; give each label its weight (1 / the probability of having got one) in a "
            "column 'weight', from an audit at random"
        )


def _decided_by_score(policy: Policy, past: PastComments) -> Mask:
    """Return which comments the policy decides by their scores, whatever the thresholds."""
    bare = replace(
        policy,
        rules=(),
        overrides=tuple(replace(override, rules=()) for override in policy.overrides),
    )
    mask: Mask = ~np.isin(decide_all(past, bare).causes, _FORBIDDEN)
    return mask


def _not_taken(rule: Rule, policy: Policy, past: PastComments, base_rate: float | None) -> Mask:
    """Return for which comments a rule is in force and, of a promise, no other one steps in."""
    free = np.zeros(len(past), dtype=np.bool_)
    for place, rows in find_places(past, policy):
        if not any(other is rule for other in place.rules):
            continue
        taken = np.zeros(len(past), dtype=np.bool_)
        for other in place.rules:
            if rule.is_promise and _steps_in(other, rule):
                taken |= match(other, past, base_rate)
        free[rows] = ~taken[rows]
    return free


def _steps_in(other: Rule, rule: Rule) -> bool:
    """Tell whether a rule, where it matches too, sends to a person what another would act on."""
    if other is rule or other.threshold is None:
        return False
    if rule.action is Action.APPROVE:
        return other.effect is not Action.APPROVE
    return other.effect is Action.APPROVE


def _settle_point(
    at: RuleAt, rule: Rule, past: PastComments, base_rate: float | None, site: float | None
) -> Settled | Unsettled:
    assert isinstance(rule.goal, Goal)
    scores = read_scores(rule, past, base_rate)
    try:
        answer = find_point(
            rule.goal, past.labels.astype(np.int64), scores, weights=past.weights, base_rate=site
        )
    except DataError as error:
        return Unsettled(at, rule, str(error))
    if not answer.reached:
        best = f"the best is {rule.goal.bounded} {answer.value:.4f} at {answer.threshold:.4f}"
        return Unsettled(at, rule, f"{rule.goal} is out of reach; {best}")
    return Settled(at, replace(rule, threshold=answer.threshold, suspended=""), answer)


def _settle_promise(
    at: RuleAt,
    rule: Rule,
    promise: ErrorLimit | MissLimit,
    past: PastComments,
    base_rate: float | None,
    seed: int,
) -> Settled | Unsettled:
    labels, scores = past.labels.astype(np.int64), read_scores(rule, past, base_rate)
    weights = None if (past.weights == past.weights[:1]).all() else past.weights
    found = find_threshold(promise, rule.action, labels, scores, weights=weights, seed=seed)
    curve = None
    if isinstance(promise, ErrorLimit):
        counted = (labels, scores)
        if weights is not None:
            counted = draw_by_weight(labels, scores, weights, seed=seed)
        curve = ErrorCurve.trace(rule.action, *counted)
    if isinstance(found, Refused):
        return Unsettled(at, rule, found.reason, curve)
    evidence = Evidence(
        model=past.model or "unknown",
        labels=found.labels,
        removed=found.removed,
        acted=found.acted,
        errors=found.errors,
        bound=found.bound,
        learnt_from=_digest(past, scores),
    )
    settled = replace(rule, threshold=found.threshold, evidence=evidence, suspended="")
    return Settled(at, settled, found, curve)


def _digest(past: PastComments, scores: NDArray[np.float64]) -> str:
    order = np.lexsort((past.weights, past.labels, scores))
    body = np.column_stack([scores, past.labels, past.weights])[order]
    return hashlib.sha256(body.tobytes()).hexdigest()[:12]
