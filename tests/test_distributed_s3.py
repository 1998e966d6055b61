"""Archives in an S3-compatible store, whose keys come from the environment and go nowhere."""

import logging

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.browsers import need
from tests.clusters import (
    client,  # noqa: F401 - a fixture
    make_table,
    need_package,
)
from tests.test_distributed_scoring import run

need_package("s3fs", "s3fs")

KEY, SECRET = "AKIAFERRYTIMETABLE", "lantern-harbour-secret"


@pytest.fixture
def bucket(monkeypatch):
    server = need("moto.server", "moto[server]").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("archive")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_scores_go_from_bucket_to_bucket_and_no_key_is_said(client, bucket, tmp_path, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG, logger="distributed")
    for number in range(3):
        with bucket.open(f"archive/in/{number}.parquet", "wb") as stream:
            pq.write_table(make_table(60, first=100 * number), stream)
    summary = run(client, "s3://archive/in", "s3://archive/out", part_rows=60)
    assert summary.rows == 180
    again = run(client, "s3://archive/in", "s3://archive/out", part_rows=60)
    assert again.kept_parts == 3
    parts = sorted(path for path in bucket.find("archive/out") if path.endswith(".parquet"))
    found = pa.concat_tables(pq.read_table(bucket.open(path)) for path in parts)
    assert found["id"].to_pylist() == [str(100 * t + n) for t in range(3) for n in range(60)]
    everything = caplog.text + bucket.cat_file("archive/out/_manifest.json").decode()
    assert KEY not in everything
    assert SECRET not in everything
