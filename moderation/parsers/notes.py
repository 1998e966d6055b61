"""`Notes`: what a source says of itself beside its comments, and what was left out of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from moderation.parsers.limits import DEFAULT_LIMITS, Limits


@dataclass
class Notes:
    """Filled by a parser while it reads; what the caller states counts where a source is silent."""

    article_id: str | None = None
    article_title: str | None = None
    captured_at: datetime | None = None
    page: int | None = None
    pages: int | None = None
    total: int | None = None
    """How many comments the source says the article has, here and on other pages."""
    columns: tuple[str, ...] = ()
    """The columns of a table that `Comment.extra` carries."""
    remark: str = ""
    """What to say of a source in which no comment was found."""
    limits: Limits = DEFAULT_LIMITS
    """What readers refuse; those of a whole source, `Source.limits`, are the same."""
    left_out: Counter[str] = field(default_factory=Counter)
    """What was not read or not understood, counted by its cause."""

    @property
    def is_partial(self) -> bool:
        """Whether the source says that the article has comments on other pages."""
        return self.pages is not None and self.pages > 1
