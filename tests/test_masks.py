"""What masked spellings say, and that honest text says no more than it did."""

import json
import pickle
import random
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from attacks import ATTACKS, mask
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.pipeline import Pipeline

from moderation import kernels
from moderation.artifacts import load_model
from moderation.buffers import read_texts
from moderation.compiled import LONGER
from moderation.features import make_features
from moderation.logistic import fit_logistic
from moderation.masks import Masks, squeeze, undisguise
from moderation.scorer import CLASSIFIER, FEATURES, Scorer

WORTH = {
    "example": 2.0,
    "mountain": 1.5,
    "bitter": 1.2,
    "all": 0.4,
    "sail": 0.3,
    "sailor": 1.2,
    "book": 1.1,
}
MASKS = Masks(WORTH)
BASE = Path(__file__).parents[1] / "models" / "base.joblib"
TRAPS = [
    json.loads(f'"{line}"') if "\\u" in line else line
    for line in Path(__file__).with_name("traps.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("# ")
]


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("word", ["example", "mountain", "sailor"])
def test_every_attack_is_seen_through(name, word):
    masked = mask(word, ATTACKS[name], random.Random(1))
    assert word in MASKS(f"one {masked}, two").replace(",", " ").split()


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_written_stays_before_what_it_says(name):
    """Plain forms are evidence beside the text: without them, it is the text."""
    written = f"one {mask('example', ATTACKS[name], random.Random(2))} two"
    texts = read_texts([written])
    found = MASKS.find(texts)
    read = MASKS.unmask(texts).data.tobytes()
    for insertion in reversed(found):
        added = b" " + insertion.plain
        assert read[insertion.end : insertion.end + len(added)] == added
        read = read[: insertion.end] + read[insertion.end + len(added) :]
    assert read == texts.data.tobytes()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("EXAMPLE", ""),
        ("example!", ""),
        ("ex4mpl3", "example"),
        ("e x a m p l e", "example"),
        ("E X A M P L E!", "example"),
        ("e.x.a.m.p.l.e", "example"),
        ("ex-ample", ""),  # both pieces could be words
        ("exampl-e", "example"),
        ("exxxaaample", "example"),
        ("ex*mpl*", "example"),
        ("b*tt*r", "bitter"),
        ("bo*", ""),  # a footnote
        ("b00k", "book"),
        ("B00K", ""),  # a product
        ("800k", ""),  # a number
        ("sai1", ""),  # a number behind a word, unless the word is surely meant
        ("s4il", "sail"),
        ("éxample", "example"),
        ("Éxample", ""),  # a name
        ("Éxámple", "example"),
        ("exаmple", "example"),  # a Cyrillic letter
        ("exampIe", "example"),
        ("A L L", ""),  # an abbreviation
        ("a l l s a i l", "all sail"),
        ("s a i l s", ""),  # a letter would be left over
        ("&#101;xample", "example"),
        ("&amp;#101;xample", "example"),
        ("книга", ""),
    ],
)
def test_a_spelling_says(written, said):
    assert MASKS.plain(written) == said


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ｂｏｏｋ", "book"),
        ("b\u200bo\u00ado\u2060k", "book"),
        ("𝐛𝒐𝓸𝕜", "book"),
        ("ⓑⓞⓞⓚ", "book"),
        ("ʙᴏᴏᴋ", "book"),
        ("🅱🅾🅾🅺", "BOOK"),
        ("bо́оk", "book"),  # Cyrillic, one with a mark
        ("iPhone-чехол", "iPhone-чехол"),
        ("μg", "μg"),  # Greek
        ("日本語", "日本語"),
        ("שָׁלוֹם", "שָׁלוֹם"),
    ],
)
def test_letters_in_disguise_show_what_they_are(written, shown):
    assert undisguise(written) == shown


def test_disguised_words_are_read_whether_they_are_worth_masking_or_not():
    """Nobody writes so in earnest; what is seen through need not be on any list."""
    assert Masks().plain("ｕｎｋｎｏｗｎ") == "unknown"


def test_words_of_another_script_are_read_as_latin_ones_only_where_that_is_worth_masking():
    assert Masks().plain("сор") == ""  # Cyrillic all through
    assert Masks({"cop": 1.0}).plain("сор") == "cop"


def test_stretched_letters_are_written_once_and_twice():
    assert list(squeeze("aaabbbc")) == ["aaabbbc", "aabbc", "aabc", "abbc", "abc"]
    assert list(squeeze("aabb")) == ["aabb"]


def test_times_and_colours_are_what_they_are():
    masks = Masks({"shut": 3.0, "thee": 3.0, "die": 3.0})
    assert [masks.plain(written) for written in ("5hu7", "7h33", "#d1e", "d1e")] == [
        "shut",
        "",
        "",
        "die",
    ]


def test_of_several_words_the_worthiest_is_read():
    masks = Masks({"hill": 0.5, "hall": 1.5, "hull": 1.2})
    assert masks.plain("h*ll") == "hall"


def test_words_worth_masking_stand_in_removed_comments_above_all():
    terms = ["example", "bitter", "here", "neutral", "neutral example", "no"]
    kept, removed = [0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 1]
    held = csr_array([kept, [1, 0, 0, 1, 1, 0]] * 10 + [removed, [1, 0, 1, 0, 0, 1]] * 10)
    labels = np.repeat([0, 1], 20)
    masks = Masks.learn(terms, held, labels, known=Masks({"elsewhere": 1.0, "here": 0.1}))
    assert masks.worth.keys() == {"example", "bitter", "here", "elsewhere"}
    ratio = np.log((20.5 / 0.5) / (10.5 / 10.5))
    deviation = np.sqrt(1 / 20.5 + 1 / 0.5 + 1 / 10.5 + 1 / 10.5)
    assert masks.worth["example"] == pytest.approx(ratio - 1.96 * deviation, abs=0.005)


def test_a_text_grows_no_more_than_the_loops_have_room_for():
    random_ = np.random.default_rng(0)
    signs = list("abclIeEoO01345@$!|*.- \u200b\u0301еа&#;é")
    texts = ["".join(random_.choice(signs, size=n)) for n in range(200)]
    read = MASKS.unmask(read_texts(texts))
    sizes = np.diff(read_texts(texts).offsets)
    assert (np.diff(read.offsets) <= LONGER * sizes).all()
    assert len(read) == len(texts)


SIGNS = st.text(st.sampled_from("aelIO014@$!|*+.-&#; \n\u00a0\u2003\u200b\u0301\u2019éеａ🅰"))


@given(st.lists(st.text() | SIGNS, max_size=4))
def test_what_may_be_masked_are_whole_tokens_in_order(texts):
    """Also next to white space of several bytes, and at the ends of texts."""
    read = read_texts([text.encode("utf-8", "replace").decode() for text in texts])
    spans = np.empty((read.size // 2 + 1, 2), dtype=np.int64)
    number = kernels.find_masked(read.data, read.offsets, spans)
    found = spans[:number].tolist()
    data = read.data.tobytes()
    ends = [0, *(end for _, end in found)]
    for before, (begin, end) in zip(ends, found, strict=False):
        assert before <= begin < end
        row = int(np.searchsorted(read.offsets, begin, side="right")) - 1
        text = slice(int(read.offsets[row]), int(read.offsets[row + 1]))
        assert end <= text.stop
        left, right = data[text.start : begin].decode(), data[end : text.stop].decode()
        assert not left or left[-1].isspace()
        assert not right or right[0].isspace()


def attacked(texts, seed=0):
    random_ = random.Random(seed)
    attacks = list(ATTACKS.values())
    return [
        " ".join(
            mask(token, random_.choice(attacks), random_) if random_.random() < 0.3 else token
            for token in text.split()
        )
        for text in texts
    ]


@pytest.fixture(scope="module")
def scorer():
    words = ["example", "mountain", "bitter", "sail", "neutral", "word", "river", "all"]
    random_ = np.random.default_rng(0)
    texts = [" ".join(random_.choice(words, size=9)) for _ in range(200)]
    labels = np.array([int("example" in text) for text in texts])
    features = make_features().fit(texts).read_masks(MASKS)
    matrix = features.transform(attacked(texts))
    classifier = fit_logistic(matrix, labels, strength=1.0)
    return Scorer(Pipeline([(FEATURES, features.to_sklearn()), (CLASSIFIER, classifier)]))


TEXTS = attacked(["an example of a bitter mountain", "river and word all sail"] * 40, seed=3)


def test_scores_of_masked_texts_are_those_of_scikit_learn(scorer):
    expected = scorer.pipeline.predict_proba([*TEXTS, *TRAPS])[:, 1]
    np.testing.assert_allclose(scorer.score([*TEXTS, *TRAPS]), expected, rtol=1e-12)
    one_by_one = np.concatenate([scorer.score([text]) for text in TEXTS])
    np.testing.assert_allclose(one_by_one, expected[: len(TEXTS)], rtol=1e-12)


@pytest.mark.parametrize(
    "text", [*TEXTS[:20], "an e x a m p l e, &#101;xample ｅｘａｍｐｌｅ \ud800"]
)
def test_explanations_of_masked_texts_add_up_over_what_was_written(scorer, text):
    explanation = scorer.explain(text)
    expected = scorer.pipeline.decision_function([text])[0]
    assert explanation.logit == pytest.approx(expected, abs=1e-9)
    assert explanation.contributions[-1].end == len(text.rstrip())


def test_the_masked_word_gets_what_its_plain_form_adds(scorer):
    text = "a neutral ｅｘａｍｐｌｅ of a river"
    [strongest] = scorer.explain(text).strongest(1)
    assert text[strongest.begin : strongest.end] == "ｅｘａｍｐｌｅ"


def test_letters_that_were_read_together_are_one_contribution(scorer):
    text = "one e x a m p l e of ｂｏｏｋ"
    found = {text[c.begin : c.end]: c.plain for c in scorer.explain(text).contributions}
    assert found == {"one": "", "e x a m p l e": "example", "of": "", "ｂｏｏｋ": "book"}


def test_honest_text_does_not_become_abuse():
    """What a base model that reads masks would mark, it would mark without reading them, too."""
    base = load_model(BASE)
    assert base.masks is not None
    with_masks = base.score(TRAPS)
    without = _without_masks(base).score(TRAPS)
    for threshold in base.thresholds.values():
        marked = with_masks >= threshold
        assert not (marked & (without < threshold)).any()


def _without_masks(base):
    pipeline = deepcopy(base.pipeline)
    for _, half in pipeline[FEATURES].transformer_list:
        half.preprocessor = None
    return Scorer(pipeline)


def test_masks_are_the_same_after_pickling():
    copied = pickle.loads(pickle.dumps(MASKS))
    assert copied.worth == MASKS.worth
    assert copied.plain("ex4mple") == "example"


@pytest.mark.parametrize("worth", [{"word": "much"}, {3: 1.0}, ["word"]])
def test_what_holds_no_words_is_refused(worth):
    """A saved model may hold anything of the allowed types."""
    with pytest.raises((TypeError, AttributeError)):
        Masks().__setstate__({"worth": worth})


def test_what_would_be_longer_than_it_was_is_not_put_in():
    """A capital I with a dot becomes two letters; the loops have room for three times a text."""
    text = "\u0130" * 20 + "ｂｏｏｋ"
    assert len(Masks().plain(text).encode()) > len(text.encode())
    assert Masks().find(read_texts([text])) == []


def test_long_spellings_are_not_remembered():
    masks = Masks(WORTH)
    masks.unmask(read_texts(["ex4mple" + "-" * 500]))
    assert masks._remembered == {}


def test_a_model_without_masks_is_read_as_before(scorer):
    blind = _without_masks(scorer)
    assert blind.masks is None
    np.testing.assert_allclose(
        blind.score(TEXTS), blind.pipeline.predict_proba(TEXTS)[:, 1], rtol=1e-12
    )
