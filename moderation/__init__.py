"""Comment moderation on your own machine: read comments, learn from removals, review, score."""

from importlib import import_module
from typing import TYPE_CHECKING

from moderation.comments import Comment, Status, Thread, build_threads
from moderation.errors import ModerationError

if TYPE_CHECKING:
    from moderation.artifacts import load_model
    from moderation.parsers import read_comments

__all__ = [
    "Comment",
    "ModerationError",
    "Status",
    "Thread",
    "build_threads",
    "load_model",
    "read_comments",
]

_LOADED_WHEN_USED = {"load_model": "moderation.artifacts", "read_comments": "moderation.parsers"}


def __getattr__(name: str) -> object:
    """Import what needs pandas or scikit-learn only where it is used (PEP 562)."""
    if name in _LOADED_WHEN_USED:
        return getattr(import_module(_LOADED_WHEN_USED[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
