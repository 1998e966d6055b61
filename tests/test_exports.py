"""Exports of other systems: each file in `tests/exports` is read as its expectation says."""

from pathlib import Path

import pytest

from moderation.parsers import read_comments
from tests.pages.expectations import expected, found

EXPORTS = Path(__file__).parent / "exports"
SAMPLES = sorted(
    path
    for path in EXPORTS.rglob("*")
    if path.is_file() and ".expected" not in path.suffixes and path.suffix != ".py"
)
"""Adding a case is adding a file, `FORMAT/NAME.ENDING`, and `NAME.expected.json` beside it."""


def name_of(sample: Path) -> str:
    return sample.relative_to(EXPORTS).as_posix()


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_an_export_is_read_as_its_expectation_says(sample):
    assert found(read_comments(sample)) == expected(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_an_export_is_known_by_its_content_whatever_its_name(sample, tmp_path):
    unnamed = tmp_path / "a file"
    unnamed.write_bytes(sample.read_bytes())
    assert read_comments(unnamed).format == expected(sample)["format"]
