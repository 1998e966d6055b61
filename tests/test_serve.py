"""`python -m moderation.serve` as it is typed: what it refuses, what it says, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

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
        (["--port", "99999999"], "cannot listen there"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(trained, tmp_path, options, said):
    process = start(tmp_path, trained, *options)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (1, "")
    refusal = errors.strip().splitlines()[-1]
    assert refusal.startswith("serve: ")
    assert said in refusal
    assert "Traceback" not in errors


def test_no_process_would_answer(trained, tmp_path):
    process = start(tmp_path, trained, "--workers", "0")
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, "expected 1 or more" in errors) == (2, True)


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
