"""Finds the thresholds that a policy asks for in words, on labelled comments."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from moderation.errors import DataError
from moderation.guarantees import ErrorCurve, Kept, Refused, draw_by_weight, find_threshold
from moderation.metrics import clopper_pearson
from moderation.past import PastComments
from moderation.policy import (
    Action,
    BaseRates,
    Cause,
    ErrorLimit,
    Evidence,
    Goal,
    MissLimit,
    Policy,
    Rule,
)
from moderation.policy.files import RuleAt, Value
from moderation.thresholds import Answer, find_point
from moderation.verdicts import CAUSES, decide_all, find_places, match, read_scores

Mask = NDArray[np.bool_]
Moment = np.datetime64

TENTHS = 10
UNLIKELY = 0.001
"""How unlikely a plain sample may look before it is refused as one."""

_ABOVE_ALL = 2.0
_FORBIDDEN = [CAUSES.index(cause) for cause in (Cause.NO_SCORE, Cause.TOO_SHORT, Cause.LANGUAGE)]


@dataclass(frozen=True)
class Settled:
    """A rule with the threshold that was found for it."""

    at: RuleAt
    rule: Rule
    found: Answer | Kept
    asked: int
    """Labelled comments that the rule is asked about: in force, and taken by no other."""
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
    asked: int
    curve: ErrorCurve | None = None


def settle(
    policy: Policy,
    past: PastComments,
    *,
    base_rate: BaseRates = None,
    site_base_rate: float | None = None,
    heaviest: float | None = None,
    seed: int = 0,
) -> list[Settled | Unsettled]:
    """
    Return what is found for each rule that says in words what its threshold is to achieve.

    On the labelled comments for which the rule is in force, of those that are decided by score.
    Whatever thresholds such rules have, they are found anew: operating points first, then promises
    in their order. A promise is settled on what its rule would then act on: comments that a rule
    with a threshold sends to a person, or acts on before it, are not among them. At last each
    promise is compared with the errors in what all rules together leave to it, and refused where
    they are more.

    `base_rate` is the one at which the scores are probabilities; `site_base_rate` that at which
    operating points are to be reached, without it that of the labels; `heaviest` is the largest
    weight that there can be, without it the largest of any comment, labelled or not; `seed` that of
    drawing by weights.
    """
    labelled = past.take((past.labels >= 0) & (past.weights > 0))
    settling = _Settling(_forget(policy), labelled, base_rate, site_base_rate)
    wanted = [(RuleAt(o, rule.name), rule) for o, rule in policy.everywhere() if rule.goal]
    found = {at: settling.settle_point(at) for at, rule in wanted if not rule.is_promise}
    plain = _draw(labelled, past.weights if heaviest is None else np.array([heaviest]), seed)
    settling = replace(settling.with_thresholds(found.values()), past=plain)
    promises: dict[RuleAt, Settled | Unsettled] = {}
    for at, rule in wanted:
        if rule.is_promise:
            promises[at] = _refuse_the_same(rule, settling.settle_promise(at))
            settling = settling.with_thresholds([promises[at]])
    found.update((at, settling.test_again(one)) for at, one in promises.items())
    return [found[at] for at, _ in wanted]


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


def _forget(policy: Policy) -> Policy:
    """Return the policy without the thresholds that are to be found."""

    def forget(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(
            replace(rule, threshold=None, evidence=None, suspended="") if rule.goal else rule
            for rule in rules
        )

    overrides = tuple(replace(one, rules=forget(one.rules)) for one in policy.overrides)
    return replace(policy, rules=forget(policy.rules), overrides=overrides)


def _draw(past: PastComments, weights: NDArray[np.float64], seed: int) -> PastComments:
    """Return labelled comments that stand for equally many, drawn where weights differ."""
    heaviest = float(np.nanmax(weights, initial=0.0))
    if (past.weights == heaviest).all():
        return past
    labels, scores = past.labels.astype(np.int64), next(iter(past.scores.values()))
    rows = draw_by_weight(labels, scores, past.weights, heaviest=heaviest, seed=seed)
    drawn = past.take(np.sort(rows))
    return replace(drawn, weights=np.ones(len(drawn)))


def _refuse_the_same(before: Rule, one: Settled | Unsettled) -> Settled | Unsettled:
    """Refuse to let a suspended rule act again on the labels that it was settled on before."""
    old, now = before.evidence, one.rule.evidence
    if before.suspended and old and now and now.learnt_from == old.learnt_from:
        reason = "it was settled on these very labels before it was suspended: take newer ones"
        return Unsettled(one.at, before, reason, one.asked, one.curve)
    return one


@dataclass(frozen=True)
class _Settling:
    """A policy, as far as its thresholds are known, and the comments to find others on."""

    policy: Policy
    past: PastComments
    base_rate: BaseRates
    site_base_rate: float | None

    def with_thresholds(self, found: Iterable[Settled | Unsettled]) -> "_Settling":
        """Return it with the thresholds that were found."""
        new = {one.at: one.rule for one in found if isinstance(one, Settled)}

        def put(rules: tuple[Rule, ...], override: int | None) -> tuple[Rule, ...]:
            return tuple(new.get(RuleAt(override, rule.name), rule) for rule in rules)

        overrides = tuple(
            replace(one, rules=put(one.rules, number))
            for number, one in enumerate(self.policy.overrides)
        )
        rules = put(self.policy.rules, None)
        return replace(self, policy=replace(self.policy, rules=rules, overrides=overrides))

    def settle_point(self, at: RuleAt) -> Settled | Unsettled:
        """Find the operating point that a rule asks for."""
        rule = self._find(at)
        past = self.past.take(self._in_force(rule))
        assert isinstance(rule.goal, Goal)
        try:
            answer = find_point(
                rule.goal,
                past.labels.astype(np.int64),
                read_scores(rule, past, self.base_rate),
                weights=past.weights,
                base_rate=self.site_base_rate,
            )
        except DataError as error:
            return Unsettled(at, rule, str(error), len(past))
        if not answer.reached:
            best = f"the best is {rule.goal.bounded} {answer.value:.4f} at {answer.threshold:.4f}"
            return Unsettled(at, rule, f"{rule.goal} is out of reach; {best}", len(past))
        return Settled(at, replace(rule, threshold=answer.threshold), answer, len(past))

    def settle_promise(self, at: RuleAt) -> Settled | Unsettled:
        """Find the threshold that keeps a rule's promise."""
        rule = self._find(at)
        promise, curve = rule.goal, None
        assert isinstance(promise, ErrorLimit | MissLimit)
        in_force, taken = self._in_force(rule), self._taken(rule)
        is_error = isinstance(promise, ErrorLimit)
        past = self.past.take(in_force & ~taken if is_error else in_force)
        if not len(past):
            reason = f"of {len(self.past)} labels none is where the rule is asked"
            return Unsettled(at, rule, reason, 0)
        labels, scores = past.labels.astype(np.int64), read_scores(rule, past, self.base_rate)
        if is_error:
            curve = ErrorCurve.trace(rule.action, labels, scores)
        else:  # what another rule takes does not pass, whatever the threshold
            scores = np.where(taken[in_force], _ABOVE_ALL, scores)
        found = find_threshold(promise, rule.action, labels, scores)
        if isinstance(found, Refused):
            return Unsettled(at, rule, found.reason, len(past), curve)
        settled = replace(rule, threshold=min(found.threshold, 1.0))
        evidence = Evidence(
            model=past.model or "unknown",
            labels=found.labels,
            removed=found.removed,
            acted=found.acted,
            errors=found.errors,
            bound=found.bound,
            learnt_from=_digest(past, scores),
            settled_for=settled.fingerprint,
        )
        return Settled(at, replace(settled, evidence=evidence), found, len(past), curve)

    def test_again(self, one: Settled | Unsettled) -> Settled | Unsettled:
        """Refuse a promise that is not kept by what all rules together leave to its rule."""
        promise = one.rule.goal
        if isinstance(one, Unsettled) or not isinstance(promise, ErrorLimit):
            return one
        # What is left is another set than the one tested; that it has fewer comments is no cause
        # to refuse, that it has too many errors is.
        acted, errors = self._acted(one.rule)
        low, _ = clopper_pearson(errors, acted, doubt=1 - promise.confidence)
        if acted and errors > promise.error * acted:
            reason = (
                f"with the other rules {errors} of the {acted} labels that it would act on are "
                f"wrong ({errors / acted:.2%}, at least {low:.2%}): they take what it does rightly"
            )
            return Unsettled(one.at, one.rule, reason, one.asked, one.curve)
        return one

    def _find(self, at: RuleAt) -> Rule:
        found = (rule for o, rule in self.policy.everywhere() if RuleAt(o, rule.name) == at)
        return next(found)

    def _in_force(self, rule: Rule) -> Mask:
        """Return which comments are in a place that has the rule, and decided by score."""
        found = np.zeros(len(self.past), dtype=np.bool_)
        for place, rows in find_places(self.past, self.policy):
            found[rows] = any(other is rule for other in place.rules)
        found &= ~np.isnan(self.past.scores[rule.attribute])
        return found & _decided_by_score(self.policy, self.past)

    def _taken(self, rule: Rule) -> Mask:
        """Return which comments another rule sends to a person, where this one would act."""
        taken = np.zeros(len(self.past), dtype=np.bool_)
        for place, rows in find_places(self.past, self.policy):
            for other in place.rules:
                if _steps_in(other, rule):
                    taken[rows] |= match(other, self.past, self.base_rate, rows)
        return taken

    def _acted(self, rule: Rule) -> tuple[int, int]:
        """Return on how many labels a settled rule acts, and how often wrongly."""
        known = _only_settled(self.policy)
        verdicts = decide_all(self.past, known, base_rate=self.base_rate)
        if rule not in verdicts.rules:
            return 0, 0
        acted = verdicts.automatic & (verdicts.fired == verdicts.rules.index(rule))
        wrong = self.past.labels == (1 if rule.action is Action.APPROVE else 0)
        return int(acted.sum()), int((acted & wrong).sum())


def _only_settled(policy: Policy) -> Policy:
    """Return the policy without the rules that have no threshold."""

    def keep(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if rule.threshold is not None)

    overrides = tuple(replace(one, rules=keep(one.rules)) for one in policy.overrides)
    return replace(policy, rules=keep(policy.rules), overrides=overrides)


def _decided_by_score(policy: Policy, past: PastComments) -> Mask:
    """Return which comments the policy decides by their scores, whatever the thresholds."""
    overrides = tuple(replace(override, rules=()) for override in policy.overrides)
    bare = replace(policy, rules=(), overrides=overrides)
    mask: Mask = ~np.isin(decide_all(past, bare).causes, _FORBIDDEN)
    return mask


def _steps_in(other: Rule, rule: Rule) -> bool:
    """Tell whether a rule, where it matches too, takes what another would act on."""
    if other is rule or other.threshold is None:
        return False
    if other.is_promise and other.action is rule.action:
        return True  # it was settled before, and of two that act the first of the policy does
    if rule.action is Action.APPROVE:
        return other.effect is not Action.APPROVE
    return other.effect is Action.APPROVE


def _digest(past: PastComments, scores: NDArray[np.float64]) -> str:
    order = np.lexsort((past.weights, past.labels, scores))
    body = np.column_stack([scores, past.labels, past.weights])[order]
    return hashlib.sha256(body.tobytes()).hexdigest()[:12]
