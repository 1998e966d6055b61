"""`Reading`: the comments of one source as they are read, and what there is to say of it."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator

from moderation.comments import Comment, Status
from moderation.errors import ParseError
from moderation.parsers.limits import Limits
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source


class Reading(Iterator[Comment]):
    """
    The comments of one source as they are read, and what there is to say of it.

    `notes` and the counts are complete once the last comment was taken.
    """

    def __init__(self, name: str, format_name: str, notes: Notes, comments: Iterator[Comment]):
        self.name = name
        self.format = format_name
        self.notes = notes
        self.by_status: Counter[Status | None] = Counter()
        self.labelled: Counter[int] = Counter()
        self.with_text = 0
        self._comments = comments

    def __next__(self) -> Comment:
        comment = next(self._comments)
        self.by_status[comment.status] += 1
        if comment.label is not None:
            self.labelled[comment.label] += 1
        self.with_text += comment.text is not None
        return comment

    def start(self) -> "Reading":
        """Read up to the first comment, so that what is no such format is refused now."""
        first = list(itertools.islice(self._comments, 1))
        self._comments = itertools.chain(first, self._comments)
        return self

    @property
    def count(self) -> int:
        """How many comments were read so far."""
        return self.by_status.total()

    def summary(self) -> str:
        """Return one line on what was read and what was not."""
        return f"{self.name}: {self.format}, {'; '.join(self._facts())}"

    def _facts(self) -> Iterator[str]:
        others = [
            f"{number} {status}"
            for status, number in self.by_status.items()
            if status not in (None, Status.PUBLISHED)
        ]
        if self.labelled:
            others.append(f"{self.labelled[1]} labelled 1 and {self.labelled[0]} labelled 0")
        counted = {0: "no comments found", 1: "1 comment"}.get(self.count, f"{self.count} comments")
        yield ", ".join([counted, *others])
        if self.notes.remark and not self.count:
            yield self.notes.remark
        if self.notes.is_partial:
            yield f"page {self.notes.page} of {self.notes.pages}, not the whole discussion"
        if self.notes.total is not None and self.notes.total > self.count:
            yield f"{self.count} of the article's {self.notes.total}"
        for cause, number in sorted(self.notes.left_out.items()):
            yield f"not read: {number} {cause}"


def guard(source: Source, comments: Iterator[Comment]) -> Iterator[Comment]:
    """Pass comments on; errors name the source, and it is closed whatever happens."""
    try:
        yield from limit_time(comments, source.limits)
    except UnicodeDecodeError as error:
        raise source.undecodable(error) from error
    except ParseError as error:
        raise named(error, source) from error
    finally:
        source.close()


def limit_time(
    comments: Iterator[Comment], limits: Limits, clock: Callable[[], float] = time.monotonic
) -> Iterator[Comment]:
    """Pass comments on until reading them, without what is done with them, has taken too long."""
    spent = 0.0
    began = clock()
    for comment in comments:
        spent += clock() - began
        if spent > limits.seconds:
            raise limits.too_slow()
        yield comment
        began = clock()


def named(error: ParseError, source: Source) -> ParseError:
    """Return an error of the same kind that says which source it is about."""
    renamed = type(error)(f"{source.name}: {error}")
    renamed.row = error.row
    return renamed
