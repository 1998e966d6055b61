"""Templates: what is refused, how a slot is filled, and that ours keep what data/README.md says."""

import re

import numpy as np
import pytest

from moderation.errors import DataError
from moderation.fairness import IDENTITIES, PEOPLE, mentions
from moderation.parsers import find_files
from moderation.templates import SLOT, Template, fill, read_templates
from tests.conftest import REPOSITORY

DATA = REPOSITORY / "data"
TEMPLATES = read_templates(DATA / "identity_templates.csv")


@pytest.fixture
def table(tmp_path):
    return tmp_path / "templates.csv"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "no column label and text"),
        ("text\n{term} sing\n", "no column label"),
        ("text,label\n", "no template in it"),
        ("text,label\nPeople sing,0\n", "line 2 is no template"),
        ("text,label\n{term} and {term} sing,0\n", "line 2 is no template"),
        ("text,label\n{term} sing,0\n{term} dance,2\n", "line 3 is no template"),
        ("text,label\n{term} sing\n", "line 2 is no template"),
        ("text,label\n{term} sing,0\n{term} sing,1\n", "line 3 repeats a template"),
        ('text,label\n"{term} sing,0\n', r"cannot be read \(Error\)"),
    ],
)
def test_what_is_no_table_of_templates_is_refused_by_name(table, written, message):
    table.write_text(written)
    with pytest.raises(DataError, match=rf"{re.escape(str(table))}: {message}.*expected") as error:
        read_templates(table)
    assert "sing" not in str(error.value)


def test_a_missing_file_is_refused_with_where_ours_are(table):
    with pytest.raises(DataError, match=r"cannot be read.*data/identity_templates\.csv"):
        read_templates(table)


def test_text_that_is_not_utf_8_is_refused(table):
    table.write_bytes("text,label\ncafé {term},0\n".encode("latin-1"))
    with pytest.raises(DataError, match="UnicodeDecodeError"):
        read_templates(table)


def test_every_template_is_filled_with_every_term():
    templates = [Template("{term} sing.", 0), Template("We met {term}.", 1)]
    filled = fill(templates, {"women": ["women"], "older": ["older people", "pensioners"]})
    assert filled.texts == [
        "Women sing.", "Older people sing.", "Pensioners sing.",
        "We met women.", "We met older people.", "We met pensioners.",
    ]  # fmt: skip
    assert filled.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert filled.groups.tolist() == [0, 0, 0, 1, 1, 1]
    assert filled.people == ["women", "older", "older"] * 2
    assert len(filled) == 6


def test_terms_that_mentions_are_known_by_can_fill_a_slot_too():
    """A bare slot gives the terms themselves."""
    filled = fill([Template(SLOT, 0)], IDENTITIES)
    assert len(filled) == sum(map(len, IDENTITIES.values()))


def test_there_are_as_many_hostile_templates_as_neutral_ones():
    assert sum(template.label for template in TEMPLATES) == len(TEMPLATES) / 2 >= 40


def test_length_alone_does_not_tell_hostile_templates_apart():
    """In a short text a term weighs more: it would be taken for what makes a sentence hostile."""
    lengths = np.array([len(template.text) for template in TEMPLATES])
    hostile = np.array([template.label for template in TEMPLATES]) == 1
    assert abs(lengths[hostile].mean() - lengths[~hostile].mean()) < lengths.std() / 2


def test_no_sentence_mentions_a_group_beside_its_slot():
    """It would count for that group whatever fills the slot."""
    found = mentions([template.text for template in TEMPLATES])
    assert [group for group, named in found.items() if named.any()] == []


def test_a_filled_sentence_mentions_its_group_and_no_other():
    filled = fill(TEMPLATES)
    found = mentions(filled.texts)
    assert found.keys() == PEOPLE.keys()
    for group, named in found.items():
        assert named.tolist() == [people == group for people in filled.people]


def test_the_templates_are_not_taken_for_comments():
    """Training without arguments learns from all of `data/`, and the desk shows all of it."""
    assert {path.suffix for path in find_files([DATA])} == {".html"}


def test_the_readme_states_the_true_counts():
    stated = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"{len(TEMPLATES)} sentences, half of them hostile" in stated
