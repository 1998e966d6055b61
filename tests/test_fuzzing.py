"""Readers of pages and XML given samples that were cut up, and a short run of the fuzzer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.browsers import need
from tests.fuzzing.__main__ import main
from tests.fuzzing.targets import NAMES, TOKENS, check, find_samples

TOKEN = st.sampled_from(TOKENS)


@st.composite
def cut_up(draw: st.DrawFn, name: str) -> bytes:
    """Return a sample with parts of it lost, moved or repeated, and tokens put in."""
    page = draw(st.sampled_from(find_samples(name))).read_bytes().decode("utf-8", "replace")
    for _ in range(draw(st.integers(1, 6))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(page))] * 2)))
        part = draw(
            st.one_of(TOKEN, st.just(page[begin:end] * 2), st.just(""), st.text(max_size=9))
        )
        at = draw(st.sampled_from([begin, end]))
        page = page[:at] + part + page[draw(st.sampled_from([at, end])) :]
    return page.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1252"])), "replace")


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_that_was_cut_up_is_read_or_refused(name):
    @settings(max_examples=60, deadline=None)
    @given(cut_up(name))
    def holds(data: bytes) -> None:
        check(name, data)

    holds()


@pytest.mark.parametrize("name", NAMES)
def test_there_are_samples_to_begin_from(name):
    """A fuzzer that begins from nothing never gets past what tells a format."""
    assert find_samples(name)


@pytest.mark.parametrize("name", ["bbc_dna", "schema_org", "wordpress"])
def test_a_short_run_of_the_fuzzer_finds_nothing(name, tmp_path, capsys):
    """All of them, for ten minutes each, is what `.ci/nightly` does: to start takes seconds."""
    need("atheris", "atheris", extra="peers")
    assert main([name, "--seconds", "1", "--findings", str(tmp_path)]) == 0
    executions = capsys.readouterr().out.split()[1]
    assert int(executions) > 0
