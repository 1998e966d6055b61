"""Near-duplicates in the store: what waits, the nearest past decisions, and what contradicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, func, select, union_all
from sqlalchemy.orm import Session

from moderation.comments import Comment
from moderation.policy import Action
from moderation.review.stored import to_comment
from moderation.similar import NEAR, RELATED, find_bands, fold, share, shingles
from moderation.tables import BAND_COLUMNS, Decision, Held, StoredComment

COMPARED: Final = 48
"""Decided comments whose words are compared: those that share most bands, then the newest."""
FROM_A_BAND: Final = 64
"""Comments that one band contributes; of decided ones those decided last."""
SCANNED: Final = 1_000
"""Comments of one band among which those that wait, or are decided otherwise, are looked for."""
LOOKED_THROUGH: Final = 2_000
"""Latest decisions for which a contradiction is looked for."""
TRIED: Final = 200
"""Comments of which it is looked whether they begin a group."""
_READ_AT_ONCE: Final = 500

_BANDS: Final = tuple(getattr(StoredComment, name) for name in BAND_COLUMNS)
_IN_FORCE: Final = (Decision.comment_key == StoredComment.key) & (
    Decision.id == StoredComment.decision_id
)
_OPPOSITE: Final = {Action.APPROVE: Action.REMOVE, Action.REMOVE: Action.APPROVE}

Integers = NDArray[np.int64]
Candidates = Select[str, int | None]
"""Selects key and decision_id of comments that share a band."""


@dataclass(frozen=True)
class Alike:
    """A comment by its key, and how alike its words are, from 0 to 1."""

    key: str
    similarity: float


@dataclass(frozen=True)
class Precedent:
    """A decided comment, the decision in force on it, and how alike its words are, from 0 to 1."""

    key: str
    comment: Comment
    decision: Decision
    similarity: float


@dataclass(frozen=True)
class Contradiction:
    """Two comments in nearly the same words, of which one was removed and the other approved."""

    newer: Precedent
    older: Precedent


def find_waiting(session: Session, key: str, text: str | None, *, limit: int) -> list[Alike]:
    """
    Return the near-duplicates of a comment that wait for a first decision, most alike first.

    Near is a similarity of `NEAR` or more; a comment is not its own. Of more copies than `limit`,
    any. What waits for a second opinion has its decision already, and is not among them.
    """
    most = max(FROM_A_BAND, limit)
    bounds = {"of_band": most, "scanned": max(SCANNED, 4 * limit), "of_all": 2 * most}
    likely = _find_likely(session, _waiting_query(), text, key=key, **bounds)
    texts = _read_texts(session, likely)
    found = [Alike(key, alike) for key, alike in _compare(text, texts).items() if alike >= NEAR]
    return sorted(found, key=lambda one: (-one.similarity, one.key))[:limit]


def find_decided(
    session: Session, key: str, text: str | None, *, limit: int = 3
) -> list[Precedent]:
    """
    Return the nearest past decisions in force on other comments, most alike first, then newest.

    Near-duplicates, and below them what is at least `RELATED`; where nothing is, nothing. Of the
    same words decided in the same way, only the latest decision.

    A band contributes its latest decisions, so that a text in 50,000 copies costs no more than one
    in 50. What that costs: among more decided comments that share a band, an older one that is
    more alike than the latest ones is found by its other bands only.
    """
    bounds = {"of_band": FROM_A_BAND, "of_all": COMPARED}
    likely = _find_likely(session, _decided_query(), text, key=key, **bounds)
    return _choose_precedents(session, text, likely, least=RELATED, limit=limit)


def find_contradictions(
    session: Session, *, limit: int, among: int = LOOKED_THROUGH
) -> list[Contradiction]:
    """
    Return near-duplicates of which one was removed and the other approved, newest first.

    The latest `among` decisions in force, by anybody, are each compared with those before it: the
    most alike one counts, then the latest. Of the same words decided in the same way only the
    latest is looked at, and of each band the `SCANNED` decisions before it.
    """
    found: list[Contradiction] = []
    looked_at: set[tuple[object, ...]] = set()
    bounds = {"of_band": FROM_A_BAND, "scanned": SCANNED, "of_all": COMPARED}
    for newer, text, *bands in _read_latest(session, among):
        if len(found) >= limit:
            break
        if (newer.action, *bands) in looked_at:
            continue
        looked_at.add((newer.action, *bands))
        about = {"key": newer.comment_key, "before": newer.id, "action": _OPPOSITE[newer.action]}
        query = _contradicting_query()
        likely = _find_likely(session, query, text, **about, **bounds)
        for older in _choose_precedents(session, text, likely, least=NEAR, limit=1):
            [own] = _read_precedents(session, {newer.comment_key: older.similarity})
            found.append(Contradiction(own, older))
    return found


def group_waiting(session: Session, *, least: int = 2, limit: int) -> list[list[str]]:
    """
    Return the largest groups of near-duplicates that wait, largest first, as keys.

    The first of a group has waited longest. Every other one is near to it, not only to another
    one: groups do not drift. A comment is in one group at most. What waits for a second moderator
    is left out, since nobody decides that in bulk. Of groups that are as small as what chance
    brings together, some may be missed: at most `TRIED` are looked at.
    """
    if least < 2:
        raise ValueError(f"least is {least}; a group has at least 2 comments")
    keys, bands = _read_waiting(session)
    buckets, buckets_of = _fill_buckets(bands, least=least)
    free, untried = np.ones(len(keys), dtype=bool), np.ones(len(keys), dtype=bool)
    groups: list[list[str]] = []
    for bucket in buckets:
        first = bucket[free[bucket] & untried[bucket]][:1]
        if len(groups) == limit or (~untried).sum() == TRIED:
            break
        if not len(first) or free[bucket].sum() < least:
            continue
        untried[first] = False
        sharing = np.concatenate([buckets[at] for at in buckets_of[first[0]] if at >= 0])
        others = np.setdiff1d(sharing[free[sharing]], first)
        near = _keep_near(session, keys, first[0], others)
        if len(near) + 1 >= least:
            free[[*first, *near]] = False
            groups.append([keys[place] for place in (*first, *near)])
    return sorted(groups, key=len, reverse=True)


@cache
def _waiting_query() -> Select[str]:
    """Select what waits: some that share a band and have no decision, and of those the held."""
    parts = []
    for shared in _sharing_a_band():
        undecided = shared.where(StoredComment.decision_id.is_(None))
        some = undecided.limit(bindparam("scanned")).subquery()
        held = select(some.c.key, some.c.decision_id).join(Held, Held.comment_key == some.c.key)
        parts.append(held.limit(bindparam("of_band")))
    return _most_shared(parts)


@cache
def _decided_query() -> Select[str]:
    """Select what is decided: the index of a band has it in the order of the decisions."""
    return _most_shared([part.limit(bindparam("of_band")) for part in _latest_of_a_band()])


@cache
def _contradicting_query() -> Select[str]:
    """Select what was decided in one way, and before."""
    parts = []
    for latest in _latest_of_a_band():
        before = latest.where(StoredComment.decision_id < bindparam("before"))
        some = before.limit(bindparam("scanned")).subquery()
        parts.append(
            select(some.c.key, some.c.decision_id)
            .join(Decision, Decision.id == some.c.decision_id)
            .where(Decision.action == bindparam("action"))
            .order_by(some.c.decision_id.desc())
            .limit(bindparam("of_band"))
        )
    return _most_shared(parts)


def _latest_of_a_band() -> list[Candidates]:
    decision = StoredComment.decision_id
    return [
        shared.where(decision.is_not(None)).order_by(decision.desc())
        for shared in _sharing_a_band()
    ]


def _sharing_a_band() -> list[Candidates]:
    """Select for each band the other comments that have it."""
    columns = select(StoredComment.key, StoredComment.decision_id)
    other = StoredComment.key != bindparam("key")
    return [columns.where(band == bindparam(band.key), other) for band in _BANDS]


def _most_shared(parts: Sequence[Candidates]) -> Select[str]:
    """Select the keys that most of the parts have, of equally many those decided last."""
    # SQLite takes a LIMIT inside a UNION only in a subquery.
    every = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return (
        select(every.c.key)
        .group_by(every.c.key)
        .order_by(func.count().desc(), func.max(every.c.decision_id).desc(), every.c.key)
        .limit(bindparam("of_all"))
    )


def _find_likely(
    session: Session, query: Select[str], text: str | None, **values: object
) -> list[str]:
    """Return the keys that a query finds for the bands of a text."""
    [bands] = find_bands([text or ""])
    if not bands:
        return []
    return list(session.scalars(query, {**dict(zip(BAND_COLUMNS, bands, strict=True)), **values}))


def _read_texts(session: Session, keys: Sequence[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for begin in range(0, len(keys), _READ_AT_ONCE):
        some = StoredComment.key.in_(keys[begin : begin + _READ_AT_ONCE])
        rows = session.execute(select(StoredComment.key, StoredComment.text).where(some))
        texts.update((row.key, row.text or "") for row in rows)
    return texts


def _compare(text: str | None, texts: Mapping[str, str]) -> dict[str, float]:
    """Return how alike each of the texts is to one."""
    own = shingles(text or "")
    known = {other: share(own, shingles(other)) for other in set(texts.values())}
    return {key: known[other] for key, other in texts.items()}


def _choose_precedents(
    session: Session, text: str | None, likely: Sequence[str], *, least: float, limit: int
) -> list[Precedent]:
    """Return the nearest of likely ones; of the same words and decision the latest only."""
    texts = _read_texts(session, likely)
    alike = {key: found for key, found in _compare(text, texts).items() if found >= least}
    if not alike:
        return []
    decided = select(StoredComment.key, Decision.id, Decision.action, Decision.house_rule).join(
        Decision, _IN_FORCE
    )
    rows = session.execute(decided.where(StoredComment.key.in_(alike))).all()
    chosen: dict[object, str] = {}
    for key, _, *way in sorted(rows, key=lambda row: (-alike[row.key], -row.id)):
        chosen.setdefault((fold(texts[key]), *way), key)
    some = list(chosen.values())[:limit]
    return _read_precedents(session, {key: alike[key] for key in some})


def _read_precedents(session: Session, alike: Mapping[str, float]) -> list[Precedent]:
    """Return decided comments with their decisions, most alike first, then newest."""
    decided = select(StoredComment, Decision).join(Decision, _IN_FORCE)
    rows = session.execute(decided.where(StoredComment.key.in_(alike)))
    found = [
        Precedent(row.key, to_comment(row), decision, alike[row.key]) for row, decision in rows
    ]
    return sorted(found, key=lambda one: (-one.similarity, -one.decision.id))


def _read_latest(session: Session, limit: int) -> Sequence[Any]:
    """Return the latest decisions in force on comments with bands, with the words and the bands."""
    return session.execute(
        select(Decision, StoredComment.text, *_BANDS)
        .join(StoredComment, _IN_FORCE)
        .where(_BANDS[0].is_not(None), Decision.action.in_(_OPPOSITE))
        .order_by(Decision.id.desc())
        .limit(limit)
    ).all()


def _read_waiting(session: Session) -> tuple[list[str], Integers]:
    """Return keys and bands of what waits for a first decision, in the order of its waiting."""
    rows = session.execute(
        select(StoredComment.key, *_BANDS)
        .join(Held, Held.comment_key == StoredComment.key)
        .where(StoredComment.decision_id.is_(None), Held.not_for.is_(None), _BANDS[0].is_not(None))
        .order_by(Held.held_at, StoredComment.key)
    ).all()
    bands = np.array([row[1:] for row in rows], dtype=np.int64)
    return [row[0] for row in rows], bands.reshape(-1, len(_BANDS))


def _fill_buckets(bands: Integers, *, least: int) -> tuple[list[Integers], Integers]:
    """
    Return which rows share a band, and the buckets of each row; -1 where it has too few rows.

    The largest buckets come first, and of equally large ones those whose first two rows share most
    bands: chance brings many pairs together, but by one band only.
    """
    _, numbers, counts = np.unique(bands, return_inverse=True, return_counts=True)
    large = np.flatnonzero(counts >= least)
    if not len(large):
        return [], np.full(bands.shape, -1)
    order = np.argsort(numbers, axis=None, kind="stable") // len(_BANDS)
    begins = (np.cumsum(counts) - counts)[large]
    agreement = (bands[order[begins]] == bands[order[begins + 1]]).sum(axis=1)
    by_size = np.lexsort((-agreement, -counts[large]))
    large, begins = large[by_size], begins[by_size]
    places = np.full(len(counts), -1)
    places[large] = np.arange(len(large))
    buckets = [order[at : at + size] for at, size in zip(begins, counts[large], strict=True)]
    return buckets, places[numbers].reshape(bands.shape)


def _keep_near(session: Session, keys: list[str], first: int, others: Integers) -> list[int]:
    """Return those of the others that are near to the first, in their order."""
    texts = _read_texts(session, [keys[place] for place in (first, *others)])
    alike = _compare(texts[keys[first]], texts)
    return [int(place) for place in others if alike[keys[place]] >= NEAR]
