"""What is refused of an action before anything is written, and what no database stores."""

import re
import unicodedata
from collections.abc import Sequence

from moderation.errors import ReviewError
from moderation.policy import Action

# What JSON can spell and no database can store: halves of surrogate pairs, and NUL.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_IN_NAMES = ("Cc", "Cs")  # controls, and halves of surrogate pairs


def storable(text: str) -> str:
    """Return a text with U+FFFD in place of what no database stores, or looks for."""
    return _NOT_STORABLE.sub("\ufffd", text)


def check_name(moderator: str) -> str:
    """
    Return a moderator's name without space around it.

    Raises:
        ReviewError: there is none, or one that no screen can show.

    """
    name = moderator.strip()
    if not name:
        raise ReviewError("a decision names its moderator: type a name first")
    if any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in name):
        raise ReviewError("a name has no control characters: type it anew")
    return name


def check_action(action: Action, house_rule: str | None, house_rules: Sequence[str]) -> None:
    """
    Refuse what decides nothing, and a removal without a known cause.

    Raises:
        ReviewError: either.

    """
    if action is Action.HOLD:
        raise ReviewError("a comment waits until it is approved or removed, or its decision undone")
    if action is Action.REMOVE and house_rule not in house_rules:
        raise ReviewError(f"a removal names a house rule: one of {', '.join(house_rules)}")
