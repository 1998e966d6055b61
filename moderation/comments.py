"""`Comment` and `Thread`: what a reader wrote, and threads built from parent ids."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

Key = TypeVar("Key", str, int)
"""What tells a comment from others."""


class Status(StrEnum):
    """What became of a comment."""

    PUBLISHED = "published"
    REMOVED = "removed"
    """Taken down by moderators."""
    PENDING = "pending"
    """Awaiting moderation, or referred to someone."""
    WITHDRAWN = "withdrawn"
    """Taken back by its author, or by the site for a cause other than its rules."""


@dataclass(frozen=True, slots=True)
class Comment:
    """
    One reader contribution, as its source shows it.

    Unknown is None, never zero: votes that a page does not show are not zero votes, and the
    text of a removed comment whose words are not known is None, not an empty string.
    """

    id: str
    text: str | None
    source: str
    """The name of the format it was read from."""
    status: Status | None = Status.PUBLISHED
    """None where the source does not say: such a comment teaches nothing."""
    parent_id: str | None = None
    number: int | None = None
    """Its number on the page, where the source numbers comments."""
    article_id: str | None = None
    """The canonical address of the article, or the source's id for it."""
    article_title: str | None = None
    author: str | None = None
    created_at: datetime | None = None
    captured_at: datetime | None = None
    """When the page or export was taken."""
    positive_votes: int | None = None
    negative_votes: int | None = None
    rating: int | None = None
    """The net rating as the page shows it."""
    removal_reason: str | None = None
    highlighted: bool = False
    """An editors' pick."""
    label: int | None = None
    """1 or 0 where the source carries a ground truth of its own, whatever the status."""
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Columns of a table that no field above takes, by name, so that scoring keeps them."""

    def __post_init__(self) -> None:
        created, captured, label = self.created_at, self.captured_at, self.label
        if (created and created.tzinfo is None) or (captured and captured.tzinfo is None):
            raise ValueError("times of a comment are aware: attach a time zone")
        if label is not None and label not in (0, 1):
            raise ValueError(f"label is {self.label}, expected 0, 1 or None")


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment with the replies to it, each a thread of its own, in the order they were given."""

    comment: Comment
    replies: tuple["Thread", ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Comment]]:
        """Yield each comment of the thread with its depth, parents before replies."""
        waiting: list[tuple[int, Thread]] = [(depth, self)]
        while waiting:
            level, thread = waiting.pop()
            yield level, thread.comment
            waiting.extend((level + 1, reply) for reply in reversed(thread.replies))


def build_threads(comments: Iterable[Comment]) -> list[Thread]:
    """
    Arrange the comments of one article into threads, keeping their order.

    A reply whose parent is not among them starts a thread of its own, and so does the first
    comment of a circle of replies: nothing is lost.

    >>> one = Comment("1", "first", "csv")
    >>> two = Comment("2", "second", "csv", parent_id="1")
    >>> [[c.id for _, c in thread.walk()] for thread in build_threads([one, two])]
    [['1', '2']]
    """
    ordered = list(comments)
    parents = {comment.id: comment.parent_id for comment in ordered}
    cut = set(_find_circles(parents))
    replies: dict[str, list[Comment]] = {}
    tops = []
    for comment in ordered:
        if comment.parent_id in parents and comment.id not in cut:
            replies.setdefault(str(comment.parent_id), []).append(comment)
        else:
            tops.append(comment)
    return [_grow(top, replies) for top in tops]


def find_root(comment_id: Key, parents: Mapping[Key, Key | None]) -> Key:
    """Return the id at the top of a comment's chain of parents; a circle ends where it closes."""
    seen = {comment_id}
    while (parent := parents.get(comment_id)) is not None and parent not in seen:
        comment_id = parent
        seen.add(parent)
    return comment_id


def _find_circles(parents: Mapping[str, str | None]) -> Iterator[str]:
    """Yield one id, the first, of each circle of replies: cut there, every chain has an end."""
    order = {comment_id: place for place, comment_id in enumerate(parents)}
    settled: set[str] = set()
    for comment_id in parents:
        path: dict[str, None] = {}
        above: str | None = comment_id
        while above is not None and above in parents and above not in settled and above not in path:
            path[above] = None
            above = parents[above]
        if above in path:
            chain = list(path)
            yield min(chain[chain.index(above) :], key=order.__getitem__)
        settled.update(path)


def _grow(top: Comment, replies: dict[str, list[Comment]]) -> Thread:
    """Build a thread bottom up, without recursion: replies may nest deeper than the stack."""
    order = [top]
    answers: list[range] = []
    for comment in order:  # which grows
        found = replies.pop(comment.id, [])
        answers.append(range(len(order), len(order) + len(found)))
        order.extend(found)
    grown: dict[int, Thread] = {}
    for place in reversed(range(len(order))):
        grown[place] = Thread(order[place], tuple(grown.pop(reply) for reply in answers[place]))
    return grown[0]
