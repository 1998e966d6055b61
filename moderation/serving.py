"""What answers requests: a model with its policy, and its successor as soon as that is good."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from moderation.artifacts import Manifest, read_manifest
from moderation.buffers import release_freed_memory
from moderation.errors import ModelError, ModerationError
from moderation.languages import UNDETERMINED
from moderation.policy import Policy, propose_policy
from moderation.policy.usable import read_usable_policy
from moderation.releases import load_in_use, settle
from moderation.scorer import Scorer

STILL_FOR: Final = 2.0
"""Seconds for which files are left alone before one that does not fit is called broken."""
OFTEN_ENOUGH: Final = 0.02
"""The share of the texts learnt from that makes a language one of the model's."""
_PROBE: Final = "The library opens at nine, and the ferry leaves at ten."

Floats = NDArray[np.float64]
Tell = Callable[[str], None]
"""What takes a line that somebody is to read."""


@dataclass(slots=True, eq=False)
class Scored:
    """The scores of texts, of one pass; columns in the order of the attributes."""

    logits: Floats
    """Shape (n, attributes)."""
    shifts: Floats
    """What brings each attribute's logits to the 50/50 scale; 0 where its base rate is unknown."""

    def own(self) -> Floats:
        """Return P(removal) at the base rate of each attribute, shape (n, attributes)."""
        return np.asarray(expit(self.logits))

    def even(self) -> Floats:
        """Return scores on the 50/50 scale where they can be, (n, attributes)."""
        return np.asarray(expit(self.logits + self.shifts))


@dataclass(frozen=True, eq=False)
class Served:
    """A model that answers, with the policy that says what follows from its scores."""

    scorer: Scorer
    policy: Policy
    attributes: tuple[str, ...]
    """What it scores, its own attribute first; the columns of `score_texts`."""
    calibrated: frozenset[str]
    """The attributes whose scores are probabilities at a base rate that is known."""
    languages: frozenset[str] | None
    """The languages it learnt from; None for a model that does not tell."""
    manifest: Manifest
    _shifts: Floats

    @classmethod
    def of(cls, scorer: Scorer, manifest: Manifest, policy: Policy) -> "Served":
        """
        Return what serves with a loaded scorer.

        Raises:
            ModelError: a base rate in the manifest is none.

        """
        rates = {k: v for k, v in scorer.base_rates.items() if k in scorer.attributes}
        for attribute, rate in rates.items():
            if not (isinstance(rate, float) and 0 < rate < 1):
                raise ModelError(
                    f"the base rate of {attribute} is {rate}, expected a share above 0 and below "
                    "1; train again"
                )
        shares = manifest.languages or {}
        languages = {k for k, v in shares.items() if v >= OFTEN_ENOUGH and k != UNDETERMINED}
        return cls(
            scorer=scorer,
            policy=policy,
            attributes=scorer.attributes,
            calibrated=frozenset(rates),
            languages=frozenset(languages) or None,
            manifest=manifest,
            _shifts=np.array([-logit(rates.get(name, 0.5)) for name in scorer.attributes]),
        )

    @property
    def version(self) -> str:
        return self.scorer.version

    def score_texts(self, texts: Sequence[str]) -> Scored:
        """Score texts for all attributes in one pass."""
        return Scored(self.scorer.logits(texts), self._shifts)

    def try_out(self) -> None:
        """
        Score and explain a first text, so that the first request need not wait for it.

        Raises:
            ValueError: a score is no number.

        """
        self.scorer.explain(_PROBE)
        if not np.isfinite(self.score_texts([_PROBE]).even()).all():
            raise ValueError("a first text was scored with what is no number")

    def score_even(self, texts: Sequence[str]) -> dict[str, Floats]:
        """
        Return the scores of each attribute, shape (n,), on the 50/50 scale.

        Those that are not calibrated (`calibrated`) are as they are.
        """
        return dict(zip(self.attributes, self.score_texts(texts).even().T, strict=True))


class Models(Protocol):
    """What a service asks for the model of the moment."""

    @property
    def current(self) -> Served: ...

    @property
    def alarm(self) -> str | None: ...

    def look(self) -> "Outcome": ...


class Outcome(StrEnum):
    """What came of looking at the files."""

    SAME = "same"
    SWAPPED = "swapped"
    CHANGING = "changing"
    """Something is being put in place; it is looked at again."""
    REFUSED = "refused"


def load_served(path: Path, policy_path: Path | None) -> Served:
    """
    Load a model with its policy, verify both, and score a first text with it.

    Without a policy of its own, it is the one that the model suggests.

    Raises:
        ModelError: the model cannot be used.
        PolicyError: the policy cannot be, or not with this model.

    """
    try:
        served = _load(path, policy_path)
        served.try_out()
    except ModerationError:
        raise
    except ValueError as error:
        raise ModelError(f"{path}: {error}; train again") from error
    except Exception as error:  # a manifest may say anything, and what answers has to go on
        raise ModelError(f"{path}: cannot be used ({type(error).__name__}); train again") from error
    return served


def _load(path: Path, policy_path: Path | None) -> Served:
    scorer = load_in_use(path)
    manifest = read_manifest(path)
    if manifest.version != scorer.version:
        raise ModelError(f"{path}: another model took its place while it was loaded; try again")
    return Served.of(scorer.without_terms(), manifest, load_policy(policy_path, scorer))


def load_policy(path: Path | None, scorer: Scorer) -> Policy:
    """
    Return the policy of a file, or what the model suggests.

    Raises:
        PolicyError: the file cannot be used, or not with this model.

    """
    if path is None:
        return propose_policy(scorer.thresholds, attribute=scorer.attribute)
    return read_usable_policy(path, scorer)


class ModelInUse:
    """
    The model at a path with its policy; a new one takes its place once it has proved good.

    What cannot be used is refused with one line to `tell`, and what was in use stays; it is said
    again only after the files changed again. `current` may be read by any thread while another
    looks: the swap is one assignment.
    """

    def __init__(
        self,
        path: Path,
        policy_path: Path | None = None,
        *,
        tell: Tell,
        announce: Tell = lambda line: None,
        accept: Callable[[Served], object] = lambda served: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Load what is there; `clock` gives seconds, and `announce` takes a line about each new model.

        `accept` may refuse a model that is good but does not fit what it is to do here.

        Raises:
            ModelError: there is no model that can be used.
            PolicyError: the policy cannot be used with it.
            ModerationError: what `accept` raises.

        """
        self._path, self._policy_path, self._tell, self._clock = path, policy_path, tell, clock
        self._accept, self._announce = accept, announce
        self._found = self._seen = self._stamps()
        self._since = clock()
        self._served = load_served(path, policy_path)
        accept(self._served)
        self._alarm: str | None = None

    @property
    def current(self) -> Served:
        return self._served

    @property
    def alarm(self) -> str | None:
        """Why the files that are there now are not what answers; None where they are."""
        return self._alarm

    def look(self) -> Outcome:
        """
        Load what was put in place since; to be called every second or so, by one thread.

        Files are put in place one by one: those that do not fit each other are called broken only
        after `STILL_FOR` seconds in which nothing changed.
        """
        if self._stamps() == self._found:
            return Outcome.SAME
        try:
            settle(self._path)
            stamps = self._note()
            served = load_served(self._path, self._policy_path)
            self._accept(served)
        except ModerationError as error:
            return self._refuse(error)
        if self._note() != stamps:
            return Outcome.CHANGING
        before, self._served = self._served.version, served
        self._found, self._alarm = stamps, None
        self._announce(f"model {served.version} answers from now on; before, it was {before}")
        release_freed_memory()
        return Outcome.SWAPPED

    def let_go(self) -> None:
        """Hold on to no model: for a process that has inherited this and does not use it."""
        del self._served

    def _note(self) -> "_Stamps":
        """Return how the files are now, and note since when they are so."""
        if (stamps := self._stamps()) != self._seen:
            self._seen, self._since = stamps, self._clock()
        return stamps

    def _refuse(self, error: ModerationError) -> Outcome:
        stamps = self._note()
        if self._clock() - self._since < STILL_FOR:
            return Outcome.CHANGING
        self._found = stamps
        first, *more = str(error).splitlines()
        others = f" (and {len(more)} more)" if more else ""
        self._alarm = f"{first}{others}; model {self._served.version} goes on answering"
        self._tell(self._alarm)
        return Outcome.REFUSED

    def _stamps(self) -> "_Stamps":
        paths = [self._path, self._path.with_suffix(".json"), self._policy_path]
        return tuple(_stamp(path) for path in paths if path is not None)


_Stamps = tuple[tuple[int, int, int] | None, ...]
"""What changes when a file does; None for one that is not there."""


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
