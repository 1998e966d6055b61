"""The table that sums up many files."""

from moderation.harvest import Part
from moderation.tally import MOST_ROWS, sum_up, tabulate

PARTS = [
    Part(file="a/x.html", format="bbc_module", comments=3, removed=1, with_text=2),
    Part(file="a/x.html", format="bbc_module", comments=1, left_out={"items without an id": 2}),
    Part(file="a/y.csv", format="csv", comments=1200, with_text=1200),
    Part(file="a/y.csv", why="a/y.csv: row 7: odd", is_failure=True),
    Part(file="b.zip", why="of the kind .png", number=4),
    Part(file="b.zip", why="of the kind .css", number=2),
]


def test_files_are_told_by_format_with_what_was_not_read():
    header, *rows, last = tabulate(PARTS)
    assert " ".join(header.split()) == (
        "file format files comments removed with words not read, and why"
    )
    assert [row.split() for row in rows] == [
        ["a/x.html", "bbc_module", "2", "4", "1", "2", "2", "items", "without", "an", "id"],
        ["a/y.csv", "csv", "1", "1,200", "0", "1,200"],
        ["a/y.csv", "-", "1", "row", "7:", "odd"],
        ["b.zip", "-", "6", *["2", "of", "the", "kind", ".css;", "4", "of", "the", "kind", ".png"]],
    ]
    assert last == sum_up(PARTS)
    assert last == (
        "1,204 comments in 3 files of 2 formats: 1 removed, 1,202 with words; 7 files not read, "
        "of them 1 that should have been"
    )


def test_columns_stand_below_each_other():
    header, first, second, *_ = tabulate(PARTS)
    assert header.index("format") == first.index("bbc_module") == second.rindex("csv")
    assert header.index("comments") + len("comments") == second.index("1,200") + len("1,200")


def test_too_many_files_are_told_by_folder():
    parts = [Part(file=f"{n % 3}/{n}.csv", format="csv", comments=1) for n in range(MOST_ROWS + 1)]
    rows = list(tabulate(parts))[1:-1]
    assert [row.split()[:4] for row in rows] == [
        ["0/", "csv", "14", "14"],
        ["1/", "csv", "14", "14"],
        ["2/", "csv", "13", "13"],
    ]


def test_too_many_folders_are_told_in_one():
    parts = [Part(file=f"{n}/x.csv", format="csv", comments=1) for n in range(MOST_ROWS + 1)]
    [row] = list(tabulate(parts))[1:-1]
    assert row.split()[:4] == ["all", "csv", "41", "41"]


def test_long_names_and_reasons_are_cut():
    name = f"{'folder/' * 30}last.csv"
    part = Part(file=name, format="csv", comments=1, left_out={"rows " * 50: 1})
    _, row, _ = tabulate([part])
    assert "/last.csv  csv" in row
    assert len(row) < 350
