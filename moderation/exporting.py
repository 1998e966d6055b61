"""Decisions as rows of a table that the other commands read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from moderation.comments import Status
from moderation.desk import AUTOMATIC
from moderation.formulas import MARKED, mark_row
from moderation.frames import (
    LABEL,
    MODEL,
    SCHEMA,
    SCORE,
    SOURCE,
    STATUS,
    TEXT,
    CsvWriter,
    Row,
    find_writer,
    write_rows,
)
from moderation.past.values import CHARACTERS, DECIDED_AT, DECIDED_BY, WEIGHT
from moderation.policy import Action
from moderation.tables import Decision, Kind, StoredComment

READ_AT_ONCE: Final = 2048
EXPORTED: Final = "desk"
"""The source that an exported comment names: outcomes are in its row, not in a later capture."""
_IN_FORCE: Final = "in_force"
_TIME: Final = pa.timestamp("us", tz="UTC")
TYPES: Final = {
    "decision": pa.int64(),
    "key": pa.string(),
    "kind": pa.string(),
    _IN_FORCE: pa.bool_(),
    "action": pa.string(),
    "house_rule": pa.string(),
    DECIDED_BY: pa.string(),
    DECIDED_AT: _TIME,
    SCORE: pa.float64(),
    MODEL: pa.string(),
    "rule": pa.string(),
    "policy_rule": pa.string(),
    WEIGHT: pa.float64(),
    "overrules": pa.int64(),
    "undoes": pa.int64(),
    "opinion_on": pa.int64(),
    "bulk": pa.int64(),
    "note": pa.string(),
    CHARACTERS: pa.int64(),
}
"""What follows the columns of a comment; rows of the history are named by their number."""
COLUMNS: Final = (*SCHEMA.names, *TYPES)

_STORED: Final = {
    "id": StoredComment.source_id,
    "parent_id": StoredComment.source_parent_id,
    **{
        name: getattr(StoredComment, name)
        for name in (
            "number", "article_id", "article_title", "author", "created_at", "captured_at", "text",
            "positive_votes", "negative_votes", "rating", "highlighted",
        )
    },
    "decision": Decision.id,
    "key": Decision.comment_key,
    "kind": Decision.kind,
    _IN_FORCE: StoredComment.decision_id,
    "action": Decision.action,
    "house_rule": Decision.house_rule,
    DECIDED_BY: Decision.decided_by,
    DECIDED_AT: Decision.decided_at,
    SCORE: Decision.score,
    MODEL: Decision.model_version,
    "policy_rule": Decision.policy_rule,
    WEIGHT: Decision.weight,
    "overrules": Decision.overrules_id,
    "undoes": Decision.undoes_id,
    "opinion_on": Decision.opinion_on_id,
    "bulk": Decision.bulk_id,
    "note": Decision.note,
}  # fmt: skip
"""Where the columns of an export are in the store."""
_NAMED_RULE: Final = re.compile(r"(.+): \S+ (?:below|at or above) ", re.S)


@dataclass(frozen=True)
class Chosen:
    """What goes into an export."""

    history: bool = False
    """All rows of the history, not only the decisions in force."""
    texts: bool = True
    """Words of readers and moderators: texts, titles and notes."""
    authors: bool = True


def write_export(session: Session, path: Path | str, chosen: Chosen) -> int:
    """
    Write decisions as Parquet, CSV or JSON Lines by the path's ending and return their number.

    In CSV, words that a spreadsheet would take for a formula are marked; reading it as a table of
    comments takes the marks off again.

    Raises:
        OutputError: the ending is not known, or the file cannot be written.

    """
    rows, columns = export_rows(session, chosen), COLUMNS
    if str(path) != "-" and find_writer(Path(path)) is CsvWriter:
        rows, columns = map(mark_row, rows), (*COLUMNS, MARKED)
    return write_rows(rows, path, columns=columns, types=TYPES)


def export_rows(session: Session, chosen: Chosen) -> Iterator[Row]:
    """
    Yield decisions with the comments they are on, earliest first, read a part at a time.

    `label` and `status` are those of the comment where a person's decision is in force: what a
    policy did, what was undone or overruled, and second opinions teach nothing.
    """
    query = _select(chosen).execution_options(yield_per=READ_AT_ONCE)
    # Below the mapper, which makes two objects of each row: it takes half as long.
    with session.connection().execute(query) as found:
        for values in found:
            yield _as_row(dict(zip(_STORED, values, strict=True)), chosen)


def _select(chosen: Chosen) -> Select[Any]:
    query = (
        select(*_STORED.values())
        .join_from(Decision, StoredComment, StoredComment.key == Decision.comment_key)
        .order_by(Decision.id)
    )
    if chosen.history:
        return query
    return query.where(Decision.kind == Kind.DECISION, StoredComment.decision_id == Decision.id)


def _as_row(stored: Row, chosen: Chosen) -> Row:
    text = stored[TEXT]
    stored[_IN_FORCE] = stored[_IN_FORCE] == stored["decision"]
    label = _label(stored)
    found = {
        **stored,
        "kind": str(stored["kind"]),
        "action": str(stored["action"]),
        "rule": _name_rule(stored["policy_rule"]),
        CHARACTERS: None if text is None else len(text.strip()),
        STATUS: None if label is None else str((Status.PUBLISHED, Status.REMOVED)[label]),
        "removal_reason": stored["house_rule"] if label else None,
        LABEL: label,
        SOURCE: EXPORTED,
    }
    if not chosen.texts:
        found |= dict.fromkeys((TEXT, "article_title", "note"))
    if not chosen.authors:
        found["author"] = None
    return {name: found[name] for name in COLUMNS}


def _label(stored: Row) -> int | None:
    """Return 1 or 0 where a person's decision is in force."""
    if not stored[_IN_FORCE] or stored[DECIDED_BY].startswith(AUTOMATIC):
        return None
    return int(stored["action"] is Action.REMOVE)


def _name_rule(policy_rule: str | None) -> str | None:
    """
    Return the name of a rule that is stored as what it says of itself.

    >>> _name_rule("one in two: LIKELY_TO_REJECT at or above 0.431, hold")
    'one in two'
    """
    named = _NAMED_RULE.match(policy_rule or "")
    return named[1] if named else None
