"""What moving one threshold would trade: moderators' hours against what gets through."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from moderation.desk import Desk
from moderation.past import PastComments
from moderation.policy import Action, BaseRates, Policy, Rule, ScoreScale
from moderation.shares import Share
from moderation.simulation import count_hours, measure_missed
from moderation.verdicts import decide_all, even_scores

STEPS: Final = 30


@dataclass(frozen=True)
class Trade:
    """What a policy costs and misses with a rule's threshold at one score."""

    threshold: float
    work: float
    """Hours of moderators' time."""
    missed: Share
    """Of the comments labelled as to be removed, those approved unseen."""


def find_approving_rule(policy: Policy) -> Rule | None:
    """
    Return the rule whose threshold says what is approved unseen; None where nothing is.

    Where all that no rule matches is approved, it is the mildest rule that holds or removes.
    """
    if policy.otherwise is Action.APPROVE:
        others = [rule for rule in policy.rules if rule.effect is not Action.APPROVE]
        return min(others, key=lambda rule: rule.settled_threshold, default=None)
    approving = (r for r in policy.rules if r.automatic and r.effect is Action.APPROVE)
    return max(approving, key=lambda rule: rule.settled_threshold, default=None)


def trade_off(
    past: PastComments, policy: Policy, *, desk: Desk, base_rate: BaseRates = None
) -> Iterator[Trade]:
    """
    Yield what the policy trades with that rule's threshold elsewhere, from the lowest score up.

    At scores that equally many comments lie between. Nothing where no rule approves or no comment
    is labelled as to be removed.
    """
    rule = find_approving_rule(policy)
    if rule is None or not (past.labels == 1).any():
        return
    others = (one for one in policy.rules if one is not rule and one.effect is not Action.APPROVE)
    # From where another rule on, it decides: what this one's threshold is changes nothing sensible.
    ends = min(
        (one.settled_threshold for one in others
         if (one.attribute, one.scale) == (rule.attribute, rule.scale)),
        default=1.0,
    )  # fmt: skip
    for threshold in _find_thresholds(past, rule, base_rate):
        if rule.action is Action.APPROVE and threshold > ends:
            return
        moved = replace(rule, threshold=threshold)
        rules = tuple(moved if other is rule else other for other in policy.rules)
        verdicts = decide_all(past, replace(policy, rules=rules), base_rate=base_rate)
        if (missed := measure_missed(past, verdicts)) is not None:
            yield Trade(threshold, count_hours(verdicts, desk), missed)


def _find_thresholds(past: PastComments, rule: Rule, base_rate: BaseRates) -> list[float]:
    scores = past.scores[rule.attribute]
    scores = scores[~np.isnan(scores)]
    if rule.scale is ScoreScale.EVEN:
        scores = even_scores(scores, rule, base_rate)
    found: list[float] = np.unique(np.quantile(scores, np.linspace(0, 1, STEPS))).tolist()
    return found
