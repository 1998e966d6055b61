"""Reads tables of scored comments: Parquet column by column, others comment by comment."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moderation.captures import PAGE_SOURCES, is_capture
from moderation.comments import Comment
from moderation.errors import DataError, ParseError
from moderation.frames import ARTICLE_ID, ID, LABEL, SCORE, SOURCE, STATUS, TEXT, batched
from moderation.parsers import TABLE_PARSERS, Reading, read_comments
from moderation.parsers.columns import Columns, has_text_column
from moderation.parsers.notes import Notes
from moderation.parsers.sources import open_source
from moderation.parsers.tabular import match_columns
from moderation.past.comments import PastComments, Words
from moderation.past.gathered import Gathered
from moderation.past.values import (
    CHARACTERS,
    CREATED_AT,
    GIVEN_LABEL,
    NAME,
    OUTCOME,
    OUTCOMES,
    TIME,
    UNKNOWN,
    Kind,
    read_arrow,
    read_list,
)
from moderation.policy import LIKELY_TO_REJECT

PARQUET_ROWS, TEXT_ROWS = 1 << 16, 1 << 13
"""Rows whose words are in memory together."""

# What `str.strip` takes away: Arrow's own trimming leaves the separators U+001C to U+001F.
WHITE_SPACE: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


def read_past(
    path: Path,
    *,
    attributes: Collection[str],
    needs_characters: bool = True,
    name: str | None = None,
) -> PastComments:
    """
    Return the scored comments of a table (Parquet, CSV, JSON Lines) as columns.

    The column `score` is the model's own attribute, LIKELY_TO_REJECT; one called like another
    attribute holds that. `label` counts, else `status`, as in training; what a single capture of
    a page shows is no outcome. The words are only measured, a batch at a time, and only where
    `needs_characters` and there is no column `characters`. Messages call the table by its `name`.

    Raises:
        SourceError: the file cannot be opened, unpacked or decoded.
        ParseError: it is not what its format promises.
        DataError: no table, no comments, no scores or such as are none, or those of two models.

    """
    columns = {SCORE if name == LIKELY_TO_REJECT else name: name for name in sorted(attributes)}
    gathered = Gathered(name or path.name, columns)
    if _is_parquet(path):
        with _open_parquet(path) as table:
            _gather_parquet(table, gathered, needs_characters=needs_characters)
    else:
        _gather_rows(_read_rows(path), gathered, needs_characters=needs_characters)
    return gathered.finish()


def read_texts(path: Path, rows: Sequence[int]) -> list[Words]:
    """
    Return the words of a few comments of a table, in the order in which their rows are named.

    Rows are counted from 0, as `read_past` counts them.

    Raises:
        IndexError: there is no such row.

    """
    wanted = set(rows)
    if _is_parquet(path):
        with _open_parquet(path) as table:
            found = dict(_choose_parquet(table, path.name, wanted))
    else:
        reading = _read_rows(path)
        last = max(wanted, default=-1)
        found = {
            row: Words(comment.id, comment.text)
            for row, comment in enumerate(itertools.islice(reading, last + 1))
            if row in wanted
        }
    if missing := wanted - found.keys():
        raise IndexError(f"no row {min(missing)} in {path.name}")
    return [found[row] for row in rows]


def read_ids(path: Path) -> list[str]:
    """
    Return the ids of the comments of a table, in its order, as `read_texts` has them.

    Raises:
        SourceError, ParseError, DataError: as `read_past`.

    """
    if not _is_parquet(path):
        return [comment.id for comment in _read_rows(path)]
    with _open_parquet(path) as table:
        notes = Notes()
        fields = _match(table, path.name, notes)
        few = {field: fields[field] for field in (ID, TEXT, STATUS) if field in fields}
        columns = Columns({TEXT: TEXT, **few}, extra=())
        rows = (
            row
            for batch in table.iter_batches(PARQUET_ROWS, columns=list(few.values()))
            for row in batch.to_pylist()
        )
        return [
            columns.comment(row, number=number, source="parquet", notes=notes).id
            for number, row in enumerate(rows, start=1)
        ]


def _read_rows(path: Path) -> Reading:
    reading = read_comments(path)
    if reading.format not in TABLE_PARSERS:
        raise DataError(
            f"{path.name}: a saved page; expected a table of scored comments: "
            "python -m moderation.parse, then python -m moderation.score"
        )
    return reading


def _gather_rows(reading: Reading, gathered: Gathered, *, needs_characters: bool) -> None:
    """Gather a table of text."""
    batches = batched(reading, TEXT_ROWS)
    first = next(batches, [])  # with which the columns are known
    columns = reading.notes.columns
    gathered.check_columns(columns)
    for batch in itertools.chain([first], batches):
        _gather_comments(batch, columns, gathered)
        if needs_characters and CHARACTERS not in columns:
            lengths = [len((comment.text or "").strip()) for comment in batch]
            gathered.add(CHARACTERS, pa.array(lengths, pa.float64()))
        gathered.rows += len(batch)
    gathered.left_out.update(reading.notes.left_out)


def _gather_comments(
    batch: Sequence[Comment], columns: Collection[str], gathered: Gathered
) -> None:
    gathered.add(LABEL, pa.array([_outcome(comment) for comment in batch], GIVEN_LABEL.type))
    gathered.add(ARTICLE_ID, pa.array([comment.article_id for comment in batch], NAME.type))
    gathered.add(CREATED_AT, pa.array([comment.created_at for comment in batch], TIME.type))
    for column, kind in gathered.kinds.items():
        if column in columns:
            values = [comment.extra.get(column) for comment in batch]
            gathered.add(column, read_list(values, kind, gathered.place(column)))


def _outcome(comment: Comment) -> int:
    if comment.label is not None:
        return comment.label
    if comment.status is None or is_capture(comment):
        return UNKNOWN
    return OUTCOMES.get(comment.status, UNKNOWN)


def _is_parquet(path: Path) -> bool:
    with open_source(path) as source:
        return source.is_parquet


@contextmanager
def _open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, packed or not; what is wrong with it becomes one line."""
    with open_source(path) as source, path.open("rb") as plain:
        is_packed = plain.read(2) == b"\x1f\x8b"
        try:
            with source.seekable() if is_packed else plain as stream:
                yield pq.ParquetFile(stream, pre_buffer=False)
        except ParseError as error:
            raise ParseError(f"{path.name}: {error}") from error
        except (
            pa.ArrowException,
            OSError,
            UnicodeDecodeError,
        ) as error:  # whose words may be a comment's
            raise ParseError(
                f"{path.name}: damaged or incomplete Parquet; write or copy it again"
            ) from error


def _gather_parquet(table: pq.ParquetFile, gathered: Gathered, *, needs_characters: bool) -> None:
    """Gather a Parquet file; its words are read only to be measured."""
    notes = Notes()
    fields = _match(table, gathered.name, notes)
    gathered.check_columns(notes.columns)
    gathered.left_out.update(notes.left_out)
    further = [column for column in gathered.kinds if column in notes.columns]
    known = [LABEL, STATUS, SOURCE, ARTICLE_ID, CREATED_AT]
    if needs_characters and CHARACTERS not in further:
        known.append(TEXT)
    read = {name: fields[name] for name in known if name in fields}
    for batch in table.iter_batches(PARQUET_ROWS, columns=[*read.values(), *further]):
        held = {name: batch.column(column) for name, column in read.items()}
        gathered.add(LABEL, _outcomes(batch, read, gathered))
        for name, kind in ((ARTICLE_ID, NAME), (CREATED_AT, TIME)):
            if name in held:
                gathered.add(name, read_arrow(held[name], kind, gathered.place(read[name])))
        for column in further:
            kind, place = gathered.kinds[column], gathered.place(column)
            gathered.add(column, read_arrow(batch.column(column), kind, place))
        if TEXT in held:
            gathered.add(CHARACTERS, measure(held[TEXT]))
        gathered.rows += batch.num_rows


def _match(table: pq.ParquetFile, name: str, notes: Notes) -> dict[str, str]:
    """Return the column of each field of a comment; a table of scores need not keep words."""
    names = table.schema_arrow.names
    has_words = has_text_column(names)
    fields = match_columns(names if has_words else [*names, TEXT], notes, {}, name).by_field
    return {field: column for field, column in fields.items() if has_words or field != TEXT}


def _outcomes(batch: pa.RecordBatch, read: Mapping[str, str], gathered: Gathered) -> pa.Array:
    """Return the label of each row, else what its status says, unless a page alone shows it."""

    def of(name: str, kind: Kind) -> pa.Array:
        if name not in read:
            return pa.nulls(batch.num_rows, kind.type)
        return read_arrow(batch.column(read[name]), kind, gathered.place(read[name]))

    from_pages = pc.is_in(of(SOURCE, NAME), pa.array(sorted(PAGE_SOURCES), NAME.type))
    shown = pc.if_else(from_pages, pa.scalar(None, OUTCOME.type), of(STATUS, OUTCOME))
    return pc.coalesce(of(LABEL, GIVEN_LABEL), shown).fill_null(UNKNOWN)


def measure(texts: pa.Array) -> pa.Array:
    """
    Return the characters of each text without white space around it, as `len(text.strip())`.

    Raises:
        ParseError: they are no texts.

    """
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    if not pa.types.is_null(texts.type) and not NAME.is_plain(texts.type):
        raise ParseError(f"the text is a {texts.type}, expected a string")
    trimmed = pc.utf8_trim(texts.cast(NAME.type), characters=WHITE_SPACE)
    return pc.utf8_length(trimmed).fill_null(0).cast(pa.float64())


def _choose_parquet(
    table: pq.ParquetFile, name: str, wanted: Collection[int]
) -> Iterator[tuple[int, Words]]:
    """Yield the words of some rows; those of others are read and dropped, a batch at a time."""
    notes = Notes()
    columns = match_columns(table.schema_arrow.names, notes, {}, name)
    fields = {
        field: columns.by_field[field] for field in (ID, TEXT, STATUS) if field in columns.by_field
    }
    few = Columns(fields, extra=())
    before = 0
    for batch in table.iter_batches(PARQUET_ROWS, columns=list(fields.values())):
        for row in sorted(row for row in wanted if before <= row < before + batch.num_rows):
            [values] = batch.slice(row - before, 1).to_pylist()
            comment = few.comment(values, number=row + 1, source="parquet", notes=notes)
            yield row, Words(comment.id, comment.text)
        before += batch.num_rows
