"""How alike texts are, against sets made by hand; bands against what MinHash promises."""

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import similar
from moderation.errors import MissingPackage, ReviewError
from moderation.similar import BANDS, LONGEST, NEAR, ROWS, find_bands, fold, shingles, similarity
from tests.attacks import ATTACKS, mask

SENTENCE = "The ferry is late again and nobody at the harbour knows why"
TEXTS = st.text("abcd ij!é", max_size=40) | st.text(max_size=40)
UNREAD = {
    "Cyrillic look-alikes", "Greek look-alikes", "digits", "signs", "asterisks on vowels",
    "one asterisk", "HTML entities", "I for l", "digit and look-alike",
}  # fmt: skip
"""Attacks that put other letters in the place of those that are meant."""

KNOWN = [
    [
        3270716758296408095,
        6603458114270545749,
        2230802949061862086,
        5931235350765471935,
        -5075274582046376557,
        -5128616719674859710,
        -1442357700053053846,
        6587239711833414254,
    ],
    [
        1774248907499397929,
        1319959585727209278,
        8944751412137883538,
        -3263710074367874761,
        -9156074978831013960,
        1247400610109778191,
        -7994132662384004413,
        -6108816087798504442,
    ],
]


def brute_force(text: str, other: str) -> float:
    """Count the runs of four one by one."""
    sets = []
    for letters in (fold(text), fold(other)):
        runs = [letters[at : at + 4] for at in range(len(letters))]
        whole = {run for run in runs if len(run) == 4} or {run for run in runs[:1] if run}
        sets.append(whole)
    union = sets[0] | sets[1]
    return len(sets[0] & sets[1]) / len(union) if union else 0.0


def shared(text: str, other: str) -> int:
    one, two = find_bands([text, other])
    return sum(a == b for a, b in zip(one, two, strict=False))


@given(TEXTS, TEXTS)
def test_similarity_is_that_of_counting_by_hand(text, other):
    assert similarity(text, other) == pytest.approx(brute_force(text, other))


@given(TEXTS, TEXTS)
def test_similarity_is_the_same_either_way(text, other):
    assert similarity(text, other) == similarity(other, text)
    assert 0 <= similarity(text, other) <= 1


@given(TEXTS)
def test_a_text_with_letters_is_wholly_alike_to_itself(text):
    assert similarity(text, text) == float(bool(fold(text)))


@pytest.mark.parametrize("attack", sorted(ATTACKS.keys() - UNREAD))
def test_what_leaves_the_letters_as_they_are_changes_nothing(attack):
    masked = " ".join(mask(word, ATTACKS[attack], random.Random(1)) for word in SENTENCE.split())
    assert masked != SENTENCE
    assert similarity(masked, SENTENCE) == 1
    assert shared(masked, SENTENCE) == BANDS


@pytest.mark.parametrize("attack", sorted(UNREAD))
def test_a_word_in_other_letters_leaves_a_comment_near(attack):
    masked = SENTENCE.replace("ferry", mask("ferry", ATTACKS[attack], random.Random(1)))
    assert NEAR <= similarity(masked, SENTENCE) < 1 or fold(masked) == fold(SENTENCE)


@pytest.mark.parametrize("text", ["", "  ", "!?", "😂😂", "\u200b", "___"])
def test_a_text_without_letters_has_no_bands_and_is_alike_to_nothing(text):
    assert find_bands([text]) == [[]]
    assert similarity(text, text) == 0


@pytest.mark.parametrize("text", ["a", "ok", "Yes!", "Well said!", "很好", SENTENCE])
def test_a_text_with_letters_has_a_number_of_64_bits_for_each_band(text):
    [bands] = find_bands([text])
    assert len(bands) == BANDS
    assert all(-(2**63) <= band < 2**63 for band in bands)


def test_numbers_in_a_text_count():
    """Repeated letters say nothing; repeated digits are another number."""
    assert fold("sooo") == fold("so")
    assert fold("1000") != fold("10")


@given(st.lists(TEXTS, max_size=8))
def test_the_bands_of_a_text_do_not_depend_on_its_neighbours(texts):
    assert find_bands(texts) == [find_bands([text])[0] for text in texts]


@given(TEXTS, TEXTS)
def test_texts_without_a_common_shingle_share_no_band(text, other):
    if not shingles(text) & shingles(other):
        assert shared(text, other) == 0


def test_bands_are_shared_as_often_as_the_similarity_promises():
    """A band is shared with the probability similarity ** ROWS; 4 standard errors are allowed."""
    rng = random.Random(3)
    words = ["".join(rng.choices("bdgklmnprst", k=6)) for _ in range(400)]
    expected, found = [], []
    for _ in range(1_500):
        common, own, others = (rng.sample(words, 12) for _ in range(3))
        cut = rng.randrange(1, 10)
        text, other = " ".join(common + own[:cut]), " ".join(common + others[:cut])
        expected.append(similarity(text, other) ** ROWS)
        found.append(shared(text, other) / BANDS)
    error = np.sqrt(np.mean(expected) * (1 - np.mean(expected)) / (len(found) * BANDS))
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=4 * error)


def test_bands_stay_what_they_are():
    """They lie in databases for years: where these change, `VERSION` must, too."""
    assert similar.VERSION == 1
    assert find_bands(["Well said!", SENTENCE]) == KNOWN


def test_another_process_finds_the_same_bands():
    program = f"from moderation.similar import find_bands; print(find_bands([{SENTENCE!r}]))"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == str(find_bands([SENTENCE]))


def test_only_the_beginning_of_a_very_long_text_counts():
    long = "".join(random.Random(4).choices("abcdefgh ", k=LONGEST))
    assert similarity(long, long + SENTENCE) == 1


@pytest.fixture
def unchecked():
    """Let the installed package be looked at anew, before and after."""
    similar._check.cache_clear()
    yield
    similar._check.cache_clear()


@pytest.mark.usefixtures("unchecked")
def test_a_package_that_finds_other_bands_is_refused(monkeypatch):
    """Else none of the stored comments would be found any longer, and nobody told."""
    monkeypatch.setattr(similar, "_SEED", 1)
    with pytest.raises(ReviewError, match=r"rensa .* in another way than the database expects"):
        find_bands(["a remark"])


@pytest.mark.usefixtures("unchecked")
def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingPackage, match=r"pip install 'moderation\[app\]'"):
        find_bands(["a remark"])
