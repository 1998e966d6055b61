"""What a worker does to measure a model: scores the labelled rows of a part, and tells no words."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from moderation.captures import PAGE_SOURCES
from moderation.comments import Comment, Status
from moderation.datasets import outcome_of, why_unlabelled
from moderation.distributed.addresses import find_place
from moderation.distributed.model_on_workers import find_scorer
from moderation.distributed.partitions import Part
from moderation.distributed.places import Hashes, hash_names, name_articles
from moderation.distributed.reading import Layout, has_words, is_known, read_piece
from moderation.distributed.scoring import FULL, Failed
from moderation.errors import ModerationError
from moderation.fairness import mentions
from moderation.frames import ARTICLE_ID, ID, LABEL, PARENT_ID, SCHEMA, SOURCE, STATUS, TEXT
from moderation.scorer import Scorer

NEEDED = (
    ID, PARENT_ID, "number", ARTICLE_ID, "article_title", "captured_at", TEXT, STATUS, LABEL,
    SOURCE,
)  # fmt: skip
"""What is told of captures of pages, which are joined where all of them come together."""

Bits = NDArray[np.uint32]


@dataclass(frozen=True)
class Task:
    """What all tasks of an evaluation share; it travels with each, and shows no address."""

    input: str = field(repr=False)
    model: str
    layout: Layout
    known: frozenset[str] = field(repr=False)
    """SHA-256 of the files that the model learnt from."""


@dataclass(frozen=True)
class Rows:
    """Rows that are no captures of pages, in order: (n,) of all, (m,) of the labelled ones."""

    labels: NDArray[np.int8]
    """(m,)"""
    scores: NDArray[np.float64]
    """(m,)"""
    mentioned: Bits
    """Of each labelled row a bit for each group of people that it mentions, (m,)."""
    articles: Hashes
    """(m,), 0 without an article."""
    is_labelled: NDArray[np.bool_]
    """(n,)"""
    places: Hashes
    """(n,)"""
    parents: Hashes
    """(n,), 0 without a parent."""


NO_ROWS = Rows(
    labels=np.zeros(0, np.int8),
    scores=np.zeros(0, np.float64),
    mentioned=np.zeros(0, np.uint32),
    articles=np.zeros(0, np.uint64),
    is_labelled=np.zeros(0, np.bool_),
    places=np.zeros(0, np.uint64),
    parents=np.zeros(0, np.uint64),
)


@dataclass
class Told:
    """What a worker tells of a part."""

    name: str
    rows: list[Rows] = field(default_factory=list)
    """Batch by batch."""
    captures: list[Comment] = field(default_factory=list)
    """Rows that are captures of pages, a digest of their words in the words' place."""
    scored: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Of each such digest the score, and whom the words mention."""
    read: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows without a label, by cause."""
    not_read: Counter[str] = field(default_factory=Counter)
    learnt_from: list[str] = field(default_factory=list)
    """Paths of the tables that the model learnt from."""


def tell_part(task: Task, part: Part, paths: tuple[str, ...]) -> Told | Failed:
    """
    Score what is labelled in a part; `paths` are those of its pieces.

    What is wrong with the input is returned and not raised: workers log what they raise.
    """
    try:
        return _tell_part(task, part, paths)
    except ModerationError as error:
        return Failed(part.name, str(error), True)
    except MemoryError:
        return Failed(part.name, FULL, True)


def _tell_part(task: Task, part: Part, paths: tuple[str, ...]) -> Told:
    scorer, source = find_scorer(task.model), find_place(task.input)
    told = Told(part.name)
    for piece, path in zip(part.pieces, paths, strict=True):
        if is_known(source, path, piece, task.known):
            told.learnt_from.append(path)
        for columns in read_piece(task.layout, source, path, piece, told.not_read):
            _tell_rows(dict(zip(SCHEMA.names, columns, strict=True)), scorer, told)
    return told


def _tell_rows(columns: Mapping[str, pa.Array], scorer: Scorer, told: Told) -> None:
    from_pages = pc.is_in(columns[SOURCE], pa.array(sorted(PAGE_SOURCES)))
    told.read += len(from_pages)
    if pc.any(from_pages).as_py():
        own = {name: columns[name].filter(from_pages) for name in NEEDED}
        _tell_captures(own, scorer, told)
        others = pc.invert(from_pages)
        columns = {name: column.filter(others) for name, column in columns.items()}
    told.rows.append(_tell_labelled(columns, scorer, told.left_out))


def _tell_labelled(columns: Mapping[str, pa.Array], scorer: Scorer, left_out: Counter[str]) -> Rows:
    labels = _find_labels(columns, left_out)
    chosen = pa.array(labels >= 0)
    texts = columns[TEXT].filter(chosen)
    articles = name_articles(columns[ARTICLE_ID], columns["article_title"])
    shown = pc.coalesce(columns[ARTICLE_ID], columns["article_title"]).is_valid()
    join = pc.binary_join_element_wise
    return Rows(
        labels=labels[labels >= 0],
        scores=scorer.score(texts, threads=1),
        mentioned=find_mentions(texts.to_pylist()),
        articles=hash_names(pc.if_else(shown, articles, None).filter(chosen)),
        is_labelled=labels >= 0,
        places=hash_names(join(articles, columns[ID], "/")),
        parents=hash_names(join(articles, columns[PARENT_ID], "/")),
    )


def _find_labels(columns: Mapping[str, pa.Array], left_out: Counter[str]) -> NDArray[np.int8]:
    """Return the label of each row, (n,), -1 where it has none; alike rows are judged once."""
    cases = pa.table(
        {
            LABEL: columns[LABEL],
            STATUS: columns[STATUS],
            TEXT: pc.if_else(
                has_words(columns[TEXT]), "words", pc.if_else(columns[TEXT].is_valid(), "", None)
            ),
        }
    )
    labels = np.empty(len(cases), dtype=np.int8)
    numbered = cases.append_column("row", pa.array(np.arange(len(cases))))
    for case in numbered.group_by([LABEL, STATUS, TEXT]).aggregate([("row", "list")]).to_pylist():
        comment = _as_comment({**case, ID: "", SOURCE: ""})
        rows = np.array(case["row_list"])
        cause = why_unlabelled(comment)
        labels[rows] = -1 if cause is not None else outcome_of(comment)
        if cause is not None:
            left_out[cause] += len(rows)
    return labels


def find_mentions(texts: list[str]) -> Bits:
    """Return a bit for each group of people that a text mentions, (m,)."""
    found = np.zeros(len(texts), dtype=np.uint32)
    for place, named in enumerate(mentions(texts).values()):
        found |= named.astype(np.uint32) << np.uint32(place)
    return found


def _tell_captures(columns: Mapping[str, pa.Array], scorer: Scorer, told: Told) -> None:
    texts = list(set(columns[TEXT].filter(has_words(columns[TEXT])).to_pylist()))
    digests = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
    scores, named = scorer.score(texts, threads=1), find_mentions(texts)
    told.scored.update(
        zip(digests.values(), zip(scores.tolist(), named.tolist(), strict=True), strict=True)
    )
    rows = pa.table(dict(columns)).to_pylist()
    told.captures.extend(
        _as_comment(row | {TEXT: digests.get(row[TEXT], row[TEXT])}) for row in rows
    )


def _as_comment(row: Mapping[str, Any]) -> Comment:
    fields: dict[str, Any] = {name: row.get(name) for name in NEEDED}
    status = None if row[STATUS] is None else Status(row[STATUS])
    return Comment(**fields | {STATUS: status})
