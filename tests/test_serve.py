"""`python -m moderation.serve` as it is typed: what it refuses, what it says, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import httpx
import pytest

from moderation import serve
from moderation.errors import ReviewError
from moderation.service.opening import open_service
from tests.services import make_keys, make_settings


def start(folder, model, *options):
    """Start the command in a folder of its own."""
    settings = make_settings(folder, model)
    environment = {
        **os.environ,
        "MODERATION_KEYS": str(settings.keys),
        "MODERATION_SPOOL": str(settings.spool),
        "MODERATION_DATABASE_URL": settings.database_url,
    }
    command = [sys.executable, "-m", "moderation.serve", "--model", str(model), *options]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "others could ask without a key"),
        (["--model", "nowhere.joblib"], "nowhere.joblib: "),
        (["--host", "192.0.2.1"], "it is no address of this machine"),
        (["--port", "{taken}"], "another program does; name another port"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(trained, tmp_path, options, said):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start(tmp_path, trained, *(word.format(taken=port) for word in options))
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (1, "")
    refusal = errors.strip().splitlines()[-1]
    assert refusal.startswith("serve: ")
    assert said in refusal
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "expected 1 to 256"),
        (["--workers", "22222"], "expected 1 to 256"),
        (["--port", "99999"], "99999 is no port; expected 0 to 65535"),
    ],
)
def test_numbers_that_cannot_be_are_refused_before_any_work(options, said, capsys):
    with pytest.raises(SystemExit):
        serve.main(options)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/desk", "sqlite3:///review.db"])
def test_what_never_will_be_a_database_is_refused_at_the_start(trained, tmp_path, url):
    settings = replace(make_settings(tmp_path, trained), database_url=url)
    with pytest.raises(ReviewError, match="not a database address"):
        open_service(settings, tell=print)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_answers_until_a_signal_ends_it_and_says_no_key(trained, tmp_path, workers):
    keys = make_keys(make_settings(tmp_path, trained))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(tmp_path, trained, "--port", str(port), "--workers", workers)
    for _ in range(600):
        assert process.poll() is None
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/v1/model", params={"key": keys["score"]})
            break
        except httpx.TransportError:
            time.sleep(0.1)
    assert answer.json()["attributes"] == ["LIKELY_TO_REJECT"]
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "")
    assert f"model {answer.json()['version']}: LIKELY_TO_REJECT" in errors
    assert not any(key in errors for key in keys.values())
