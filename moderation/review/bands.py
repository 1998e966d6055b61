"""The bands by which near-duplicates are found in the store: made, made anew, and dropped."""

from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from moderation.review.history import lock_history
from moderation.similar import VERSION, find_bands
from moderation.tables import BAND_COLUMNS, StoredComment

INDEXED_AT_ONCE: Final = 2048


def index_comments(session: Session, *, limit: int = INDEXED_AT_ONCE) -> int:
    """
    Give comments that have none their bands, and return how many were due.

    Due are new comments, those whose bands were dropped, and those with bands of an earlier
    version; at most `limit` of them, so that others can write in between: call it until it
    returns 0. The caller commits.
    """
    lock_history(session)
    due = session.execute(
        select(StoredComment.key, StoredComment.text)
        .where(StoredComment.signed_with < VERSION)
        .limit(limit)
    ).all()
    bands = find_bands([row.text or "" for row in due])
    rows = [_row(row.key, some) for row, some in zip(due, bands, strict=True)]
    if rows:
        session.execute(update(StoredComment), rows)
    return len(rows)


def drop_bands(session: Session, *keys: str) -> None:
    """
    Forget the bands of comments: their words are others now, or erased; the caller commits.

    Of erased words nothing is found any longer; others are due for `index_comments`.
    """
    session.execute(
        update(StoredComment),
        [{"key": key, "signed_with": 0, **dict.fromkeys(BAND_COLUMNS)} for key in keys],
    )


def _row(key: str, bands: list[int]) -> dict[str, str | int | None]:
    """Return what is stored of a comment's bands; of one without letters, that it has none."""
    stored: list[int | None] = [*bands] or [None] * len(BAND_COLUMNS)
    return {"key": key, "signed_with": VERSION, **dict(zip(BAND_COLUMNS, stored, strict=True))}
