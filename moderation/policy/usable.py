"""`read_usable_policy(path, model)`: a policy that can decide on this model's scores now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from moderation.errors import PolicyError
from moderation.policy.files import read_policy
from moderation.policy.rules import Policy, ScoreScale


class Model(Protocol):
    """What a policy needs to know of a model."""

    @property
    def attributes(self) -> tuple[str, ...]: ...

    @property
    def base_rates(self) -> Mapping[str, float]: ...


def read_usable_policy(path: Path, model: Model | None) -> Policy:
    """
    Return the policy of a file; without a model, only what the file itself says is checked.

    Raises:
        PolicyError: the file cannot be used, a rule has no threshold yet, it is about an attribute
            that the model does not score, or on the 50/50 scale about one whose base rate the model
            does not know.

    """
    policy = read_policy(path)
    for _, rule in policy.everywhere():
        if rule.threshold is None:
            raise PolicyError(
                f"{path}: rule {rule.name!r} has no threshold yet; "
                f"find it with: python -m moderation.policy settle {path} TABLE"
            )
    if model is None:
        return policy
    if unknown := policy.attributes - set(model.attributes):
        raise PolicyError(f"{path}: the model does not score {', '.join(sorted(unknown))}")
    for _, rule in policy.everywhere():
        if rule.scale is ScoreScale.EVEN and rule.attribute not in model.base_rates:
            raise PolicyError(
                f"{path}: rule {rule.name!r} is on the 50/50 scale, and the model does not know "
                f"the base rate of {rule.attribute}; write its threshold without scale"
            )
    return policy
