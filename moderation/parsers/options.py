"""`Options`: how the caller wants inputs to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

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
