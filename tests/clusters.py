"""What tests of distributed work share: a cluster of threads, tables, and outputs as one."""

import hashlib
import importlib.util
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.browsers import need
from tests.conftest import REPOSITORY
from tests.samples import labelled_comments

BASE = REPOSITORY / "models/base.joblib"


def need_package(module: str, package: str) -> None:
    """Skip a module of tests where a package is not installed; in CI, which installs it, fail."""
    if importlib.util.find_spec(module) is None and not os.environ.get("CI"):
        pytest.skip(f"no {package} here", allow_module_level=True)


@pytest.fixture(scope="module")
def client():
    """Return a cluster in this process: it begins fast, and faults can be made in it."""
    distributed = need("distributed", "dask[distributed]")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def make_table(rows: int, *, first: int = 0) -> pa.Table:
    comments = list(labelled_comments(removed=rows // 3, kept=rows - rows // 3))
    texts = [comment.text for comment in comments]
    texts[1::50] = [" \u2003\x1f"] * len(texts[1::50])  # white space for Python, not for Arrow
    return pa.table(
        {
            "id": [str(first + number) for number in range(rows)],
            "text": texts,
            "status": [str(comment.status) for comment in comments],
            "section": ["news", "sport"] * (rows // 2) + ["news"] * (rows % 2),
        }
    )


def write_tables(folder: Path, sizes: list[int], *, group: int = 100) -> Path:
    folder.mkdir(exist_ok=True)
    for number, size in enumerate(sizes):
        table = make_table(size, first=1000 * number)
        pq.write_table(table, folder / f"in-{number:02d}.parquet", row_group_size=group)
    return folder


def read_parts(folder: Path) -> pa.Table:
    parts = [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]
    return pa.concat_tables(parts).combine_chunks()


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*.parquet"))}


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def make_model(folder: Path, *, learnt_from: Path) -> Path:
    """Return a model that says that it has learnt from a file."""
    path = folder / "model.joblib"
    path.symlink_to(BASE)
    facts = json.loads(BASE.with_suffix(".json").read_text())
    digest = hashlib.sha256(learnt_from.read_bytes()).hexdigest()
    facts["training_data"]["files"] = [{"sha256": digest, "name": learnt_from.name}]
    path.with_suffix(".json").write_text(json.dumps(facts))
    return path
