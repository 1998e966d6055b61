"""Evaluation on a cluster: the local engine's report, digit by digit."""

import contextlib
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation import evaluate
from moderation.comments import find_root
from moderation.fairness import IDENTITIES
from tests.clusters import (
    BASE,
    client,  # noqa: F401 - a fixture
    make_model,
    need_package,
)

need_package("distributed", "dask[distributed]")
from moderation.distributed import evaluating  # noqa: E402
from moderation.distributed.places import find_tops  # noqa: E402

WORDS = ("ferry", "lantern", "timetable", "harbour", "zorble", "quimp", "bridge", "kettle")
MENTIONS = ("women", "immigrants", "readers", "the elderly", "engineers")


def make_rows(number: int, *, seed: int = 0, articles: int = 30) -> list[dict]:
    """Return rows with all that a table may hold: replies, copies, gaps, other outcomes."""
    rng = random.Random(seed)
    statuses = ["published"] * 6 + ["removed"] * 3 + ["pending", "withdrawn", None]
    rows = []
    for n in range(number):
        words = " ".join(rng.choices(WORDS, k=4))
        text = f"{rng.choice(MENTIONS)} and the {words}"
        rows.append(
            {
                "id": str(n % (number - 3)),
                "parent_id": str(rng.randrange(number + 9)) if n % 3 == 0 else None,
                "article_id": f"a{rng.randrange(articles)}" if n % 11 else None,
                "article_title": f"Title {n % 4}" if n % 22 == 0 else None,
                "text": rng.choice([text] * 20 + ["", " \u2003\x1f", None]),
                "status": rng.choice(statuses),
                "label": rng.choice([None, None, None, 0, 1]),
                "votes": n,
            }
        )
    return rows


def write(path, rows, *, group: int = 40):
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


def measure_with(capsys, tmp_path, *arguments):
    """Return what the command printed and wrote with these arguments."""
    report = tmp_path / "report.json"
    assert evaluate.main([str(BASE), *map(str, arguments), "--json", str(report)]) == 0
    return capsys.readouterr().out, json.loads(report.read_text())


@pytest.fixture
def cluster(client, monkeypatch):  # noqa: F811
    """Let the command use the workers of this process, and cut small parts."""

    @contextlib.contextmanager
    def open_engine(args):
        yield client

    monkeypatch.setattr(evaluate, "open_engine", open_engine)
    monkeypatch.setattr(evaluating, "FEWEST_ROWS", 70)


def check_equal(capsys, tmp_path, *arguments):
    expected = measure_with(capsys, tmp_path, *arguments)
    assert measure_with(capsys, tmp_path, *arguments, "--engine", "dask") == expected
    return expected[1]


@pytest.mark.parametrize("articles", [3, 30])
def test_the_report_is_the_local_engines(cluster, tmp_path, capsys, articles):
    rows = make_rows(900, articles=articles)
    for number, (begin, end) in enumerate([(0, 500), (500, 501), (501, 900)]):
        write(tmp_path / "in" / f"in-{number}.parquet", rows[begin:end])
    alone = write(tmp_path / "alone.parquet", make_rows(300, seed=1, articles=articles))
    goal = "maximum recall @ precision >= 0.4"
    report = check_equal(capsys, tmp_path, tmp_path / "in", alone, "--point", goal)
    measured = report[str(tmp_path / "in")]
    assert 500 < measured["comments"] < 800  # the others have no label or no words
    assert {group["group"] for group in measured["bias"]["groups"]} >= {"women", "immigrant"}


def make_captures(number: int) -> list[list[dict]]:
    """Return two captures of pages: of each comment the words, then the outcome."""
    rng, captures = random.Random(2), []
    for day in ("2026-01-01T10:00Z", "2026-01-02T10:00Z"):
        captures.append(
            [
                {
                    "id": str(n),
                    "article_id": f"a{n % 12}",
                    "captured_at": day,
                    "text": f"{rng.choice(MENTIONS)} and the {WORDS[n % 8]} {n % 90}",
                    "status": "published",
                    "source": "bbc_text",
                }
                for n in range(number)
            ]
        )
    for row in captures[1][::3]:
        row.update(text=None, status="removed")
    return captures


def test_captures_are_joined_over_all_inputs(cluster, tmp_path, capsys):
    earlier, later = make_captures(200)
    one = write(tmp_path / "earlier.parquet", earlier + make_rows(200))
    other = write(tmp_path / "later.parquet", later)
    report = check_equal(capsys, tmp_path, one, other)
    assert set(report) == {str(one), "captures of pages"}
    assert report["captures of pages"]["removed"] == 67


def test_a_column_named_otherwise_is_taken(cluster, tmp_path, capsys):
    rows = [{"body of it" if k == "text" else k: v for k, v in r.items()} for r in make_rows(300)]
    table = write(tmp_path / "in.parquet", rows)
    check_equal(capsys, tmp_path, table, "--column", "text=body of it")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda row: row | {"label": "zorble"}, "broken.parquet: row 3: the label is 'zorble'"),
        (lambda row: row | {"label": 0}, "are of one class"),
        (lambda row: row | {"label": None, "status": None}, "no labelled comment with words"),
    ],
    ids=["a label that is none", "one class", "no label"],
)
def test_what_is_wrong_is_said_as_locally(cluster, tmp_path, capsys, spoil, message):
    rows = [spoil({"text": f"the ferry {n}", "status": "published"}) for n in range(9)]
    for row in rows[:2] if "zorble" in message else []:
        row["label"] = "1"
    table = write(tmp_path / "broken.parquet", rows)
    for engine in ("local", "dask"):
        assert evaluate.main([str(BASE), str(table), "--engine", engine]) == 1
        assert message in capsys.readouterr().err


def test_a_table_without_rows_is_said_as_locally(cluster, tmp_path, capsys):
    table = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), table)
    for engine in ("local", "dask"):
        assert evaluate.main([str(BASE), str(table), "--engine", engine]) == 1
        assert "no labelled comment with words" in capsys.readouterr().err


def test_tables_that_the_model_learnt_from_are_marked(cluster, tmp_path, capsys):
    table = write(tmp_path / "in" / "known.parquet", make_rows(200))
    model = make_model(tmp_path, learnt_from=table)
    write(tmp_path / "in" / "new.parquet", make_rows(100, seed=1))
    for name, mark in (("in", " (the model learnt from it)\n"), ("in/new.parquet", "\n")):
        for engine in ("local", "dask"):
            assert evaluate.main([str(model), str(tmp_path / name), "--engine", engine]) == 0
            assert capsys.readouterr().out.startswith(f"{tmp_path / name}{mark}")


def test_files_that_are_no_parquet_are_counted(cluster, tmp_path, capsys):
    write(tmp_path / "in" / "one.parquet", make_rows(200))
    (tmp_path / "in" / "two.csv").write_text("text,label\nthe ferry,0\n")
    assert evaluate.main([str(BASE), str(tmp_path / "in"), "--engine", "dask"]) == 0
    said = capsys.readouterr().err
    assert f"{tmp_path / 'in'}: parquet, 200 comments\n" in said
    assert f"{tmp_path / 'in'}: not read: 1 files that are no Parquet; make it" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["in.parquet", "--scheduler", "tcp://x:1"], "--scheduler: only with --engine dask"),
        (["-", "--engine", "dask"], "-: not with --engine dask, which reads"),
        (["in.parquet", "--engine", "dask", "--workers", "0"], "--workers: at least 1"),
    ],
    ids=["of the other engine", "standard input", "no workers"],
)
def test_options_that_do_not_go_together_are_bad_usage(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        evaluate.main(["model.joblib", *options])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_tops_of_threads_are_those_of_following_each_reply():
    """Chains, circles, parents that are missing, and two comments at one place."""
    rng = np.random.default_rng(3)
    for size in (1, 5, 60, 400):
        places = rng.integers(1, size + 1, size, dtype=np.uint64)
        parents = rng.integers(0, size + 5, size, dtype=np.uint64)
        parents[rng.random(size) < 0.3] = 0
        known = {p: q or None for p, q in zip(places.tolist(), parents.tolist(), strict=True)}
        expected = [find_root(place, known) for place in places.tolist()]
        assert find_tops(places, parents).tolist() == expected


def test_every_group_of_people_has_a_bit():
    assert len(IDENTITIES) <= 32
