"""Fits that run side by side ask for their losses together: one round over the data for all."""

from collections.abc import Callable, Sequence
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from moderation.distributed.losses import Fits, Sums

Floats = NDArray[np.float64]
Evaluate = Callable[[Fits], Sums]


class Rounds:
    """
    Gives each of several fits the sums it asks for, all from the same round.

    Each fit runs in a thread of its own. A round begins when all that have not ended have asked.
    """

    def __init__(self, evaluate: Evaluate, *, fits: int) -> None:
        self._evaluate = evaluate
        self._running = fits
        self._asked: dict[int, tuple[Floats, float]] = {}
        self._told: dict[int, _Answer] = {}
        self._changed = Condition()

    def ask(self, fit: int, weights: Floats, intercept: float) -> tuple[float, Floats, float]:
        """
        Return the loss, its gradient (d,) and its slope in the intercept, when all have asked.

        Raises:
            ClusterError: the round failed; it fails so for all who asked.

        """
        with self._changed:
            self._asked[fit] = (weights, intercept)
            self._begin_if_all_asked()
            self._changed.wait_for(lambda: fit in self._told)
            answer = self._told.pop(fit)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def leave(self) -> None:
        """Say that a fit has ended: the others no longer wait for it."""
        with self._changed:
            self._running -= 1
            self._begin_if_all_asked()

    def _begin_if_all_asked(self) -> None:
        if not self._asked or len(self._asked) < self._running:
            return
        order = sorted(self._asked)
        try:
            self._told.update(self._answers(order))
        except BaseException as error:  # or the others would wait for ever
            self._told.update(dict.fromkeys(order, error))
        self._asked.clear()
        self._changed.notify_all()

    def _answers(self, order: Sequence[int]) -> dict[int, "_Answer"]:
        weights, intercepts = zip(*(self._asked[fit] for fit in order), strict=True)
        sums = self._evaluate(Fits(np.stack(weights), np.array(intercepts)))
        return {
            fit: (
                float(sums.losses[place]),
                sums.gradients[place],
                float(sums.slopes[place]),
            )
            for place, fit in enumerate(order)
        }


_Answer = tuple[float, Floats, float] | BaseException
