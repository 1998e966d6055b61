"""The review queue: add, score, decide, undo, history, counts; takes a `Session` and a time."""

from moderation.review.decisions import (
    Evidence,
    decided_comments,
    history,
    last_undoable,
    recent_decisions,
    record_decision,
    undo,
)
from moderation.review.queue import (
    Scorer,
    Waiting,
    count_waiting,
    get_waiting,
    next_waiting,
    score_waiting,
)
from moderation.review.stored import AddCounts, add_comments, count_comments, key_of, thread_of

__all__ = [
    "AddCounts",
    "Evidence",
    "Scorer",
    "Waiting",
    "add_comments",
    "count_comments",
    "count_waiting",
    "decided_comments",
    "get_waiting",
    "history",
    "key_of",
    "last_undoable",
    "next_waiting",
    "recent_decisions",
    "record_decision",
    "score_waiting",
    "thread_of",
    "undo",
]
