"""Cutting tables into parts: every row once, few rows a part, names that stay."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.frames import SCHEMA, TEXT
from tests.clusters import need_package

need_package("fsspec", "fsspec")
from moderation.distributed import reading  # noqa: E402
from moderation.distributed.addresses import find_place  # noqa: E402
from moderation.distributed.partitions import Piece, Table, cut_again, cut_parts  # noqa: E402
from moderation.distributed.rows import cut_files, find_tables_of  # noqa: E402

TABLES = [
    Table("a", 1, (700, 700, 10)),
    Table("b", 1, ()),
    Table("c", 1, None),
    *(Table(f"d{number}", 1, (3,)) for number in range(50)),
]


def rows_of(parts, table: int) -> list[int]:
    return [
        row
        for part in parts
        for piece in part.pieces
        if piece.table == table
        for row in range(piece.begin, piece.end or 0)
    ]


@pytest.mark.parametrize("rows", [1, 100, 250, 10_000])
def test_every_row_is_in_one_part_and_no_part_is_too_large(rows):
    parts = cut_parts(TABLES, rows=rows)
    for number, table in enumerate(TABLES):
        assert rows_of(parts, number) == list(range(table.rows or 0))
    sizes = [sum((p.end or 0) - p.begin for p in part.pieces) for part in parts]
    assert max(sizes) <= rows
    held = {piece.table for part in parts for piece in part.pieces}
    assert held == set(range(len(TABLES)))  # those without rows, and damaged ones, too


def test_small_tables_are_joined():
    assert len(cut_parts(TABLES[3:], rows=150)) == 1


def test_a_mended_table_keeps_the_names_of_parts_and_the_others_as_they_were():
    parts = cut_parts(TABLES, rows=250)
    again = cut_again(parts, 0, 1000)
    assert [part.name for part in again] == [part.name for part in parts]
    assert rows_of(again, 0) == list(range(1000))
    assert rows_of(again, 4) == rows_of(parts, 4)
    assert Piece(2, 0, 5) in [piece for part in cut_again(parts, 2, 5) for piece in part.pieces]


def test_fewer_rows_are_read_at_a_time_where_texts_are_long(tmp_path, monkeypatch):
    """A worker's memory is bounded by characters, too, not by rows alone."""
    monkeypatch.setattr(reading, "BATCH_BYTES", 2_000)
    texts = [f"{number}" * 500 for number in range(10, 18)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "long.parquet", row_group_size=5)
    place = find_place(str(tmp_path / "long.parquet"))
    layout = reading.Layout(("text",), SCHEMA)
    batches = list(reading.read_piece(layout, place, place.path, Piece(0, 2, 8), Counter()))
    found = [batch[SCHEMA.get_field_index(TEXT)].to_pylist() for batch in batches]
    assert [text for batch in found for text in batch] == texts[2:]
    assert max(map(len, found)) < 5


def test_parts_to_learn_from_have_fewer_rows_where_these_are_long(tmp_path):
    """A worker makes the features of a part at once, whose size is that of its words."""
    path = tmp_path / "long.parquet"
    long = [f"{number} " + "the ferry and a lantern " * 20_000 for number in range(40)]  # 0.5 MB
    pq.write_table(pa.table({"text": long}), path, use_dictionary=False)
    parts = cut_files(find_tables_of([str(path)]), given={})
    assert [part.begin for part in parts] == [*range(0, 40, parts[0].end)]
    assert 4 <= parts[0].end <= 9
    assert parts[-1].end == 40
