"""Locks: one holder at a time, none that outlives its process."""

import subprocess
import sys

import pytest

from moderation.errors import OutputError
from moderation.locks import hold, inherits, is_held


def test_only_one_holds_it_at_a_time(tmp_path):
    path = tmp_path / "folder" / "lock"
    assert not is_held(path)
    with hold(path) as first, hold(path, patience=0.05) as second:
        assert first is not None
        assert second is None
        assert is_held(path)
    assert not is_held(path)
    with hold(path, patience=0) as again:
        assert again is not None


def test_who_inherits_the_file_goes_on_holding_it(tmp_path):
    path = tmp_path / "lock"
    with hold(path) as lock:
        child = subprocess.Popen(["sleep", "60"], stdin=lock)
        told = subprocess.run(
            [sys.executable, "-c", f"from moderation.locks import *; from pathlib import Path; "
             f"print(inherits(Path({str(path)!r})))"],
            stdin=lock, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    assert told == "True\n"
    assert is_held(path)
    child.kill()
    child.wait()
    assert not is_held(path)


def test_who_was_started_by_nobody_inherits_nothing(tmp_path):
    assert not inherits(tmp_path / "absent")
    (tmp_path / "lock").touch()
    assert not inherits(tmp_path / "lock")


def test_a_place_closed_to_us_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), hold(tmp_path / "file" / "lock"):
        pass
