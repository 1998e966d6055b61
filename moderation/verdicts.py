"""`decide_all(past, policy)`: what a policy proposes for each of many comments, all at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.errors import DataError
from moderation.past import Categories, PastComments
from moderation.policy import (
    SEVERITY,
    Action,
    BaseRates,
    Cause,
    Place,
    Policy,
    Rule,
    ScoreScale,
    Verdict,
    find_base_rate,
    strictness,
)

CAUSES: Final = tuple(Cause)
ACTIONS: Final = tuple(Action)
_CODES: Final = {cause: code for code, cause in enumerate(CAUSES)}
_NO_RULE: Final = -1

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on comments, one number of each array for each."""

    actions: NDArray[np.int8]
    """`SEVERITY` of the action: 0 approve, 1 hold, 2 remove."""
    causes: NDArray[np.int8]
    """Places in `CAUSES`."""
    fired: NDArray[np.int16]
    """Places in `rules`; -1 where none decided."""
    automatic: Mask
    """Whether it is done without a person."""
    rules: tuple[Rule, ...]
    """The rules of all places; each once."""
    policy: str
    """The version of the policy that says so."""

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def approved_unseen(self) -> Mask:
        return self._unseen(Action.APPROVE)

    @property
    def removed_unseen(self) -> Mask:
        return self._unseen(Action.REMOVE)

    def _unseen(self, action: Action) -> Mask:
        unseen: Mask = self.automatic & (self.actions == SEVERITY[action])
        return unseen

    def verdict(self, row: int) -> Verdict:
        """Return the verdict on one comment, as `decide` would."""
        fired = int(self.fired[row])
        return Verdict(
            ACTIONS[self.actions[row]],
            None if fired == _NO_RULE else self.rules[fired],
            CAUSES[self.causes[row]],
            bool(self.automatic[row]),
            self.policy,
        )


def decide_all(past: PastComments, policy: Policy, *, base_rate: BaseRates = None) -> Verdicts:
    """
    Return what a policy proposes for each comment, as `decide` does for one.

    A comment without a score needs neither length nor language: its verdict stands already.

    Raises:
        KeyError: a rule is about an attribute that is not among the scores.
        ValueError: what is no score, or no base rate for rules on the 50/50 scale.
        PolicyError: a threshold was not found yet.
        DataError: the policy asks for lengths or languages that the comments do not tell.

    """
    _check_scores(past)
    deciding = _Deciding(past, policy, base_rate)
    for place, rows in find_places(past, policy):
        deciding.decide(place, rows)
    return deciding.verdicts()


def _check_scores(past: PastComments) -> None:
    for attribute, scores in past.scores.items():
        if ((scores < 0) | (scores > 1)).any():
            raise ValueError(f"scores of {attribute}: expected numbers from 0 to 1")


def find_places(past: PastComments, policy: Policy) -> Iterable[tuple[Place, Rows | slice]]:
    """Yield each place that comments stand in, with them; those that no override names are one."""
    sections = {name for override in policy.overrides for name in override.sections}
    communities = {name for override in policy.overrides for name in override.communities}
    if not policy.overrides:
        yield policy.at(), slice(None)
        return
    of_section, section_names = _among(past.sections, sections, len(past))
    of_community, community_names = _among(past.communities, communities, len(past))
    key = of_section * len(community_names) + of_community
    for code in np.flatnonzero(np.bincount(key)):
        section, community = divmod(int(code), len(community_names))
        place = policy.at(section=section_names[section], community=community_names[community])
        yield place, np.flatnonzero(key == code)


def find_absent(policy: Policy, past: PastComments) -> list[str]:
    """Return of each section and community that overrides name, and no comment is in, that."""
    found = []
    for kind, there, named in (
        ("section", past.sections, [o.sections for o in policy.overrides]),
        ("community", past.communities, [o.communities for o in policy.overrides]),
    ):
        known = set(there.names) if there else set()
        names = dict.fromkeys(name for some in named for name in some if name not in known)
        found += [f"no comment is in {kind} {name!r}, which an override names" for name in names]
    return found


def _among(
    found: Categories | None, named: set[str], comments: int
) -> tuple[Rows, list[str | None]]:
    """Return which of the names each comment has; the first name, None, stands for all others."""
    names: list[str | None] = [None, *sorted(named)]
    if found is None or not named:
        return np.zeros(comments, dtype=np.intp), names
    places = {name: place for place, name in enumerate(names)}
    table = np.array([*(places.get(name, 0) for name in found.names), 0], dtype=np.intp)
    return table[found.codes], names  # the code of none, -1, is the last


def match(
    rule: Rule, past: PastComments, base_rate: BaseRates, rows: Rows | slice = slice(None)
) -> Mask:
    """Return which comments are on a rule's side of its threshold."""
    scores, at = read_scores(rule, past, base_rate, rows), rule.settled_threshold
    return scores < at if rule.action is Action.APPROVE else scores >= at


def read_scores(
    rule: Rule, past: PastComments, base_rate: BaseRates, rows: Rows | slice = slice(None)
) -> Floats:
    """Return the scores that a rule compares, on its scale."""
    scores = past.scores[rule.attribute][rows]
    return even_scores(scores, rule, base_rate) if rule.scale is ScoreScale.EVEN else scores


class _Deciding:
    """Fills in verdicts, place by place."""

    def __init__(self, past: PastComments, policy: Policy, base_rate: BaseRates) -> None:
        self._past, self._policy, self._base_rate = past, policy, base_rate
        self._actions = np.empty(len(past), dtype=np.int8)
        self._causes = np.empty(len(past), dtype=np.int8)
        self._fired = np.full(len(past), _NO_RULE, dtype=np.int16)
        self._automatic = np.empty(len(past), dtype=np.bool_)
        self._rules: dict[Rule, int] = {}

    def verdicts(self) -> Verdicts:
        return Verdicts(
            self._actions,
            self._causes,
            self._fired,
            self._automatic,
            tuple(self._rules),
            self._policy.version,
        )

    def decide(self, place: Place, rows: Rows | slice) -> None:
        """Decide on the comments of a place: by its rules, then by what forbids to."""
        fired, disagree = self._match(place, rows)
        numbers = [self._rules.setdefault(rule, len(self._rules)) for rule in place.rules]
        # The last of each table is what holds where no rule matches: the place of -1.
        effects = [SEVERITY[rule.effect] for rule in place.rules]
        unseen = [rule.acts_on(self._past.model) for rule in place.rules]
        actions = np.array([*effects, SEVERITY[place.otherwise]], dtype=np.int8)[fired]
        automatic = np.array([*unseen, place.otherwise is Action.APPROVE])[fired]
        causes = np.where(fired < 0, _CODES[Cause.NO_RULE], _CODES[Cause.RULE]).astype(np.int8)
        fired = np.array([*numbers, _NO_RULE], dtype=np.int16)[fired]
        for where, action, cause in (
            (disagree, Action.HOLD, Cause.DISAGREEMENT),
            *self._forbidden(place, rows),
        ):
            actions[where], causes[where] = SEVERITY[action], _CODES[cause]
            automatic[where] = action is Action.APPROVE
            fired[where] = _NO_RULE
        self._actions[rows], self._causes[rows] = actions, causes
        self._fired[rows], self._automatic[rows] = fired, automatic

    def _match(self, place: Place, rows: Rows | slice) -> tuple[NDArray[np.int16], Mask]:
        """Return which rule of the place decides on each, and where one removes, one approves."""
        comments = len(self._past.labels[rows])
        fired = np.full(comments, _NO_RULE, dtype=np.int16)
        approved, removed = np.zeros((2, comments), dtype=np.bool_)
        # The strictest is written last; of equals, the first of the policy, as `max` takes it.
        order = sorted(range(len(place.rules)), key=lambda k: (strictness(place.rules[k]), -k))
        for number in order:
            rule = place.rules[number]
            matching = match(rule, self._past, self._base_rate, rows)
            fired[matching] = number
            if rule.effect is Action.APPROVE:
                approved |= matching
            elif rule.effect is Action.REMOVE:
                removed |= matching
        return fired, approved & removed

    def _forbidden(self, place: Place, rows: Rows | slice) -> Iterable[tuple[Mask, Action, Cause]]:
        """Yield where the scores do not decide, the gravest cause last."""
        policy, comments = self._policy, len(self._past.labels[rows])
        unscored, short = np.zeros((2, comments), dtype=np.bool_)
        for attribute in place.attributes:
            unscored |= np.isnan(self._past.scores[attribute][rows])
        if policy.too_short is not None:
            characters = self._past.characters[rows]
            self._check_known(characters < 0, unscored, _NO_LENGTH)
            short = characters < policy.too_short.characters
        if policy.languages is not None:
            unknown, foreign = self._read_languages(policy.languages.known, rows)
            self._check_known(unknown, unscored | short, _NO_LANGUAGE)
            yield foreign, policy.languages.action, Cause.LANGUAGE
        if policy.too_short is not None:
            yield short, policy.too_short.action, Cause.TOO_SHORT
        yield unscored, policy.without_score, Cause.NO_SCORE

    def _read_languages(self, known: tuple[str, ...], rows: Rows | slice) -> tuple[Mask, Mask]:
        """Return where no language is told, and where one that the model does not know."""
        found = self._past.languages
        if found is None:
            nowhere = np.ones(len(self._past.labels[rows]), dtype=np.bool_)
            return nowhere, nowhere
        foreign = np.array([*(name not in known for name in found.names), True])
        codes = found.codes[rows]
        return codes < 0, foreign[codes]

    @staticmethod
    def _check_known(unknown: Mask, decided: Mask, message: str) -> None:
        if missing := int((unknown & ~decided).sum()):
            raise DataError(message.format(missing=missing))


_NO_LENGTH: Final = (
    "the policy asks how long a text is, and {missing} scored comments have neither words nor a "
    "length: add a column 'text' or 'characters'"
)
_NO_LANGUAGE: Final = (
    "the policy asks for a text's language, and {missing} scored comments tell none: add a column "
    "'language' (ISO 639), with 'und' where it could not be told"
)


def even_scores(scores: Floats, rule: Rule, base_rate: BaseRates) -> Floats:
    """Return probabilities on the 50/50 scale, as `on_scale` does."""
    rate = find_base_rate(base_rate, rule.attribute)
    odds_for, odds_against = scores * (1 - rate), (1 - scores) * rate
    return np.asarray(odds_for / (odds_for + odds_against))
