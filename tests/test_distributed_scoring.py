"""Scoring on a cluster: the local engine's numbers, continued after faults, nothing mixed."""

import contextlib
import errno
import json
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation import score
from moderation.errors import ClusterError, DataError, ModelError, OutputError, SourceError
from tests.clusters import (
    BASE,
    client,  # noqa: F401 - a fixture
    environment,
    make_model,
    make_table,
    need_package,
    read_parts,
    write_tables,
)

need_package("distributed", "dask[distributed]")
from moderation.distributed import scoring  # noqa: E402
from moderation.distributed.addresses import mask  # noqa: E402
from moderation.distributed.cluster import open_cluster  # noqa: E402
from moderation.distributed.model_on_workers import ModelOnWorkers  # noqa: E402
from moderation.distributed.running import score_dataset  # noqa: E402
from moderation.distributed.scoring import Options  # noqa: E402
from moderation.distributed.tasks import Watch  # noqa: E402

PLAIN = Options()
ALL = Options(base_rate=0.5, attributes=True, languages=True)


def run(
    cluster, source, output, *, options=PLAIN, part_rows=250, model=BASE, say=lambda line: None
):
    watch = Watch(say, begin=lambda number: None, advance=lambda: None)
    return score_dataset(
        contextlib.nullcontext(cluster),
        model,
        str(source),
        str(output),
        options=options,
        watch=watch,
        part_rows=part_rows,
    )


def run_without(source, output):
    """Run where no cluster can be opened."""

    @contextlib.contextmanager
    def opened():
        pytest.fail("a cluster was opened")
        yield

    return score_dataset(
        opened(),
        BASE,
        str(source),
        str(output),
        options=PLAIN,
        watch=Watch(print, begin=print, advance=print),
    )


def test_what_is_wrong_with_the_input_is_told_before_a_cluster_is_opened(tmp_path):
    with pytest.raises(SourceError, match="none: no such file or folder; name a Parquet one"):
        run_without(tmp_path / "none", tmp_path / "out")
    with pytest.raises(SourceError, match="no Parquet file; expected one, or a folder with some"):
        run_without(tmp_path, tmp_path.parent / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_done_is_told_without_a_cluster(client, tmp_path):  # noqa: F811
    source, out = write_tables(tmp_path / "in", [300]), tmp_path / "out"
    expected = run(client, source, out)
    found = run_without(source, out)
    assert (found.rows, found.kept_parts) == (expected.rows, 2)


def score_locally(source, output, *options):
    assert score.main([str(BASE), str(source), "-o", str(output), *options]) == 0
    return pq.read_table(output).combine_chunks()


@pytest.mark.parametrize("part_rows", [37, 250, 10_000])
def test_the_scores_are_the_local_engines_bit_for_bit(client, tmp_path, part_rows):  # noqa: F811
    source = write_tables(tmp_path / "in", [300, 7, 1, 210])
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.concat_tables(pq.read_table(p) for p in sorted(source.iterdir())), whole)
    options = ("--base-rate", "0.5", "--attributes", "--languages")
    expected = score_locally(whole, tmp_path / "local.parquet", *options)
    summary = run(client, source, tmp_path / "out", options=ALL, part_rows=part_rows)
    found = read_parts(tmp_path / "out")
    assert found.schema == expected.schema
    assert found.equals(expected)
    assert found["score"].null_count == summary.without_words > 0


AWKWARD = {
    "named otherwise": {"Comment_Text": ["the ferry", "a bridge"], "likes": [3, None]},
    "ids that are numbers": {"text": ["the ferry", "a bridge"], "id": [1, 2]},
    "ids that are missing": {"text": ["the ferry", "a bridge"], "id": ["", None]},
    "ids with gaps": {"text": ["the ferry", "a bridge"], "id": [1.0, float("nan")]},
    "statuses as codes": {"text": ["", ""], "status": ["Approved", "rejected"]},
    "votes with gaps": {"text": ["the ferry", None], "likes": [3.0, float("nan")]},
    "votes that are none": {"text": ["the ferry", "a bridge"], "likes": ["3", "many"]},
    "labels spelled": {"text": ["the ferry", "a bridge"], "label": ["yes", "0.0"]},
    "times as text": {"text": ["a", "b"], "created": ["2026-01-02T03:04+01:00", "2026-01-02"]},
    "nested": {"text": ["the ferry", "a bridge"], "tags": [["x"], []], "of": [{"a": 1}, None]},
    "floats": {"text": ["the ferry", "a bridge"], "share": [float("nan"), 0.25]},
    "old scores": {"text": ["the ferry", "a bridge"], "score": [0.5, 0.25]},
    "flags": {"text": ["the ferry", "a bridge"], "featured": [True, None]},
    "a column without values": {"text": ["the ferry", "a bridge"], "note": [None, None]},
    "no rows": {"text": pa.array([], pa.string()), "note": pa.array([], pa.int64())},
    "coded": {"text": pa.array(["the ferry", "the ferry"]).dictionary_encode()},
}


@pytest.mark.parametrize("columns", AWKWARD.values(), ids=AWKWARD)
def test_any_table_reads_as_it_does_locally(client, tmp_path, columns):  # noqa: F811
    source = tmp_path / "archive-20260114T1230Z.parquet"  # whose name says when it was taken
    pq.write_table(pa.table(columns), source)
    expected = score_locally(source, tmp_path / "local.parquet")
    run(client, source, tmp_path / "out")
    found = read_parts(tmp_path / "out")
    assert found.schema == expected.schema
    assert found.to_pylist() == expected.to_pylist()


def damage(path):
    body = bytearray(path.read_bytes())
    body[4:400] = bytes(396)
    path.write_bytes(body)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def drop_text(path):
    pq.write_table(pq.read_table(path).drop_columns(["section"]), path)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damage, "in-17.parquet: .*damaged"),
        (cut, "in-17.parquet: no Parquet, or damaged"),
        (drop_text, "in-17.parquet: lacks 'section'"),
    ],
)
def test_a_table_that_is_wrong_is_named_the_others_kept_and_mending_goes_on(
    client,  # noqa: F811
    tmp_path,
    harm,
    message,
):
    source, out = write_tables(tmp_path / "in", [40] * 20), tmp_path / "out"
    run(client, source, tmp_path / "whole", part_rows=40)
    good = (source / "in-17.parquet").read_bytes()
    harm(source / "in-17.parquet")
    with pytest.raises(DataError, match=message) as refused:
        run(client, source, out, part_rows=40)
    assert "1 of 20 parts not done" in str(refused.value)
    assert len(list(out.glob("part-*"))) == 19
    assert not list(out.glob(".*"))
    (source / "in-17.parquet").write_bytes(good)
    assert run(client, source, out, part_rows=40).kept_parts == 19
    assert read_parts(out).equals(read_parts(tmp_path / "whole"))


def test_a_full_disk_is_said_once_and_what_is_done_is_kept(client, tmp_path, monkeypatch):  # noqa: F811
    source, out = write_tables(tmp_path / "in", [40] * 30), tmp_path / "out"
    write, written = scoring.pq.ParquetWriter.write_batch, []

    def fill_up(self, *arguments, **options):
        written.append(1)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *arguments, **options)

    monkeypatch.setattr(scoring.pq.ParquetWriter, "write_batch", fill_up)
    with pytest.raises(OutputError, match=r"No space left on device.*run the same command again"):
        run(client, source, out, part_rows=40)
    assert len(written) < 15  # it does not try them all
    assert not list(out.glob(".*"))
    monkeypatch.undo()
    assert run(client, source, out, part_rows=40).kept_parts == 5
    assert read_parts(out).num_rows == 1200


def test_parts_of_another_model_input_or_options_are_not_mixed(client, tmp_path):  # noqa: F811
    source, out = write_tables(tmp_path / "in", [40, 40]), tmp_path / "out"
    run(client, source, out, part_rows=40)
    with pytest.raises(OutputError, match=r"base_rate=None.*asked for is base_rate=0.5"):
        run(client, source, out, options=ALL)
    manifest = json.loads((out / "_manifest.json").read_text())
    (out / "_manifest.json").write_text(json.dumps(manifest | {"model": "0" * 64}))
    with pytest.raises(OutputError, match=r"scored with model 000000000000, this is \w{12}"):
        run(client, source, out)
    (out / "_manifest.json").write_text(json.dumps(manifest))
    pq.write_table(make_table(41), source / "in-01.parquet")
    with pytest.raises(OutputError, match=r"in-01.parquet as it was"):
        run(client, source, out)
    (source / "in-02.parquet").write_bytes((source / "in-01.parquet").read_bytes())
    with pytest.raises(OutputError, match="an input of 2 tables, this one has 3"):
        run(client, source, out)


def test_a_run_goes_on_with_the_parts_that_it_was_begun_with(client, tmp_path):  # noqa: F811
    source, out, said = write_tables(tmp_path / "in", [80] * 4), tmp_path / "out", []
    run(client, source, out, part_rows=40)
    (out / "part-00002.parquet").unlink()
    forget(out, "part-00002.parquet")
    assert run(client, source, out, part_rows=40, say=said.append).kept_parts == 7
    assert run(client, source, out, part_rows=None, say=said.append).kept_parts == 8
    assert said == []
    forget(out, "part-00003.parquet")
    assert run(client, source, out, part_rows=200, say=said.append).kept_parts == 7
    assert said == [
        f"{out}: goes on with its 8 parts as they were cut; --part-rows 200 is for a new folder"
    ]
    run(client, source, tmp_path / "whole")
    assert read_parts(out).equals(read_parts(tmp_path / "whole"))


def forget(out, part):
    """Have the manifest not know of a part, as where a run was cut off before it."""
    manifest = json.loads((out / "_manifest.json").read_text())
    del manifest["done"][part]
    (out / "_manifest.json").write_text(json.dumps(manifest))


def test_a_table_that_the_model_learnt_from_is_told_and_stays_so(client, tmp_path):  # noqa: F811
    source = write_tables(tmp_path / "in", [80, 81])
    model = make_model(tmp_path, learnt_from=source / "in-01.parquet")
    for _ in range(2):  # of a run that is continued, too
        summary = run(client, source, tmp_path / "out", model=model, part_rows=30)
        assert summary.learnt_from == [str(source / "in-01.parquet")]


def test_a_model_that_was_changed_is_refused_on_the_worker(tmp_path):
    copied = tmp_path / "model.joblib"
    shutil.copy(BASE, copied)
    shutil.copy(BASE.with_suffix(".json"), copied.with_suffix(".json"))
    plugin = ModelOnWorkers(copied, "f" * 64)
    plugin.body = plugin.body[:-1] + b"x"
    with pytest.raises(ModelError, match="its SHA-256 is"):
        plugin.setup(None)


def test_an_output_inside_the_input_is_refused(client, tmp_path):  # noqa: F811
    source = write_tables(tmp_path / "in", [40])
    with pytest.raises(OutputError, match="lies in the input"):
        run(client, source, source / "out")


@pytest.mark.parametrize(
    ("source", "message"),
    [("missing", "no such file or folder"), ("zorble://x/y", "not an address that fsspec knows")],
)
def test_an_input_that_is_not_there_is_said(client, tmp_path, source, message):  # noqa: F811
    source = source if ":" in source else str(tmp_path / source)
    with pytest.raises(SourceError, match=message):
        run(client, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_and_passwords_in_addresses_are_not_shown():
    assert mask("ftp://ann:secret@host/x") == "ftp://***@host/x"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "--workers: only with --engine dask"),
        (["--engine", "dask", "--format", "parquet"], "moderation.parse INPUT -o FILE.parquet"),
        (["--engine", "dask", "--scheduler", "tcp://x:1", "--workers", "2"], "not with --sched"),
        (["--engine", "dask", "--part-rows", "0"], "at least 1"),
    ],
)
def test_options_that_do_not_go_together_are_bad_usage(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        score.main(["model.joblib", "in.parquet", "-o", "out", *options])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("memory", "message"),
    [("10MB", "each needs [0-9]+ MB to begin"), ("much", "'much' is not a size of memory")],
)
def test_too_little_memory_is_refused_before_workers_begin(memory, message):
    """A worker that is killed while it begins would be begun again for ever."""
    with pytest.raises(ClusterError, match=message), open_cluster(workers=1, memory=memory):
        pass


def test_scoring_locally_imports_no_dask(tmp_path):
    source = write_tables(tmp_path / "in", [40]) / "in-00.parquet"
    arguments = [str(BASE), str(source), "-o", str(tmp_path / "out.csv")]
    program = (
        f"import sys, moderation; from moderation.score import main; main({arguments!r});"
        "print(*{'dask', 'distributed', 'fsspec', 's3fs'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == []
