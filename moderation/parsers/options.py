"""`Options`: how the caller wants inputs to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from moderation.errors import SourceError
from moderation.parsers.limits import DEFAULT_LIMITS, Limits
from moderation.parsers.mapping import TableMapping


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `read_comments` is told beside the source; its docstring says what each means."""

    format: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    article: str | None = None
    captured_at: datetime | None = None
    mapping: TableMapping | None = None
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        """
        Refuse what contradicts itself.

        Raises:
            SourceError: beside a mapping, something else says what the inputs are.

        """
        for option, given in (("--format", self.format), ("--column", self.columns)):
            if self.mapping is not None and given:
                raise SourceError(
                    f"--mapping and {option} exclude each other: a mapping says all of it; "
                    "leave one of them out"
                )
