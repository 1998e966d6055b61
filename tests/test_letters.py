"""The tables say of every code point what Python's own strings and patterns say."""

import re
import sys

import numpy as np
import pytest

from moderation import kernels
from moderation.kernels import CASED, IGNORABLE, WORD
from moderation.letters import make_alphabet

EVERY = [chr(point) for point in range(sys.maxunicode + 1)]
FINAL, OTHER = "ς", "σ"


@pytest.fixture(scope="module")
def alphabet():
    return make_alphabet()


@pytest.fixture(scope="module")
def cased(alphabet):
    """Return which code points have case, and are looked at for it."""
    return (alphabet.kinds & CASED != 0) & (alphabet.kinds & IGNORABLE == 0)


@pytest.fixture(scope="module")
def ignorable(alphabet):
    return alphabet.kinds & IGNORABLE != 0


def of_every(rule):
    """Return what a rule says of each code point, (code points,)."""
    return np.fromiter(map(rule, EVERY), dtype=bool, count=len(EVERY))


def disagreements(found, told):
    """Return the code points of which two say different things; a few tell enough."""
    return [f"U+{point:04X}" for point in np.flatnonzero(found != told)[:10]]


def test_tables_are_made_once(alphabet):
    assert make_alphabet() is alphabet


def test_tables_reach_as_far_as_they_must(alphabet):
    """The kinds are looked up unchecked, the lower case below its end."""
    assert alphabet.kinds.shape == (sys.maxunicode + 1,)
    assert alphabet.kinds.dtype == np.uint8
    assert alphabet.lower.dtype == np.int32
    assert len(alphabet.lower) > kernels._CAPITAL_SIGMA


def test_lower_case_is_python_s(alphabet):
    made = [chr(point) for point in alphabet.lower.tolist()]
    wrong = [
        f"U+{ord(letter):04X}"
        for letter, lower in zip(EVERY, made, strict=False)
        if len(letter.lower()) == 1 and letter.lower() != lower
    ]
    assert wrong == []


def test_beyond_the_table_nothing_has_another_lower_case(alphabet):
    beyond = EVERY[len(alphabet.lower) :]
    assert len(beyond) > 900_000
    assert [letter for letter in beyond if letter.lower() != letter] == []


def test_one_letter_only_becomes_more_than_one():
    """It is written out in the loops."""
    longer = [letter for letter in EVERY if len(letter.lower()) != 1]
    assert longer == ["İ"] == [chr(kernels._DOTTED_I)]
    assert "İ".lower() == chr(kernels._SMALL_I) + chr(kernels._DOT_ABOVE)


def test_two_lower_cases_of_one_letter_only():
    assert "Σ".lower() == chr(kernels._SMALL_SIGMA) == OTHER
    assert "ΑΣ".lower()[-1] == chr(kernels._FINAL_SIGMA) == FINAL
    assert ord("Σ") == kernels._CAPITAL_SIGMA
    changing = [letter for letter in EVERY if ("A" + letter).lower()[1:] != letter.lower()]
    assert changing == ["Σ"]


def test_word_characters_are_those_of_re(alphabet):
    matches = re.compile(r"\w").fullmatch
    told = of_every(lambda letter: matches(letter) is not None)
    assert disagreements(alphabet.kinds & WORD != 0, told) == []


@pytest.mark.parametrize("before", ["A", "1"], ids=["a letter with case", "none"])
def test_case_before_a_sigma_is_what_python_sees(cased, ignorable, before):
    """A code point that is ignored leaves the word to what stands before it."""
    told = of_every(lambda letter: f"{before}{letter}Σ".lower()[-1] == FINAL)
    assert disagreements(np.where(ignorable, before == "A", cased), told) == []


@pytest.mark.parametrize("after", ["A", "1"], ids=["a letter with case", "none"])
def test_case_behind_a_sigma_is_what_python_sees(cased, ignorable, after):
    told = of_every(lambda letter: f"AΣ{letter}{after}".lower()[1] == OTHER)
    assert disagreements(np.where(ignorable, after == "A", cased), told) == []


def test_white_space_ends_what_a_sigma_looks_at(cased, ignorable):
    """So that a token is all that its lower case depends on."""
    space = of_every(str.isspace)
    assert disagreements(space & (cased | ignorable), np.zeros(len(EVERY), dtype=bool)) == []


def test_white_space_is_no_word_character(alphabet):
    assert not (of_every(str.isspace) & (alphabet.kinds & WORD != 0)).any()


def test_a_rule_that_is_wrong_is_found(alphabet):
    """Of one code point among a million."""
    wrong = alphabet.kinds & WORD != 0
    wrong[0xE9] ^= True
    assert disagreements(wrong, alphabet.kinds & WORD != 0) == ["U+00E9"]


# White space in bytes


def space_lengths(data, places, end):
    """Return what the loops find at each place."""
    text = np.frombuffer(data, dtype=np.uint8)
    return [kernels._space_length(text, at, end) for at in places]


def test_white_space_is_what_re_and_str_say():
    """Of each code point with another behind it; the length is that of its bytes."""
    matches = re.compile(r"\s").fullmatch
    encoded = [letter.encode("utf-8", "surrogatepass") for letter in EVERY]
    sizes = np.array([len(letter) for letter in encoded])
    places = (np.cumsum(sizes) - sizes).tolist()
    data = b"".join(encoded)
    found = np.array(space_lengths(data, places, len(data)))
    told = of_every(str.isspace)
    assert disagreements(of_every(lambda letter: matches(letter) is not None), told) == []
    assert disagreements(found, np.where(told, sizes, 0)) == []
    assert told.sum() > 20


def test_white_space_ends_where_the_text_does():
    """Behind a text other texts follow in the buffer, never the rest of a letter."""
    for letter in filter(str.isspace, EVERY):
        data = letter.encode()
        assert space_lengths(data, [0], len(data)) == [len(data)]
        if len(data) > 1:
            assert space_lengths(data, [0], 1) == [0]


def test_no_byte_that_continues_a_letter_is_white_space():
    for byte in range(0x80, 0xC0):
        assert kernels._BYTE_KINDS[byte] == kernels._ORDINARY
