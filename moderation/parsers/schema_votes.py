"""Votes as schema.org marks them: counts of their own, or counters of an interaction."""

from typing import Any

from moderation.parsers.bbc import read_count

_UP = frozenset({"LikeAction", "AgreeAction", "UserLikes"})
_DOWN = frozenset({"DislikeAction", "DisagreeAction", "UserDislikes"})


def find_votes(node: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the positive and the negative votes of a comment, None where there are none shown."""
    counters = [one for one in _listed(node.get("interactionStatistic")) if isinstance(one, dict)]
    positive = _count(node.get("upvoteCount"))
    negative = _count(node.get("downvoteCount"))
    if positive is None:
        positive = _counted(counters, _UP)
    if negative is None:
        negative = _counted(counters, _DOWN)
    return positive, negative


def _counted(counters: list[dict[str, Any]], actions: frozenset[str]) -> int | None:
    for counter in counters:
        kinds = [_named(one) for one in _listed(counter.get("interactionType"))]
        if actions & {kind.rpartition("/")[2].rpartition(":")[2] for kind in kinds}:
            return _count(counter.get("userInteractionCount", counter.get("interactionCount")))
    return None


def _named(kind: Any) -> str:
    """Return an interaction's name: it is an address, or an item of that type."""
    if isinstance(kind, dict):
        kind = next(iter(_listed(kind.get("@type"))), kind.get("@id"))
    return kind if isinstance(kind, str) else ""


def _count(held: Any) -> int | None:
    for value in _listed(held):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str):
            return read_count(value)
    return None


def _listed(held: Any) -> list[Any]:
    if held is None:
        return []
    return held if isinstance(held, list) else [held]
