"""Languages are told where there is enough to tell them by."""

import sys

import pytest

from moderation import languages
from moderation.errors import MissingPackage
from moderation.languages import check_installed, detect_languages

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


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._load_identifier.cache_clear()
    with pytest.raises(MissingPackage, match=r"pip install 'moderation\[languages\]'"):
        check_installed()


@pytest.mark.corpora
@pytest.mark.parametrize(("corpus", "language"), [("c3_news", "en"), ("standard_de", "de")])
def test_real_comments_are_told_rightly_or_not_at_all(corpora, corpus, language):
    import pandas as pd

    texts = pd.read_csv(corpora / f"{corpus}.csv.gz", nrows=500)["text"].dropna().tolist()
    found = detect_languages(texts)
    assert found.count(language) > 0.9 * len(texts)
    assert len(texts) - found.count(language) - found.count("und") <= 0.02 * len(texts)
