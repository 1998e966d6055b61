"""Rows of a Parquet table as local reading gives them, worked out column by column."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from moderation.errors import ParseError
from moderation.frames import ID, LABEL, SCHEMA, SOURCE, STATUS, TEXT, to_column
from moderation.parsers.columns import READERS, Columns, make_id

_SHOWN = (None, "published")
_FORMAT = "parquet"


@dataclass
class ColumnReader:
    """
    Turns batches of a table's rows into the columns of comments, as reading them one by one does.

    Columns that have the type of a table of comments are taken as they are. Of others each
    different value is read once, by what reads the values of rows.
    """

    columns: Columns
    schema: pa.Schema
    """Of the result: fields of comments, then columns of the table that are kept."""
    captured_at: datetime | None
    """When the table was taken, where rows do not say it."""
    left_out: Counter[str]
    """Filled: what was not understood, by its cause."""

    def read(self, rows: pa.RecordBatch, *, first: int) -> list[pa.Array]:
        """
        Return the columns of some rows, in the order of the schema; `first` is the first's number.

        Raises:
            ParseError: a text, a label or a status is not what such a column can hold.
            OutputError: a value of a further column is of another type than those before it.

        """
        try:
            rows.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ParseError("a text that is not UTF-8, or a damaged column") from error
        found = {name: self._field(rows, name, first) for name in SCHEMA.names}
        found[TEXT] = self._text(rows, found[STATUS], first)
        found[ID] = _fill_ids(found[ID], found[TEXT], first)
        for field in list(self.schema)[len(SCHEMA) :]:
            found[field.name] = _keep(rows.column(field.name), field)
        return [found[field.name] for field in self.schema]

    def _field(self, rows: pa.RecordBatch, name: str, first: int) -> pa.Array:
        kind = SCHEMA.field(name).type
        column = self.columns.by_field.get(name)
        if column is None or name == TEXT:
            read = pa.nulls(len(rows), kind)
        else:
            given = _plain(rows.column(column))
            read = _take(given, name, kind)
            if read is None:
                read = self._by_value(given, name, column, kind, first)
        default = {SOURCE: _FORMAT, "highlighted": False, "captured_at": self.captured_at}.get(name)
        return read if default is None else read.fill_null(pa.scalar(default, kind))

    def _text(self, rows: pa.RecordBatch, status: pa.Array, first: int) -> pa.Array:
        """Return the texts: an empty one is none, unless the comment is shown so."""
        column = _plain(rows.column(self.columns.by_field[TEXT]))
        if not (_is_text(column.type) or pa.types.is_null(column.type)):
            return self._by_value(column, TEXT, self.columns.by_field[TEXT], pa.string(), first)
        texts = column.cast(pa.string())
        shown = pc.is_in(status, pa.array(_SHOWN, pa.string()))
        return pc.if_else(pc.and_(pc.equal(texts, ""), pc.invert(shown)), None, texts)

    def _by_value(
        self, given: pa.Array, name: str, column: str, kind: pa.DataType, first: int
    ) -> pa.Array:
        values, places = _find_values(given)
        read: list[Any] = []
        for number, value in enumerate(values):
            try:
                read.append(_read(READERS[name], value))
            except ParseError as error:
                row = first + int(np.flatnonzero(places == number)[0])
                raise ParseError(str(error), row=row) from error
            except (ValueError, OverflowError, TypeError):
                times = int((places == number).sum())
                self.left_out[f"values of {column!r} not understood"] += times
                read.append(None)
        if name == STATUS:
            read = [None if value is None else str(value) for value in read]
        return pa.array(read, kind).take(pa.array(places, mask=places < 0))


def _read(reader: Callable[[Any], object], value: Any) -> object:
    is_missing = value is None or value == "" or value != value  # NaN alone is not equal to itself
    return None if is_missing else reader(value)


def _find_values(column: pa.Array) -> tuple[list[Any], Any]:
    """Return the different values of a column, and which of them each row has, -1 for none."""
    try:
        coded = column.dictionary_encode()
    except pa.ArrowNotImplementedError:  # nested ones
        return column.to_pylist(), np.arange(len(column))
    return coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy()


def _plain(column: pa.Array) -> pa.Array:
    is_coded = pa.types.is_dictionary(column.type)
    return column.dictionary_decode() if is_coded else column


def _take(given: pa.Array, name: str, kind: pa.DataType) -> pa.Array | None:
    """Return a column that needs no reading, as the type it has to be; None for another."""
    if name in (STATUS, LABEL):
        return None
    if pa.types.is_string(kind) and _is_text(given.type):
        texts = given.cast(kind)
        return pc.if_else(pc.equal(texts, ""), None, texts)
    is_time = pa.types.is_timestamp(given.type) and given.type.unit == "us" and given.type.tz
    same = pa.types.is_boolean(given.type) and pa.types.is_boolean(kind)
    whole = _fits_int64(given.type) and pa.types.is_int64(kind)
    return given.cast(kind) if same or whole or (is_time and _is_time(kind)) else None


def _keep(given: pa.Array, field: pa.Field) -> pa.Array:
    """Return a further column as the type that the first rows of the input gave it."""
    kind = field.type
    same = given.type == kind and (_is_time(kind) or pa.types.is_boolean(kind))
    texts = pa.types.is_string(kind) and _is_text(given.type)
    if same or texts or (pa.types.is_int64(kind) and _fits_int64(given.type)):
        return given.cast(kind)
    if pa.types.is_float64(kind) and given.type in (pa.float32(), pa.float64()):
        return pc.if_else(pc.is_nan(given), None, given).cast(kind)
    values = [value if value == value else None for value in given.to_pylist()]
    return to_column(values, field)


def _fill_ids(ids: pa.Array, texts: pa.Array, first: int) -> pa.Array:
    """Give an id to each row without one."""
    places = np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))
    if not len(places):
        return ids
    made = [
        make_id(first + int(place), text)
        for place, text in zip(places, texts.take(pa.array(places)).to_pylist(), strict=True)
    ]
    return pc.replace_with_mask(ids, ids.is_null(), pa.array(made, pa.string()))


def _is_text(kind: pa.DataType) -> bool:
    views = pa.types.is_string_view(kind)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or views)


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind))


def _fits_int64(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind)) and kind != pa.uint64()
