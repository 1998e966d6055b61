"""Readers given samples that were damaged, and short runs of the fuzzers."""

import re

import pytest
from hypothesis import given, settings

from tests.browsers import need
from tests.fuzzing import drawing
from tests.fuzzing.__main__ import main
from tests.fuzzing.strategies import inputs
from tests.fuzzing.targets import OTHERS, PAGES_AND_XML, check, find_samples


@pytest.mark.parametrize("name", PAGES_AND_XML)
def test_a_sample_that_was_cut_up_is_read_or_refused(name):
    @settings(max_examples=60, deadline=None)
    @given(inputs(name))
    def holds(data: bytes) -> None:
        check(name, data)

    holds()


@pytest.mark.parametrize("name", PAGES_AND_XML + OTHERS)
def test_there_are_samples_to_begin_from(name):
    """A fuzzer that begins from nothing never gets past what tells a format."""
    assert find_samples(name)


@pytest.mark.parametrize("name", ["bbc_dna", "schema_org", "wordpress"])
def test_a_short_run_of_the_fuzzer_finds_nothing(name, tmp_path, capsys):
    """All of them, for ten minutes each, is what `.ci/nightly` does: to start takes seconds."""
    need("atheris", "atheris", extra="peers")
    asked = [name, "--way", "followed", "--seconds", "1", "--findings", str(tmp_path)]
    assert main(asked) == 0
    executions = capsys.readouterr().out.split()[2]
    assert int(executions) > 0


def test_a_short_run_of_what_is_drawn_finds_nothing_and_tells_the_memory(tmp_path, capsys):
    asked = ["coral", "--way", "drawn", "--seconds", "1", "--findings", str(tmp_path)]
    assert main(asked) == 0
    memory = r"\d+ MB after a quarter and \d+ MB in the end"
    said = capsys.readouterr().out
    assert re.fullmatch(rf"coral, drawn: [1-9]\d* inputs, 0 findings, {memory}\n", said)


def test_what_breaks_a_reader_is_kept_as_small_as_it_can_be(tmp_path, monkeypatch):
    def break_on_a_parent(_name: str, data: bytes) -> None:
        assert b"parent" not in data

    monkeypatch.setattr(drawing, "check", break_on_a_parent)
    with pytest.raises(AssertionError):
        drawing.main(["disqus", "1", str(tmp_path), "1"])
    [found] = tmp_path.iterdir()
    assert found.name.startswith("disqus-drawn-")
    assert b"parent" in found.read_bytes()
