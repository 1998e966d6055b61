"""`seal(row)`: the digest that ties a row of the history to the one before it; pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

BEGINNING: Final = "0" * 64
"""What stands for the digest before the first row."""
SEALED: Final = (
    "id", "comment_key", "kind", "action", "house_rule", "decided_by", "decided_at", "score",
    "model_version", "policy_rule", "overrules_id", "undoes_id", "opinion_on_id", "bulk_id",
    "weight", "note_digest",
)  # fmt: skip
"""The columns that a digest is of; a note counts by its own digest, so that it can be erased."""


def seal(row: Mapping[str, Any], *, before: str) -> str:
    """
    Return the SHA-256 of a row and of the digest before it, in hexadecimal.

    Whoever changes, leaves out or puts in a row has to make all later digests anew, and cannot
    where a later one was noted elsewhere (Haber and Stornetta 1991).

    >>> row = dict.fromkeys(SEALED) | {"id": 1, "action": "approve"}
    >>> seal(row, before=BEGINNING) == seal(row | {"action": "remove"}, before=BEGINNING)
    False
    """
    values = [before, *(_plain(row[name]) for name in SEALED)]
    line = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()


def digest_note(note: str | None) -> str | None:
    """Return the SHA-256 of a note in hexadecimal; None where there is none."""
    return None if note is None else hashlib.sha256(note.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, the same before it is stored and when it is read again."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, float):
        return float(value) + 0.0  # SQLite stores -0 as 0
    return value.value if isinstance(value, Enum) else value
