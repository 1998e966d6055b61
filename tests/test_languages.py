"""Languages are told where there is enough to tell them by."""

import sys

import pytest

from moderation import languages
from moderation.errors import MissingPackage
from moderation.languages import check_installed, detect_languages, share_languages

TOLD = {
    "en": "The council has opened the new library beside the old bridge, and the ferry runs again.",
    "de": "Die neue Bücherei neben der alten Brücke ist offen, und die Fähre fährt wieder.",
    "fr": "La nouvelle bibliothèque près du vieux pont est ouverte et le bac circule à nouveau.",
    "ru": "Новая библиотека у старого моста открыта, и паром снова ходит каждый день.",
}


@pytest.mark.parametrize("language", TOLD)
def test_a_sentence_tells_its_language(language):
    assert detect_languages([TOLD[language], TOLD[language].upper()]) == [language] * 2


@pytest.mark.parametrize(
    "text", ["ok", "", " ", "lol", "!!!", "\N{THUMBS UP SIGN}", "12345", "Yes.", "\ud800", "Genau!"]
)
def test_what_is_too_little_to_tell_by_is_not_guessed(text):
    assert detect_languages([text]) == ["und"]


def test_languages_come_in_the_order_of_the_texts():
    assert detect_languages([*TOLD.values(), "ok"]) == [*TOLD, "und"]
    assert detect_languages([]) == []


def test_the_beginning_of_a_long_text_tells():
    assert detect_languages([TOLD["en"] * 4 + TOLD["ru"] * 50]) == ["en"]


TOLD_ALIKE = [
    *TOLD.values(),
    *(text[:length] for text in TOLD.values() for length in range(1, 60, 3)),
    "Ovo je srpska rečenica, a ovo je hrvatska.",
    "e\u0301t\u00e9 \N{THUMBS UP SIGN} \ud800",
    "ALL OF IT IN CAPITALS, AS ON A SIGN",
]


def test_languages_are_those_that_py3langid_itself_tells():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    library = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector = languages._load_detector()
    for text in TOLD_ALIKE:
        language, sure = library.classify(text)
        told, as_sure = detector.tell(text)
        assert as_sure == pytest.approx(sure, abs=2e-3) or told == "und"
        assert told == language or sure < 0.1


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._load_detector.cache_clear()
    with pytest.raises(MissingPackage, match=r"pip install 'moderation\[languages\]'"):
        check_installed()


def test_the_shares_of_languages_are_those_of_the_texts_rare_ones_left_out():
    texts = [*[TOLD["de"]] * 120, *[TOLD["en"]] * 76, "ok", "ok", TOLD["ru"], "Yes."]
    shares = share_languages(texts, seed=1)
    assert shares == {"de": 0.6, "en": 0.38, "und": 0.015}
    assert list(shares) == ["de", "en", "und"]
    assert share_languages([], seed=1) == {}


def test_of_many_texts_a_sample_is_looked_at_and_always_the_same_one(monkeypatch):
    seen = []
    monkeypatch.setattr(
        languages, "detect_languages", lambda texts: [seen.append(t) or "en" for t in texts]
    )
    texts = [str(number) for number in range(5000)]
    for seed in (1, 1, 2):
        assert share_languages(texts, seed=seed) == {"en": 1.0}
    first, again, other = seen[:2000], seen[2000:4000], seen[4000:]
    assert first == again
    assert first != other
    assert len(set(first)) == 2000


@pytest.mark.corpora
@pytest.mark.parametrize(("corpus", "language"), [("c3_news", "en"), ("standard_de", "de")])
def test_real_comments_are_told_rightly_or_not_at_all(corpora, corpus, language):
    import pandas as pd

    texts = pd.read_csv(corpora / f"{corpus}.csv.gz", nrows=500)["text"].dropna().tolist()
    found = detect_languages(texts)
    assert found.count(language) > 0.9 * len(texts)
    assert len(texts) - found.count(language) - found.count("und") <= 0.02 * len(texts)
