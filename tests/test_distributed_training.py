"""Training on a Dask cluster: the model that local training would give, whatever the workers."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation import load_model
from moderation.artifacts import read_manifest
from moderation.datasets import GatherReport, gather, merge_copies
from moderation.distributed import crew
from moderation.distributed.cluster import open_cluster
from moderation.distributed.rows import cut_files, find_tables_of
from moderation.distributed.training import train_on_cluster
from moderation.errors import ClusterError, DataError
from moderation.parsers import read_comments
from moderation.train import main
from moderation.training import train
from tests.samples import labelled_comments

ROWS = 100
"""In a part: the 200 comments make two, cut inside articles."""


def write_parquet(path: Path, **changed: list[object]) -> Path:
    comments = list(labelled_comments())
    columns = {
        "text": [comment.text for comment in comments],
        "status": [str(comment.status) for comment in comments],
        "article_id": [comment.article_id for comment in comments],
    }
    pq.write_table(pa.table({**columns, **changed}), path)
    return path


def parts_of(path: Path):
    return cut_files(find_tables_of([str(path)]), given={}, rows=ROWS)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("data") / "table.parquet")


@pytest.fixture(scope="module")
def client():
    with open_cluster(workers=2) as client:
        yield client


@pytest.fixture(scope="module")
def distributed(client, table):
    return train_on_cluster(client, parts_of(table))


@pytest.fixture(scope="module")
def local(table):
    report = GatherReport()
    return train(merge_copies(gather(read_comments(table), report), report))


def weights(training):
    return np.append(
        training.scorer.pipeline["classifier"].coef_, training.scorer.pipeline[-1].intercept_
    )


def test_features_are_those_of_local_training(distributed, local):
    """The same terms in the same order with the same IDFs: every count is exact."""
    assert distributed.count_error == 0
    for half, other in zip(
        distributed.scorer.pipeline["features"].transformer_list,
        local.scorer.pipeline["features"].transformer_list,
        strict=True,
    ):
        assert list(half[1].vocabulary_) == list(other[1].vocabulary_)
        np.testing.assert_array_equal(half[1].idf_, other[1].idf_)


def test_the_model_is_that_of_local_training(distributed, local):
    """Both stop near the same minimum; the scale is learnt on out-of-fold scores, more roughly."""
    assert distributed.search.strength == local.search.strength
    assert distributed.report.roc_auc.value == pytest.approx(local.report.roc_auc.value, abs=5e-4)
    own, other = weights(distributed), weights(local)
    unscaled = own / distributed.scale.slope, other / local.scale.slope
    difference = np.linalg.norm(unscaled[0][:-1] - unscaled[1][:-1])
    assert difference < 1e-3 * np.linalg.norm(unscaled[1][:-1])


def test_the_manifest_tells_the_same_facts(distributed, local):
    """Data, split, fingerprint, languages and the memory of texts do not depend on the engine."""
    found, expected = distributed.facts([]), local.facts([])
    assert found.keys() == expected.keys()
    for name in ("training_data", "languages", "attributes", "base", "seed", "base_rates"):
        assert found.get(name) == expected.get(name)
    assert found["bias"]["left_out"] == expected["bias"]["left_out"]
    assert [term for term, _ in distributed.strongest_words(3)] == [
        term for term, _ in local.strongest_words(3)
    ]


def test_one_worker_gives_the_same_bits_as_two(distributed, table):
    """Sums are taken over the same parts in the same order."""
    with open_cluster(workers=1) as client:
        alone = train_on_cluster(client, parts_of(table))
    np.testing.assert_array_equal(weights(alone), weights(distributed))


def test_a_killed_worker_changes_nothing(client, distributed, table):
    """What it held is made again where its work goes on."""
    killed = []

    def kill_one(items, number, what):
        for item in items:
            if what == "choosing C" and not killed:
                killed.extend(client.run(os.getpid).values())
                os.kill(killed[0], signal.SIGKILL)
            yield item

    training = train_on_cluster(client, parts_of(table), progress=kill_one)
    assert killed
    assert killed[0] not in client.run(os.getpid).values()
    np.testing.assert_array_equal(weights(training), weights(distributed))


def test_a_cluster_that_is_lost_is_one_line(table):
    with open_cluster(workers=1) as client:

        def lose_it(items, number, what):
            if what == "counting words":
                client.cluster.close()
            yield from items

        with pytest.raises(ClusterError, match="the cluster was lost"):
            train_on_cluster(client, parts_of(table), progress=lose_it)


def test_workers_that_are_all_killed_at_once_are_told_and_not_waited_for(monkeypatch):
    """Others take their places, but the scheduler keeps for the dead what it had for them."""
    monkeypatch.setattr(crew, "LOOKS_EVERY", 0.5)
    with open_cluster(workers=2) as client:

        def kill_all(tasks, number):
            for pid in client.run(os.getpid).values():
                os.kill(pid, signal.SIGKILL)
            yield from tasks

        with pytest.raises(ClusterError, match=r"more \(--worker-memory\)"):
            crew.Crew(client).reduce(
                lambda store, leaf: time.sleep(0.3) or leaf, range(16), max, done=kill_all
            )


def test_nothing_is_left_on_the_workers(client, distributed):
    def count(dask_worker):
        return len(list(Path(dask_worker.local_directory).glob("training-*")))

    assert set(client.run(count).values()) == {0}


def test_a_base_model_is_prior_work(client, table, local):
    base = local.scorer
    begun = train_on_cluster(client, parts_of(table), base=base)
    report = GatherReport()
    expected = train(merge_copies(gather(read_comments(table), report), report), base=base)
    assert begun.search.strength == expected.search.strength
    assert begun.base_report == expected.base_report
    own = weights(begun)[:-1] / begun.scale.slope
    other = weights(expected)[:-1] / expected.scale.slope
    assert np.linalg.norm(own - other) < 2e-3 * np.linalg.norm(other)


def test_the_command_leaves_model_manifest_card_and_plots(table, tmp_path, capsys):
    out = tmp_path / "site.joblib"
    options = ["--engine", "dask", "--workers", "1", "--base", "none"]
    assert main([str(table), "--out", str(out), *options]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "site.joblib", "site.json", "site.md", "site"
    }  # fmt: skip
    assert load_model(out).score(["zorble"])[0] > load_model(out).score(["ferry"])[0]
    assert read_manifest(out).training_files.keys()
    assert json.loads(out.with_suffix(".json").read_text())["training_data"]["learned"] == 160
    assert "learnt from 160 comments (48 removed)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--workers", "2"], "--workers: only with --engine dask", id="workers"),
        pytest.param(
            ["--engine", "dask", "--article", "a"],
            "--article: not with --engine dask",
            id="article",
        ),
        pytest.param(
            ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", "--workers", "1"],
            "--workers: not with --scheduler",
            id="scheduler",
        ),
    ],
)
def test_options_that_do_not_go_together_are_one_line(options, told, table, tmp_path, capsys):
    arguments = [str(table), "--out", str(tmp_path / "site.joblib"), "--base", "none", *options]
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_text("text,label\n")
    with pytest.raises(DataError, match=r"table\.parquet: no Parquet, or damaged"):
        find_tables_of([str(path)])


def test_threads_without_articles_are_refused(client, tmp_path):
    """Whose thread a reply belongs to, another worker may know."""
    number = len(list(labelled_comments()))
    path = write_parquet(
        tmp_path / "threads.parquet",
        article_id=[None] * number,
        parent_id=[str(k // 2) for k in range(number)],
    )
    with pytest.raises(DataError, match="200 comments answer others"):
        train_on_cluster(client, parts_of(path))


def test_captures_of_pages_are_refused(client, tmp_path):
    """On its own a capture says that all it shows was kept."""
    number = len(list(labelled_comments()))
    path = write_parquet(tmp_path / "pages.parquet", source=["bbc_module"] * number)
    with pytest.raises(DataError, match="200 comments are captures of pages"):
        train_on_cluster(client, parts_of(path))


def test_a_label_that_is_none_is_named_by_file_and_row(client, tmp_path):
    labels = ["1"] * 100 + ["perhaps"] + ["0"] * 99
    path = write_parquet(tmp_path / "labels.parquet", label=labels)
    with pytest.raises(DataError, match=r"labels\.parquet: row 101: the label is 'perhaps'"):
        train_on_cluster(client, parts_of(path))


def test_terms_that_are_dropped_are_told(client, table):
    """With room for few terms the model still comes, and says how far its counts may be off."""
    parts = parts_of(table)
    training = train_on_cluster(client, parts, most_terms=400)
    assert training.count_error > 0
    assert training.report.roc_auc.value > 0.9
