"""Exports that are not as they should be: refused in one line or read in part, never worse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import ParseError, SourceError
from moderation.parsers import read_comments
from tests.fuzzing.strategies import content_of, damaged, is_json, spoilt
from tests.fuzzing.targets import OTHERS, check, find_samples
from tests.test_exports import EXPORTS, name_of

SAMPLES = [path for name in OTHERS for path in find_samples(name)]
JSON = [path for path in SAMPLES if is_json(path)]
QUICK = settings(max_examples=25)  # of each sample


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_damaged_bytes_are_refused_or_read_in_part(sample):
    @QUICK
    @given(damaged(sample), st.sampled_from([None, sample.parent.name]))
    def holds(content: bytes, name: str | None) -> None:
        check(name, content)

    holds()


@pytest.mark.parametrize("sample", JSON, ids=name_of)
def test_values_of_any_kind_in_any_place_are_left_out(sample):
    @QUICK
    @given(spoilt(sample))
    def holds(content: bytes) -> None:
        check(sample.parent.name, content)

    holds()


@pytest.mark.parametrize("sample", JSON, ids=name_of)
def test_what_breaks_off_is_refused_with_its_place(sample):
    """A download that was cut: all lines before it are read, a document is refused."""
    content = content_of(sample)
    with pytest.raises(ParseError, match=r"malformed JSON|breaks off"):
        list(read_comments(content.rstrip()[:-2], sample.parent.name))


@pytest.mark.parametrize("name", [name for name in OTHERS if name not in ("isso", "nyt")])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["array", "object"])
def test_nesting_without_end_is_refused_at_once(name, opening):
    check(name, opening * 500_000)


def test_a_database_whose_names_are_no_text_is_refused():
    """SQLite names what is wrong in bytes that are not UTF-8."""
    content = (EXPORTS / "isso/comments.db").read_bytes()
    damaged = content.replace(b"CREATE TABLE comments", b"CREATE TABLE comm\xdcnt(")
    assert damaged != content
    with pytest.raises(SourceError, match="damaged SQLite database"):
        list(read_comments(damaged))
